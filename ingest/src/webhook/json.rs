//! JSON of which little is taken for granted: objects whose fields are read one by one, each as leniently as can be.
//!
//! Everything is borrowed from the delivery where it stands there as it is meant: a text without escapes costs no copy.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

/// Fields of an object of usual size.
const USUAL_FIELDS: usize = 16;

/// An object's fields as they came. The last of a repeated name counts. What is absent, null or of another type is missing.
#[derive(Debug, Default)]
pub struct Object<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

/// An object that jsonb takes.
#[derive(Debug, Clone)]
pub struct JsonObject<'a> {
    /// As JSON, numbers in one form: what is 1.50 in a delivery is found as 1.5, here and in the notifier.
    pub json: Cow<'a, RawValue>,
    /// What it holds: texts as they are meant, anything else as JSON.
    pub values: Vec<Cow<'a, str>>,
}

impl<'a> JsonObject<'a> {
    /// Its JSON as text.
    pub fn text(&self) -> &str {
        self.json.get()
    }

    /// As it came, where that is how it would be written here: no escapes, no space, no name twice, and nothing but texts, short whole
    /// numbers, true, false and null. Nearly all metadata is so.
    fn plain(raw: &'a RawValue) -> Option<Self> {
        if raw.get().contains('\\') {
            return None;
        }
        let Object(fields) = serde_json::from_str(raw.get()).ok()?;
        let is_twice = |(at, (name, _)): (usize, &(Cow<'_, str>, _))| fields[..at].iter().any(|(before, _)| before == name);
        let bytes: usize = fields.iter().map(|(name, value)| r#""":,"#.len() + name.len() + value.get().len()).sum();
        let spaced = raw.get().len() != bytes + 1;
        if fields.len() > USUAL_FIELDS || spaced || fields.iter().enumerate().any(is_twice) {
            return None;
        }
        let values = fields.iter().map(|(_, value)| match value.get().as_bytes() {
            [b'"', ..] => as_text(value.get()),
            [b't' | b'f' | b'n', ..] => Some(Cow::Borrowed(value.get())),
            digits if digits.len() <= 15 && digits.iter().all(u8::is_ascii_digit) => Some(Cow::Borrowed(value.get())),
            _ => None,
        });
        Some(Self { values: values.collect::<Option<_>>()?, json: Cow::Borrowed(raw) })
    }

    /// However it came, written anew.
    fn rewritten(raw: &str) -> Option<Self> {
        let value = serde_json::from_str(raw).or_else(|_| serde_json::from_str(&mend(raw))).ok()?;
        // NUL cannot be written without an escape.
        let value = if raw.contains('\\') { without_nul(value) } else { value };
        let Value::Object(fields) = value else { return None };
        let json = Cow::Owned(to_raw_value(&fields).ok()?);
        let texts = fields.into_iter().map(|(_, value)| match value {
            Value::String(text) => text.into(),
            other => other.to_string().into(),
        });
        Some(Self { json, values: texts.collect() })
    }
}

impl PartialEq for JsonObject<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl<'a> Object<'a> {
    fn raw(&self, name: &str) -> Option<&'a RawValue> {
        self.0.iter().rev().find(|(known, _)| known == name).map(|(_, value)| *value)
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        self.raw(name).map(RawValue::get)
    }

    /// A string, or a number as it is written. NUL, which Postgres has no place for, and lone surrogates become U+FFFD.
    pub fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        as_text(self.get(name)?)
    }

    /// An integer, also one written as text or with a fraction of zero.
    pub fn integer(&self, name: &str) -> Option<i64> {
        let text = self.text(name)?;
        let text = text.trim();
        text.parse().ok().or_else(|| {
            let number: f64 = text.parse().ok()?;
            let whole = number.fract() == 0.0 && number.abs() < 1e15;
            #[expect(clippy::cast_possible_truncation, reason = "whole and far inside the range of i64")]
            whole.then_some(number as i64)
        })
    }

    /// An object; an empty one for anything else.
    pub fn object(&self, name: &str) -> Self {
        self.get(name).and_then(|raw| serde_json::from_str(raw).ok()).unwrap_or_default()
    }

    /// The last object of an array; an empty one where there is none.
    pub fn last_object(&self, name: &str) -> Self {
        self.array(name).iter().rev().find_map(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
    }

    /// The texts of an array.
    pub fn texts(&self, name: &str) -> Vec<Cow<'a, str>> {
        self.array(name).into_iter().filter_map(|raw| as_text(raw.get())).collect()
    }

    fn array(&self, name: &str) -> Vec<&'a RawValue> {
        self.get(name).and_then(|raw| serde_json::from_str(raw).ok()).unwrap_or_default()
    }

