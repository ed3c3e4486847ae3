//! What selects events: the same names and meaning in `/api/events` and in a websocket subscription.
//!
//! This file holds the meaning and the match in memory; `ingest/src/read/events.rs` says the same in SQL.

use std::collections::HashMap;

use serde_json::value::RawValue;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::event::{Event, SUBJECT, fold};

/// Every condition must hold; an empty filter selects everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    /// Any of these kinds; empty for all.
    pub kinds: Vec<String>,
    /// Exact, without regard to the case of ASCII letters.
    pub recipient: Option<String>,
    /// Exact, without regard to the case of ASCII letters.
    pub sender: Option<String>,
    /// Contained in the subject, both folded.
    pub subject: Option<String>,
    /// Among the tags, exact.
    pub tag: Option<String>,
    /// Keys of the metadata and their values as text, exact: strings, numbers as Postgres writes them, `true` and `false`.
    pub metadata: Vec<(String, String)>,
    /// Exact.
    pub template: Option<String>,
    /// Exact.
    pub subaccount: Option<String>,
    /// Exact.
    pub message_id: Option<String>,
    /// Exact.
    pub ip: Option<String>,
    /// Exact.
    pub url: Option<String>,
    /// Received at or after.
    pub from: Option<OffsetDateTime>,
    /// Received before.
    pub to: Option<OffsetDateTime>,
    /// Only simulated events, or only real ones.
    pub simulated: Option<bool>,
    /// Words that the event's searchable text must all contain, folded.
    pub words: Vec<String>,
    /// None of these may hold.
    pub not: Vec<(Field, String)>,
}

/// A field whose exact value can be excluded: `not.NAME` for the names above.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Field {
    /// `not.kind`
    Kind,
    /// `not.recipient`
    Recipient,
    /// `not.sender`
    Sender,
    /// `not.tag`
    Tag,
    /// `not.template`
    Template,
    /// `not.subaccount`
    Subaccount,
    /// `not.message_id`
    MessageId,
    /// `not.ip`
    Ip,
    /// `not.url`
    Url,
    /// `not.metadata.KEY`
    Metadata(String),
}

impl Field {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "kind" => Self::Kind,
            "recipient" => Self::Recipient,
            "sender" => Self::Sender,
            "tag" => Self::Tag,
            "template" => Self::Template,
            "subaccount" => Self::Subaccount,
            "message_id" => Self::MessageId,
            "ip" => Self::Ip,
            "url" => Self::Url,
            _ => Self::Metadata(name.strip_prefix("metadata.").filter(|key| !key.is_empty())?.to_owned()),
        })
    }

    /// True when the event has this value here.
    fn is(&self, event: &Event, wanted: &str) -> bool {
        let exact = |has: &Option<String>| has.as_deref() == Some(wanted);
        let folded = |has: &Option<String>| has.as_ref().is_some_and(|has| has.eq_ignore_ascii_case(wanted));
        match self {
            Self::Kind => event.kind == wanted,
            Self::Recipient => folded(&event.recipient),
            Self::Sender => folded(&event.sender),
            Self::Tag => event.tags.iter().any(|tag| tag == wanted),
            Self::Template => exact(&event.template),
            Self::Subaccount => exact(&event.subaccount),
            Self::MessageId => exact(&event.message_id),
            Self::Ip => exact(&event.ip),
            Self::Url => exact(&event.url),
            Self::Metadata(key) => metadata_is(event, &[(key, wanted)]),
        }
    }
}

/// A filter that cannot be understood.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum FilterError {
    /// No such filter.
    #[error("there is no filter `{0}`")]
    Unknown(String),
    /// A value that its filter cannot take.
    #[error("`{0}` does not take that value")]
    Value(String),
    /// More or longer than anybody needs.
    #[error("the filter is too long")]
    TooLong,
}

/// Bounds what one filter may ask: conditions, words and characters of a value.
const MOST_CONDITIONS: usize = 32;
const LONGEST_VALUE: usize = 1024;

fn is_long(text: &str) -> bool {
    text.len() > LONGEST_VALUE && text.chars().count() > LONGEST_VALUE
}

