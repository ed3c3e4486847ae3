//! Matches filters against events in memory.

use crate::event::{Event, subject_of};
use crate::filter::conditions::{Field, Filter, Part, PartField, Place};
use crate::filter::metadata::has_metadata;
use crate::masking::may_hold_address;

impl Filter {
    /// Returns true if the filter selects `event`. `search` is the event's searchable text.
    pub fn matches(&self, event: &Event, search: &str) -> bool {
        let exact =
            |wanted: &Option<String>, value: &Option<String>| wanted.as_ref().is_none_or(|wanted| value.as_ref() == Some(wanted));
        let folded = |wanted: &Option<String>, value: &Option<String>| {
            wanted.as_ref().is_none_or(|wanted| value.as_ref().is_some_and(|value| value.eq_ignore_ascii_case(wanted)))
        };
        (self.ids.is_empty() || self.ids.contains(&event.id))
            && (self.kinds.is_empty() || self.kinds.contains(&event.kind))
            && folded(&self.recipient, &event.recipient)
            && folded(&self.sender, &event.sender)
            && self.domain.as_ref().is_none_or(|wanted| has_domain(&event.recipient, wanted))
            && self.subject.as_ref().is_none_or(|part| subject_of(search).is_some_and(|subject| subject.contains(part.as_str())))
            && self.tag.as_ref().is_none_or(|tag| event.tags.contains(tag))
            && self.parts.iter().all(|part| part.matches(event, self.plain_texts_only))
            && self.has_plain_subject(event, search)
            && (self.reason_classes.is_empty() || has_code(&event.reason_class, &self.reason_classes, |class| class.code()))
            && (self.actors.is_empty() || has_code(&event.actor, &self.actors, |actor| actor.code()))
            && exact(&self.template, &event.template)
            && exact(&self.subaccount, &event.subaccount)
            && exact(&self.message_id, &event.message_id)
            && exact(&self.ip, &event.ip)
            && exact(&self.url, &event.url)
            && self.from.is_none_or(|from| event.received_at >= from)
            && self.to.is_none_or(|to| event.received_at < to)
            && self.simulated.is_none_or(|simulated| event.simulated == simulated)
            && self.words.iter().all(|word| search.contains(word.as_str()))
            && has_metadata(event, &self.metadata)
            && !self.not.iter().any(|(field, value)| field.matches(event, value))
            && self.visibility.includes_event(event)
    }

    /// Returns true if all words are in a subject without an address, or need not be.
    fn has_plain_subject(&self, event: &Event, search: &str) -> bool {
        if !self.plain_texts_only || (self.words.is_empty() && self.subject.is_none()) {
            return true;
        }
        event.subject.as_deref().is_some_and(|subject| !may_hold_address(subject))
            && subject_of(search).is_some_and(|subject| self.words.iter().all(|word| subject.contains(word.as_str())))
    }
}

fn has_code<T: Copy>(value: &Option<String>, wanted: &[T], code: fn(T) -> &'static str) -> bool {
    value.as_ref().is_some_and(|value| wanted.iter().any(|wanted| code(*wanted) == value))
}

/// True if the address's domain is `wanted`, ignoring the case of ASCII letters.
fn has_domain(address: &Option<String>, wanted: &str) -> bool {
    address.as_deref().and_then(|address| address.rsplit_once('@')).is_some_and(|(_, domain)| domain.eq_ignore_ascii_case(wanted))
}

impl Part {
    fn matches(&self, event: &Event, plain_texts_only: bool) -> bool {
        let occurs_in = |value: &String| self.occurs_in(value) && !(plain_texts_only && may_hold_address(value));
        match self.field {
            PartField::Tag => event.tags.iter().any(occurs_in),
            PartField::Template => event.template.as_ref().is_some_and(occurs_in),
            PartField::Subaccount => event.subaccount.as_ref().is_some_and(occurs_in),
        }
    }

    fn occurs_in(&self, value: &str) -> bool {
        let value = value.to_ascii_lowercase();
        match self.place {
            Place::Start => value.starts_with(&self.text),
            Place::Anywhere => value.contains(&self.text),
        }
    }
}