    /// An object as JSON that jsonb takes; none for anything else, such as the `[]` that PHP makes of an empty one.
    pub fn json_object(&self, name: &str) -> Option<JsonObject<'a>> {
        let raw = self.raw(name).filter(|raw| raw.get().starts_with('{'))?;
        JsonObject::plain(raw).or_else(|| JsonObject::rewritten(raw.get())).filter(|object| !object.values.is_empty())
    }
}

fn as_text(raw: &str) -> Option<Cow<'_, str>> {
    match raw.as_bytes().first()? {
        b'"' => match raw.get(1..raw.len() - 1) {
            Some(plain) if !plain.contains('\\') => Some(Cow::Borrowed(plain)),
            escaped => Some(Cow::Owned(unescaped(escaped?))),
        },
        b'-' | b'0'..=b'9' => Some(Cow::Borrowed(raw)),
        _ => None,
    }
}

/// A text's escapes as what they stand for, in one go. NUL and lone surrogates become U+FFFD.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, from) = rest.split_at(at);
        plain.push_str(before);
        let (letter, length) = match (from.as_bytes().get(1), unit(from)) {
            (_, Some(first)) => {
                let units = [first].into_iter().chain(from.get(6..).and_then(unit));
                let letter = char::decode_utf16(units).next().and_then(Result::ok).filter(|letter| *letter != '\0');
                let letter = letter.unwrap_or(char::REPLACEMENT_CHARACTER);
                (letter, 6 * letter.len_utf16())
            }
            (Some(b'n'), _) => ('\n', 2),
            (Some(b'r'), _) => ('\r', 2),
            (Some(b't'), _) => ('\t', 2),
            (Some(b'b'), _) => ('\u{8}', 2),
            (Some(b'f'), _) => ('\u{c}', 2),
            // A quote, a slash or a backslash.
            (Some(itself), _) => (char::from(*itself), 2),
            (None, _) => break,
        };
        plain.push(letter);
        rest = from.get(length..).unwrap_or_default();
    }
    plain.push_str(rest);
    plain
}

/// The same value with U+FFFD for NUL, in names too.
fn without_nul(value: Value) -> Value {
    let clean = |text: String| text.replace('\0', "\u{fffd}");
    match value {
        Value::String(text) => Value::String(clean(text)),
        Value::Array(values) => values.into_iter().map(without_nul).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (clean(name), without_nul(value))).collect(),
        other => other,
    }
}

/// The same JSON with every escaped lone surrogate replaced by `\ufffd`.
fn mend(json: &str) -> String {
    let mut mended = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        let (before, from) = rest.split_at(at);
        mended.push_str(before);
        let (kept, length) = match (surrogate(from), from.get(6..).and_then(surrogate)) {
            (Some(Half::High), Some(Half::Low)) => (&from[..12], 12),
            (Some(_), _) => ("\\ufffd", 6),
            (None, _) => {
                let escape = from.char_indices().nth(2).map_or(from.len(), |(end, _)| end);
                (&from[..escape], escape)
            }
        };
        mended.push_str(kept);
        rest = &from[length..];
    }
    mended.push_str(rest);
    mended
}

enum Half {
    High,
    Low,
}

/// The half of a pair that `text` begins with, written `\uXXXX`.
fn surrogate(text: &str) -> Option<Half> {
    match unit(text)? {
        0xD800..=0xDBFF => Some(Half::High),
        0xDC00..=0xDFFF => Some(Half::Low),
        _ => None,
    }
}

/// The unit of UTF-16 that `text` begins with, written `\uXXXX`.
fn unit(text: &str) -> Option<u16> {
    u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok()
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::with_capacity(map.size_hint().unwrap_or(USUAL_FIELDS));
                while let Some((name, value)) = map.next_entry::<&'de RawValue, &'de RawValue>()? {
                    fields.push((as_name(name), value));
                }
                Ok(Object(fields))
            }
        }

        deserializer.deserialize_map(Fields)
    }
}

/// Names are read as values are: one that cannot be text is kept as it is written.
fn as_name(raw: &RawValue) -> Cow<'_, str> {
    as_text(raw.get()).unwrap_or(Cow::Borrowed(raw.get()))
}