impl Filter {
    /// Reads a filter from names and values; `kind` may hold several, separated by commas, and empty values select nothing out.
    ///
    /// # Errors
    /// On an unknown name, a value out of range, or too much of either.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, FilterError> {
        let mut filter = Self::default();
        for (count, (name, value)) in pairs.into_iter().enumerate() {
            if count >= MOST_CONDITIONS || is_long(value) || is_long(name) {
                return Err(FilterError::TooLong);
            }
            if !value.is_empty() {
                filter.set(name, value)?;
            }
        }
        Ok(filter)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), FilterError> {
        // Postgres has no text with NUL in it, and no event contains one.
        let bad = || FilterError::Value(name.to_owned());
        if value.contains('\0') || name.contains('\0') {
            return Err(bad());
        }
        let exact = || Some(value.to_owned());
        let instant = || OffsetDateTime::parse(value, &Rfc3339).map(Some).map_err(|_| bad());
        match name {
            "kind" => self.kinds.extend(value.split(',').filter(|kind| !kind.is_empty()).map(str::to_owned)),
            "recipient" => self.recipient = Some(value.to_ascii_lowercase()),
            "sender" => self.sender = Some(value.to_ascii_lowercase()),
            "subject" => self.subject = Some(fold(value)),
            "tag" => self.tag = exact(),
            "template" => self.template = exact(),
            "subaccount" => self.subaccount = exact(),
            "message_id" => self.message_id = exact(),
            "ip" => self.ip = exact(),
            "url" => self.url = exact(),
            "from" => self.from = instant()?,
            "to" => self.to = instant()?,
            "simulated" => self.simulated = Some(value.parse().map_err(|_| bad())?),
            "q" => self.words = fold(value).split(' ').map(str::to_owned).collect(),
            _ => match (name.strip_prefix("not."), name.strip_prefix("metadata.")) {
                (Some(name), _) => self.exclude(name, value)?,
                (None, Some(key)) if !key.is_empty() => self.metadata.push((key.to_owned(), value.to_owned())),
                _ => return Err(FilterError::Unknown(name.to_owned())),
            },
        }
        Ok(())
    }

    fn exclude(&mut self, name: &str, value: &str) -> Result<(), FilterError> {
        let field = Field::of(name).ok_or_else(|| FilterError::Unknown(format!("not.{name}")))?;
        match field {
            Field::Kind => {
                let kinds = value.split(',').filter(|kind| !kind.is_empty());
                self.not.extend(kinds.map(|kind| (Field::Kind, kind.to_owned())));
            }
            Field::Recipient | Field::Sender => self.not.push((field, value.to_ascii_lowercase())),
            _ => self.not.push((field, value.to_owned())),
        }
        Ok(())
    }

    /// True when it selects everything.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// True when the event is selected; `search` is its folded text.
    pub fn matches(&self, event: &Event, search: &str) -> bool {
        let exact =
            |wanted: &Option<String>, has: &Option<String>| wanted.as_ref().is_none_or(|wanted| has.as_ref() == Some(wanted));
        let folded = |wanted: &Option<String>, has: &Option<String>| {
            wanted.as_ref().is_none_or(|wanted| has.as_ref().is_some_and(|has| has.eq_ignore_ascii_case(wanted)))
        };
        (self.kinds.is_empty() || self.kinds.contains(&event.kind))
            && folded(&self.recipient, &event.recipient)
            && folded(&self.sender, &event.sender)
            && self.subject.as_ref().is_none_or(|part| subject_in(search).is_some_and(|subject| subject.contains(part.as_str())))
            && self.tag.as_ref().is_none_or(|tag| event.tags.contains(tag))
            && exact(&self.template, &event.template)
            && exact(&self.subaccount, &event.subaccount)
            && exact(&self.message_id, &event.message_id)
            && exact(&self.ip, &event.ip)
            && exact(&self.url, &event.url)
            && self.from.is_none_or(|from| event.received_at >= from)
            && self.to.is_none_or(|to| event.received_at < to)
            && self.simulated.is_none_or(|simulated| event.simulated == simulated)
            && self.words.iter().all(|word| search.contains(word.as_str()))
            && metadata_is(event, &self.metadata)
            && !self.not.iter().any(|(field, value)| field.is(event, value))
    }
}

/// True when the event's metadata has all these values.
fn metadata_is(event: &Event, wanted: &[(impl AsRef<str>, impl AsRef<str>)]) -> bool {
    if wanted.is_empty() {
        return true;
    }
    let Some(metadata) = &event.metadata else { return false };
    let Ok(values) = serde_json::from_str::<HashMap<String, &RawValue>>(metadata.get()) else { return false };
    wanted.iter().all(|(key, wanted)| {
        values.get(key.as_ref()).and_then(|value| text_of(value)).is_some_and(|value| value == wanted.as_ref())
    })
}

/// The subject within an event's searchable text.
fn subject_in(search: &str) -> Option<&str> {
    let (_, rest) = search.split_once(SUBJECT.0)?;
    rest.split_once(SUBJECT.1).map(|(subject, _)| subject)
}

/// A value of the metadata as the text that Postgres gives for it; none for null, arrays and objects.
fn text_of(value: &RawValue) -> Option<String> {
    match value.get().as_bytes().first()? {
        b'"' => serde_json::from_str(value.get()).ok(),
        b't' | b'f' => Some(value.get().to_owned()),
        b'-' | b'0'..=b'9' => number_text(value.get()),
        _ => None,
    }
}

