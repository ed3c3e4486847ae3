//! The text of a notification.

use std::fmt;

use crate::webhook::event::NewEvent;

/// Maximum length of a notification's body, in bytes.
const MAX_BODY_BYTES: usize = 500;

/// A summary of who did what, such as `ada@example.com opened “Your order”`.
pub(super) fn title(event: &NewEvent<'_>) -> String {
    let subject = event.subject.as_deref().filter(|subject| !subject.is_empty());
    let person = event.recipient.as_deref().unwrap_or("Somebody");
    let message = MessageName { subject, fallback: "a message" };
    let outcome = |verb: &str| {
        let message = MessageName { subject, fallback: "A message" };
        event.recipient.as_deref().map_or_else(|| format!("{message} {verb}"), |to| format!("{message} to {to} {verb}"))
    };
    match &*event.kind {
        "open" => format!("{person} opened {message}"),
        "click" => format!("{person} clicked in {message}"),
        "unsub" => format!("{person} unsubscribed"),
        "send" => outcome("was sent"),
        "delivered" => outcome("was delivered"),
        "deferral" => outcome("was deferred"),
        "soft_bounce" => outcome("bounced temporarily"),
        "hard_bounce" => outcome("bounced"),
        "spam" => outcome("was marked as spam"),
        "reject" => outcome("was rejected"),
        other => {
            let kind = other.replace('_', " ");
            subject.map_or_else(|| format!("{person}: {kind}"), |_| format!("{person}: {kind} of {message}"))
        }
    }
}

/// Identifies a message by its subject.
struct MessageName<'a> {
    subject: Option<&'a str>,
    fallback: &'static str,
}

impl fmt::Display for MessageName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.subject {
            Some(subject) => write!(f, "“{subject}”"),
            None => f.write_str(self.fallback),
        }
    }
}

/// The mail server's reply, or the location of the open or click.
pub(super) fn body(event: &NewEvent<'_>) -> String {
    match event.diagnostic.as_deref() {
        Some(diagnostic) if event.kind != "open" => diagnostic[..diagnostic.floor_char_boundary(MAX_BODY_BYTES)].to_owned(),
        _ => match (event.city.as_deref(), event.country.as_deref()) {
            (Some(city), Some(country)) => format!("{city}, {country}"),
            (one, other) => one.or(other).unwrap_or_default().to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::macros::datetime;

    use super::*;
    use crate::webhook::event::ReadOptions;

    #[test]
    fn a_title_names_the_recipient_and_the_message() {
        let element = |kind: &str, msg: serde_json::Value| json!({"event": kind, "ts": 1, "_id": "m", "msg": msg}).to_string();
        let texts = |element: &str| {
            let event = NewEvent::read(element, ReadOptions::at(datetime!(2026-11-24 12:00 UTC)))
                .expect("the element should be an event");
            (title(&event), body(&event))
        };
        let bounce = element("hard_bounce", json!({"email": "ann@example.com", "subject": "Hi", "diag": "550 no such user"}));
        assert_eq!(texts(&bounce), ("“Hi” to ann@example.com bounced".to_owned(), "550 no such user".to_owned()));
        assert_eq!(texts(&element("reject", json!({}))).0, "A message was rejected");
        assert_eq!(texts(&element("sms_open", json!({"email": "ann@example.com"}))).0, "ann@example.com: sms open");
        assert_eq!(texts(&element("open", json!({}))), ("Somebody opened a message".to_owned(), String::new()));
    }
}