/// An element that is an object: its fields, and those of its `msg`, which holds nearly all of it.
#[derive(Debug)]
pub struct Element<'a> {
    /// All but `msg`.
    pub top: Object<'a>,
    /// Empty where `msg` is missing or no object.
    pub msg: Object<'a>,
}

impl<'a> Element<'a> {
    /// Of its text; none where that is no object.
    pub fn of(raw: &'a str) -> Option<Self> {
        let top: Object<'a> = serde_json::from_str(raw).ok()?;
        let msg = top.object("msg");
        Some(Self { top, msg })
    }
}

/// In one pass, unlike [`Element::of`], which also takes something else in place of `msg`.
impl<'de: 'a, 'a> Deserialize<'de> for Element<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Element<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut element = Element { top: Object(Vec::with_capacity(USUAL_FIELDS)), msg: Object::default() };
                while let Some(name) = map.next_key()? {
                    match as_name(name) {
                        name if name == "msg" => element.msg = map.next_value()?,
                        name => element.top.0.push((name, map.next_value()?)),
                    }
                }
                Ok(element)
            }
        }

        deserializer.deserialize_map(Fields)
    }
}

/// White space of JSON.
const SPACE: [char; 4] = [' ', '\t', '\n', '\r'];

/// No array of elements that are as usual.
#[derive(Debug)]
pub struct Unusual;

/// The elements of an array with their texts, in a single pass over it, where each is an object with an object for `msg`, if any. Stops
/// at whatever is not so; what can be saved of that, [`Elements`] finds.
pub fn objects(text: &str) -> impl Iterator<Item = Result<(&str, Element<'_>), Unusual>> {
    let mut rest = Some(text.trim_start_matches(SPACE).strip_prefix('[').ok_or(Unusual));
    std::iter::from_fn(move || {
        let next = rest.take()?.and_then(|text| {
            let text = text.trim_start_matches(SPACE);
            let mut values = serde_json::Deserializer::from_str(text).into_iter();
            let element = values.next().and_then(Result::ok).ok_or(Unusual)?;
            let (raw, after) = text.split_at(values.byte_offset());
            let after = after.trim_start_matches(SPACE);
            match (after.strip_prefix(','), after.strip_prefix(']')) {
                (Some(more), _) => rest = Some(Ok(more)),
                (None, Some(end)) if end.trim_start_matches(SPACE).is_empty() => {}
                _ => return Err(Unusual),
            }
            Ok((raw, element))
        });
        Some(next)
    })
}

/// Most elements of one delivery; Mandrill sends 1,000.
pub const MOST_ELEMENTS: usize = 10_000;

/// An array's elements as they came, as many as are taken, and how many there were.
#[derive(Debug)]
pub struct Elements<'a> {
    /// The first of them.
    pub elements: Vec<&'a RawValue>,
    /// All of them, counted.
    pub count: usize,
}

