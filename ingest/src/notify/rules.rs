//! Who is told of an event, and what: everybody of an open, but those who have rules of their own of what these select.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use shared::notification::Audience;
use utoipa::ToSchema;

use crate::webhook::event::NewEvent;

/// Bytes of a notification's body.
const LONGEST_BODY: usize = 500;

/// The notification of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telling {
    /// `open`, or `event` for one of another kind.
    pub kind: &'static str,
    /// One line.
    pub title: String,
    /// The rest; may be empty.
    pub body: String,
    /// Who is told.
    pub audience: Audience,
}

/// What somebody wants to be told of. All of its conditions must hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Of one of these kinds.
    #[schema(min_items = 1, max_items = 30)]
    pub kinds: Vec<String>,
    /// With this tag.
    #[schema(max_length = 320)]
    pub tag: Option<String>,
    /// About this address, by ASCII case alone.
    #[schema(max_length = 320)]
    pub recipient: Option<String>,
}

impl Rule {
    /// True when its other conditions hold for an event of one of its kinds.
    fn selects(&self, event: &NewEvent<'_>) -> bool {
        let is_tagged = |tag: &String| event.tags.iter().any(|of_event| *of_event == tag.as_str());
        let is_about = |address: &String| event.recipient.as_ref().is_some_and(|of_event| of_event.eq_ignore_ascii_case(address));
        self.tag.as_ref().is_none_or(is_tagged) && self.recipient.as_ref().is_none_or(is_about)
    }
}

/// Everybody's own rules; who has none is told of every open.
#[derive(Debug, Default)]
pub struct Rules {
    /// Users who have rules, in order.
    users: Arc<[i64]>,
    /// Their rules by each of their kinds, in the order of the users.
    by_kind: HashMap<String, Vec<(i64, Arc<Rule>)>>,
}

impl Rules {
    /// Of users with their rules. A user with none of them is told of nothing.
    pub fn new(mut own: Vec<(i64, Vec<Rule>)>) -> Self {
        own.sort_unstable_by_key(|(user, _)| *user);
        let users = own.iter().map(|(user, _)| *user).collect();
        let mut by_kind: HashMap<String, Vec<(i64, Arc<Rule>)>> = HashMap::new();
        for (user, rules) in own {
            for rule in rules.into_iter().map(Arc::new) {
                for kind in &rule.kinds {
                    by_kind.entry(kind.clone()).or_default().push((user, Arc::clone(&rule)));
                }
            }
        }
        Self { users, by_kind }
    }

    /// What is told of an event, if anybody is told.
    pub fn telling(&self, event: &NewEvent<'_>) -> Option<Telling> {
        let is_open = event.kind == "open";
        if self.users.is_empty() && !is_open {
            return None;
        }
        let rules = self.by_kind.get(&*event.kind).map_or(&[][..], Vec::as_slice);
        let mut wanting: Vec<i64> = rules.iter().filter(|(_, rule)| rule.selects(event)).map(|(user, _)| *user).collect();
        wanting.dedup();
        let audience = if is_open {
            let others: Vec<i64> = self.users.iter().copied().filter(|user| wanting.binary_search(user).is_err()).collect();
            if others.is_empty() { Audience::All } else { Audience::AllBut(others.into()) }
        } else if wanting.is_empty() {
            return None;
        } else {
            Audience::Users(wanting.into())
        };
        let kind = if is_open { "open" } else { "event" };
        Some(Telling { kind, title: title(event), body: body(event), audience })
    }
}

fn title(event: &NewEvent<'_>) -> String {
    let subject = event.subject.as_deref().filter(|subject| !subject.is_empty());
    let person = event.recipient.as_deref().unwrap_or("Somebody");
    let letter = Letter { subject, otherwise: "a message" };
    let mail = |became: &str| {
        let what = Letter { subject, otherwise: "A message" };
        event.recipient.as_deref().map_or_else(|| format!("{what} {became}"), |to| format!("{what} to {to} {became}"))
    };
    match &*event.kind {
        "open" => format!("{person} opened {letter}"),
        "click" => format!("{person} clicked in {letter}"),
        "unsub" => format!("{person} unsubscribed"),
        "send" => mail("was sent"),
        "delivered" => mail("was delivered"),
        "deferral" => mail("was deferred"),
        "soft_bounce" => mail("bounced for now"),
        "hard_bounce" => mail("bounced"),
        "spam" => mail("was marked as spam"),
        "reject" => mail("was rejected"),
        other => {
            let kind = other.replace('_', " ");
            subject.map_or_else(|| format!("{person}: {kind}"), |_| format!("{person}: {kind} of {letter}"))
        }
    }
}