/// A JSON number written out, as Postgres writes a numeric: without exponent, and with the digits after the point that it had.
fn number_text(number: &str) -> Option<String> {
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (negative, mantissa) = mantissa.strip_prefix('-').map_or((false, mantissa), |rest| (true, rest));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    // Nobody filters by numbers longer than that.
    let exponent: i64 = exponent.parse().ok().filter(|exponent: &i64| exponent.abs() <= 1_000)?;
    let mut digits = format!("{whole}{fraction}");
    // Where the point belongs in these digits.
    let mut point = i64::try_from(whole.len()).ok()? + exponent;
    if point <= 0 {
        digits.insert_str(0, &"0".repeat(usize::try_from(1 - point).ok()?));
        point = 1;
    }
    let point = usize::try_from(point).ok()?;
    if digits.len() < point {
        digits.push_str(&"0".repeat(point - digits.len()));
    }
    let (whole, fraction) = digits.split_at(point);
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let is_zero = whole == "0" && fraction.bytes().all(|digit| digit == b'0');
    let sign = if negative && !is_zero { "-" } else { "" };
    Some(if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> Event {
        serde_json::from_str(
            r#"{"id":1,"kind":"open","occurred_at":"2026-01-02T03:04:05Z","received_at":"2026-01-02T03:05:00Z",
                "message_id":"m1","recipient":"Ada@Example.com","sender":"billing@example.com","subject":"Your Invoice 4711",
                "tags":["billing","vip"],"metadata":{"customer":7,"plan":"gold"},"template":"invoice","subaccount":null,
                "url":null,"ip":"198.51.100.7","user_agent":null,"country":null,"city":null,"diagnostic":null,
                "simulated":false,"webhook":"main"}"#,
        )
        .expect("an event")
    }

    fn selects(pairs: &[(&str, &str)]) -> bool {
        let filter = Filter::from_pairs(pairs.iter().copied()).expect("a filter");
        filter.matches(&event(), "ada@example.com billing@example.com\u{1e}your invoice 4711\u{1f} billing vip 7 gold")
    }

    #[test]
    fn each_condition_selects_and_excludes() {
        let table = [
            (("kind", "click,open"), ("kind", "click")),
            (("recipient", "ada@EXAMPLE.com"), ("recipient", "ada@example.co")),
            (("sender", "Billing@example.com"), ("sender", "example.com")),
            (("subject", " Your  INVOICE"), ("subject", "vip")),
            (("tag", "vip"), ("tag", "vi")),
            (("metadata.customer", "7"), ("metadata.customer", "8")),
            (("metadata.plan", "gold"), ("metadata.none", "gold")),
            (("template", "invoice"), ("template", "Invoice")),
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
    fn what_is_excluded_is_left_out() {
        for (name, value) in [
            ("not.kind", "click,open"),
            ("not.recipient", "ADA@example.com"),
            ("not.sender", "billing@example.com"),
            ("not.tag", "vip"),
            ("not.template", "invoice"),
            ("not.message_id", "m1"),
            ("not.ip", "198.51.100.7"),
            ("not.metadata.customer", "7"),
        ] {
            assert!(!selects(&[(name, value)]), "{name}");
            assert!(selects(&[(name, "something else")]), "{name}");
            assert!(!selects(&[(name, "something else"), (name, value)]), "{name} twice");
        }
        assert!(selects(&[("not.url", "https://example.com/"), ("not.subaccount", "eu")]), "what it does not have");
        assert_eq!(Filter::from_pairs([("not.q", "x")]), Err(FilterError::Unknown("not.q".to_owned())));
    }

    #[test]
    fn numbers_are_written_as_postgres_writes_them() {
        let table = [
            ("7", "7"),
            ("-7.50", "-7.50"),
            ("1e2", "100"),
            ("1.50e1", "15.0"),
            ("12E-3", "0.012"),
            ("-0", "0"),
            ("-0.0", "0.0"),
            ("1.25e+2", "125"),
            ("0e5", "0"),
            ("0.5e1", "5"),
            ("10e-1", "1.0"),
        ];
        for (number, expected) in table {
            assert_eq!(number_text(number).as_deref(), Some(expected), "{number}");
        }
        assert_eq!(number_text("1e9999"), None);
    }

    #[test]
    fn a_mistake_is_named() {
        let error = |name, value| Filter::from_pairs([(name, value)]).expect_err("an error");
        assert_eq!(error("colour", "red"), FilterError::Unknown("colour".to_owned()));
        assert_eq!(error("metadata.", "x"), FilterError::Unknown("metadata.".to_owned()));
        assert_eq!(error("from", "yesterday"), FilterError::Value("from".to_owned()));
        assert_eq!(error("simulated", "maybe"), FilterError::Value("simulated".to_owned()));
        let long = "x".repeat(2000);
        assert_eq!(Filter::from_pairs([("q", long.as_str())]), Err(FilterError::TooLong));
        assert_eq!(error("tag", "a\0b"), FilterError::Value("tag".to_owned()));
    }
}