impl<'de: 'a, 'a> Deserialize<'de> for Elements<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;

        impl<'de> Visitor<'de> for Each {
            type Value = Elements<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
                let mut elements = Vec::new();
                while elements.len() < MOST_ELEMENTS
                    && let Some(element) = array.next_element()?
                {
                    elements.push(element);
                }
                let mut count = elements.len();
                while array.next_element::<IgnoredAny>()?.is_some() {
                    count += 1;
                }
                Ok(Elements { elements, count })
            }
        }

        deserializer.deserialize_seq(Each)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn object(json: &str) -> Object<'_> {
        serde_json::from_str(json).expect("an object")
    }

    #[test]
    fn fields_are_read_one_by_one() {
        let fields =
            object(r#"{"a":"x","b":7,"c":null,"d":[1,"y",{},"z"],"e":{"f":"g"},"a":"last","n":"u\u0000v","s":"\ud800!"}"#);
        assert_eq!(fields.text("a").as_deref(), Some("last"));
        assert_eq!(fields.text("b").as_deref(), Some("7"));
        assert_eq!(fields.text("c"), None);
        assert_eq!(fields.text("d"), None);
        assert_eq!(fields.texts("d"), ["1", "y", "z"]);
        assert_eq!(object(r#"{"\u0065vent":"x","\ud800":1}"#).text("event").as_deref(), Some("x"));
        assert_eq!(fields.object("e").text("f").as_deref(), Some("g"));
        assert_eq!(fields.object("d").text("f"), None);
        assert_eq!(fields.text("n").as_deref(), Some("u\u{fffd}v"));
        assert_eq!(fields.text("s").as_deref(), Some("\u{fffd}!"));
    }

    #[test]
    fn integers_come_in_many_shapes() {
        let fields = object(r#"{"a":17,"b":"18","c":19.0,"d":1e400,"e":"soon","f":2.5,"g":99999999999999999999}"#);
        let found: Vec<_> = ["a", "b", "c", "d", "e", "f", "g"].iter().map(|name| fields.integer(name)).collect();
        assert_eq!(found, [Some(17), Some(18), Some(19), None, None, None, None]);
    }

    #[test]
    fn metadata_becomes_what_jsonb_takes() {
        let fields = object(r#"{"a":{"k":"v\u0000w","n":1},"b":[],"c":{},"d":"text","e":{"s":"\udc00"}}"#);
        let text = |name: &str| fields.json_object(name).map(|object| object.text().to_owned());
        assert_eq!(text("a").as_deref(), Some("{\"k\":\"v\u{fffd}w\",\"n\":1}"));
        assert_eq!(text("e").as_deref(), Some("{\"s\":\"\u{fffd}\"}"));
        for none in ["b", "c", "d", "missing"] {
            assert_eq!(fields.json_object(none), None, "{none}");
        }
    }

    #[test]
    fn plain_metadata_is_not_written_anew() {
        for plain in [r#"{"k":"v","n":12,"t":true,"z":null,"é":""}"#, r#"{"order":"4711"}"#] {
            let fields = format!(r#"{{"m":{plain}}}"#);
            let found = object(&fields).json_object("m").expect("metadata");
            assert!(matches!(found.json, Cow::Borrowed(_)), "{plain}");
            assert_eq!(found.text(), plain);
        }
        for (other, written) in [
            (r#"{"k": "v"}"#, r#"{"k":"v"}"#),
            (r#"{"k":1.50}"#, r#"{"k":1.5}"#),
            (r#"{"k":-0}"#, r#"{"k":-0.0}"#),
            (r#"{"k":"a","k":"b"}"#, r#"{"k":"b"}"#),
            (r#"{"k":"\u0062"}"#, r#"{"k":"b"}"#),
            (r#"{"k":{"l":1}}"#, r#"{"k":{"l":1}}"#),
        ] {
            let fields = format!(r#"{{"m":{other}}}"#);
            assert_eq!(object(&fields).json_object("m").expect("metadata").text(), written);
        }
    }

    #[test]
    fn only_lone_surrogates_are_mended() {
        assert_eq!(mend(r#""\ud83d\ude00 \ud83d \ude00 \\ud83d \u00e9""#), r#""\ud83d\ude00 \ufffd \ufffd \\ud83d \u00e9""#);
    }

    fn any_value() -> impl Strategy<Value = Value> {
        prop_oneof![
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            (0..100_u8).prop_map(Value::from),
            any::<Option<bool>>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ]
    }

    proptest! {
        #[test]
        fn plain_metadata_says_the_same_as_written_anew(fields in prop::collection::btree_map("[a-z é]{0,6}", any_value(), 1..6)) {
            let json = serde_json::to_string(&fields).expect("JSON");
            let raw: &RawValue = serde_json::from_str(&json).expect("JSON");
            let written = JsonObject::rewritten(&json).expect("an object");
            if let Some(plain) = JsonObject::plain(raw) {
                prop_assert_eq!((plain.text(), &plain.values), (written.text(), &written.values));
            } else {
                prop_assert!(fields.values().any(|value| value.is_number() || value.is_string()), "{}", json);
            }
        }

        #[test]
        fn escapes_are_read_as_serde_reads_them(units in prop::collection::vec(prop_oneof![any::<u16>(), 0xD700..0xE100_u16, 0..128_u16], 0..12)) {
            let escaped: String = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
            let raw = format!("\"{escaped}\\/\\\"\\\\\\n\\r\\t\\b\\fé\"");
            let text: String = serde_json::from_str(&mend(&raw)).expect("a text");
            let text = text.replace('\0', "\u{fffd}");
            let found = as_text(&raw);
            prop_assert_eq!(found.as_deref(), Some(&*text));
        }

        #[test]
        fn mending_never_harms_what_is_whole(text in any::<String>()) {
            let json = serde_json::to_string(&text).expect("JSON");
            prop_assert_eq!(mend(&json), json);
        }

        #[test]
        fn mending_never_panics(text in "[\\\\ud8DcC0-9a\"é ]{0,60}") {
            let _ = mend(&text);
        }
    }
}