/// A message by its subject.
struct Letter<'a> {
    subject: Option<&'a str>,
    otherwise: &'static str,
}

impl fmt::Display for Letter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.subject {
            Some(subject) => write!(f, "“{subject}”"),
            None => f.write_str(self.otherwise),
        }
    }
}

/// What a server replied, or where somebody opened or clicked.
fn body(event: &NewEvent<'_>) -> String {
    match event.diagnostic.as_deref() {
        Some(diagnostic) if event.kind != "open" => diagnostic[..diagnostic.floor_char_boundary(LONGEST_BODY)].to_owned(),
        _ => match (event.city.as_deref(), event.country.as_deref()) {
            (Some(city), Some(country)) => format!("{city}, {country}"),
            (one, other) => one.or(other).unwrap_or_default().to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use time::macros::datetime;

    fn rule(kinds: &[&str], tag: Option<&str>, recipient: Option<&str>) -> Rule {
        let kinds = kinds.iter().map(|kind| (*kind).to_owned()).collect();
        Rule { kinds, tag: tag.map(str::to_owned), recipient: recipient.map(str::to_owned) }
    }

    fn told(rules: &Rules, kind: &str, email: &str, tags: &[&str]) -> Option<String> {
        let element = json!({"event": kind, "ts": 1, "_id": "m", "msg": {"email": email, "tags": tags}}).to_string();
        let event = NewEvent::read(&element, false, datetime!(2026-11-24 12:00 UTC)).expect("an event");
        rules.telling(&event).map(|telling| telling.audience.to_string())
    }

    #[test]
    fn without_rules_everybody_is_told_of_opens_alone() {
        let rules = Rules::default();
        assert_eq!(told(&rules, "open", "ann@example.com", &[]).as_deref(), Some("all"));
        assert_eq!(told(&rules, "click", "ann@example.com", &[]), None);
    }

    #[test]
    fn who_has_rules_is_told_of_what_any_of_them_selects() {
        let rules = Rules::new(vec![
            (9, vec![]),
            (3, vec![rule(&["open", "spam"], Some("news"), None), rule(&["open"], None, Some("Ann@example.com"))]),
            (5, vec![rule(&["spam", "hard_bounce"], None, None)]),
        ]);
        assert_eq!(told(&rules, "open", "bo@example.com", &[]).as_deref(), Some("all-but:3,5,9"));
        assert_eq!(told(&rules, "open", "bo@example.com", &["news"]).as_deref(), Some("all-but:5,9"));
        // Both rules select it, and it is told once.
        assert_eq!(told(&rules, "open", "aNN@example.com", &["news"]).as_deref(), Some("all-but:5,9"));
        assert_eq!(told(&rules, "spam", "bo@example.com", &["news"]).as_deref(), Some("users:3,5"));
        assert_eq!(told(&rules, "spam", "bo@example.com", &["News"]).as_deref(), Some("users:5"));
        assert_eq!(told(&rules, "click", "bo@example.com", &["news"]), None);
        let all = Rules::new(vec![(3, vec![rule(&["open"], None, None)])]);
        assert_eq!(told(&all, "open", "bo@example.com", &[]).as_deref(), Some("all"));
    }

    #[test]
    fn a_title_says_who_and_what() {
        let element = |kind: &str, msg: serde_json::Value| json!({"event": kind, "ts": 1, "_id": "m", "msg": msg}).to_string();
        let titles = |element: &str| {
            let event = NewEvent::read(element, false, datetime!(2026-11-24 12:00 UTC)).expect("an event");
            (title(&event), body(&event))
        };
        let bounce = element("hard_bounce", json!({"email": "ann@example.com", "subject": "Hi", "diag": "550 no such user"}));
        assert_eq!(titles(&bounce), ("“Hi” to ann@example.com bounced".to_owned(), "550 no such user".to_owned()));
        assert_eq!(titles(&element("reject", json!({}))).0, "A message was rejected");
        assert_eq!(titles(&element("sms_open", json!({"email": "ann@example.com"}))).0, "ann@example.com: sms open");
        assert_eq!(titles(&element("open", json!({}))), ("Somebody opened a message".to_owned(), String::new()));
    }
}