impl Field {
    /// Returns true if this field of the event has the value `wanted`.
    fn matches(&self, event: &Event, wanted: &str) -> bool {
        let exact = |value: &Option<String>| value.as_deref() == Some(wanted);
        let folded = |value: &Option<String>| value.as_ref().is_some_and(|value| value.eq_ignore_ascii_case(wanted));
        match self {
            Self::Kind => event.kind == wanted,
            Self::Recipient => folded(&event.recipient),
            Self::Sender => folded(&event.sender),
            Self::Domain => has_domain(&event.recipient, wanted),
            Self::Tag => event.tags.iter().any(|tag| tag == wanted),
            Self::Template => exact(&event.template),
            Self::Subaccount => exact(&event.subaccount),
            Self::MessageId => exact(&event.message_id),
            Self::Ip => exact(&event.ip),
            Self::Url => exact(&event.url),
            Self::ReasonClass => exact(&event.reason_class),
            Self::Actor => exact(&event.actor),
            Self::Metadata(key) => has_metadata(event, &[(key, wanted)]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::visibility::{Restriction, Visibility};

    fn event() -> Event {
        serde_json::from_str(
            r#"{"id":1,"kind":"open","occurred_at":"2026-01-02T03:04:05Z","received_at":"2026-01-02T03:05:00Z",
                "message_id":"m1","recipient":"Ada@Example.com","sender":"billing@example.com","subject":"Your Invoice 4711",
                "tags":["billing","vip"],"metadata":{"customer":7,"plan":"gold"},"template":"invoice","subaccount":null,
                "url":null,"ip":"198.51.100.7","user_agent":null,"country":null,"city":null,"diagnostic":null,"actor":"proxy",
                "simulated":false,"webhook":"main"}"#,
        )
        .expect("an event")
    }

    fn selects(pairs: &[(&str, &str)]) -> bool {
        let filter = Filter::of_visible(pairs.iter().copied(), Visibility::everything()).expect("a filter");
        filter.matches(&event(), "ada@example.com billing@example.com\u{1e}your invoice 4711\u{1f} billing vip 7 gold")
    }

    #[test]
    fn each_condition_selects_and_excludes() {
        let table = [
            (("kind", "click,open"), ("kind", "click")),
            (("recipient", "ada@EXAMPLE.com"), ("recipient", "ada@example.co")),
            (("sender", "Billing@example.com"), ("sender", "example.com")),
            (("subject", " Your  INVOICE"), ("subject", "vip")),
            (("domain", "@EXAMPLE.com"), ("domain", "ample.com")),
            (("tag", "vip"), ("tag", "vi")),
            (("tag.prefix", "VI"), ("tag.prefix", "ip")),
            (("tag.contains", "iLl"), ("tag.contains", "vipb")),
            (("template.prefix", "inv"), ("template.prefix", "voice")),
            (("template.contains", "VOICE"), ("template.contains", "x")),
            (("subaccount.contains", ""), ("subaccount.contains", "eu")),
            (("metadata.customer", "7"), ("metadata.customer", "8")),
            (("metadata.plan", "gold"), ("metadata.none", "gold")),
            (("template", "invoice"), ("template", "Invoice")),
            (("actor", "person, proxy"), ("actor", "person")),
            (("reason_class", ""), ("reason_class", "network")),
            (("message_id", "m1"), ("message_id", "m2")),
            (("ip", "198.51.100.7"), ("ip", "198.51.100.70")),
            (("from", "2026-01-02T03:05:00Z"), ("from", "2026-01-02T03:05:01Z")),
            (("to", "2026-01-02T03:05:01Z"), ("to", "2026-01-02T03:05:00Z")),
            (("simulated", "false"), ("simulated", "true")),
            (("q", "  INVOICE  ada"), ("q", "invoice bo")),
            (("subaccount", ""), ("subaccount", "eu")),
        ];
        for (selecting, excluding) in table {
            assert!(selects(&[selecting]), "{selecting:?}");
            assert!(!selects(&[excluding]), "{excluding:?}");
            assert!(!selects(&[selecting, excluding]) || selecting.0 == excluding.0, "{selecting:?} and {excluding:?}");
        }
    }

    #[test]
    fn events_that_the_caller_may_not_see_are_not_selected() {
        let of_tag = |tag: &str| Some(Restriction { tags: vec![tag.to_owned()], ..Restriction::default() });
        let selects = |visibility| Filter::of_visible([("kind", "open")], visibility).expect("a filter").matches(&event(), "");
        assert!(selects(Visibility::new(of_tag("vip"), None)));
        assert!(!selects(Visibility::new(of_tag("vip"), of_tag("news"))));
    }

    #[test]
    fn excluded_values_are_not_selected() {
        for (name, value) in [
            ("not.kind", "click,open"),
            ("not.recipient", "ADA@example.com"),
            ("not.sender", "billing@example.com"),
            ("not.domain", "Example.COM"),
            ("not.tag", "vip"),
            ("not.template", "invoice"),
            ("not.actor", "proxy,scanner"),
            ("not.message_id", "m1"),
            ("not.ip", "198.51.100.7"),
            ("not.metadata.customer", "7"),
        ] {
            assert!(!selects(&[(name, value)]), "{name}");
            let other = if name == "not.actor" { "bot" } else { "something else" };
            assert!(selects(&[(name, other)]), "{name}");
            assert!(!selects(&[(name, other), (name, value)]), "{name} twice");
        }
        assert!(selects(&[("not.url", "https://example.com/"), ("not.subaccount", "eu")]), "fields that the event lacks");
    }
}
