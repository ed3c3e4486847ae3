//! A JSON object whose fields are parsed individually. A field that is absent, null or of a different type is treated as missing.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::unicode::unescape;

/// Most objects have at most this many fields.
pub(super) const TYPICAL_FIELDS: usize = 16;

type Field<'a> = (Cow<'a, str>, &'a RawValue);

/// The fields of an object in their original order. If a name is repeated, the last field with that name is used.
#[derive(Debug, Default)]
pub struct Object<'a>(Vec<Field<'a>>);

impl<'a> Object<'a> {
    /// Creates an empty object with capacity for a typical number of fields.
    pub(super) fn with_typical_capacity() -> Self {
        Self(Vec::with_capacity(TYPICAL_FIELDS))
    }

    pub(super) fn push(&mut self, name: Cow<'a, str>, value: &'a RawValue) {
        self.0.push((name, value));
    }

    pub(super) fn into_fields(self) -> Vec<Field<'a>> {
        self.0
    }

    /// The fields without those that a later field of the same name replaces.
    pub(super) fn unique_fields(&self) -> impl Iterator<Item = &Field<'a>> {
        let is_last = |(at, (name, _)): &(usize, &Field<'a>)| !self.0[at + 1..].iter().any(|(later, _)| later == name);
        self.0.iter().enumerate().filter(is_last).map(|(_, field)| field)
    }

    pub(super) fn raw(&self, name: &str) -> Option<&'a RawValue> {
        self.0.iter().rev().find(|(known, _)| known == name).map(|(_, value)| *value)
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        self.raw(name).map(RawValue::get)
    }

    /// Returns a string, or a number exactly as written. NUL, which Postgres cannot store, and lone surrogates are replaced with U+FFFD.
    pub fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        text_of(self.get(name)?)
    }

    /// Returns an integer, including one written as a string or with a zero fraction.
    pub fn integer(&self, name: &str) -> Option<i64> {
        let text = self.text(name)?;
        let text = text.trim();
        text.parse().ok().or_else(|| {
            let number: f64 = text.parse().ok()?;
            let is_whole = number.fract() == 0.0 && number.abs() < 1e15;
            #[expect(clippy::cast_possible_truncation, reason = "whole and far inside the range of i64")]
            is_whole.then_some(number as i64)
        })
    }

    /// Returns an object, or an empty object if the value is anything else.
    pub fn object(&self, name: &str) -> Self {
        self.get(name).and_then(Self::parse).unwrap_or_default()
    }

    /// Returns the last object in an array, or an empty object if there is none.
    pub fn last_object(&self, name: &str) -> Self {
        self.array(name).iter().rev().find_map(|raw| Self::parse(raw.get())).unwrap_or_default()
    }

    /// Returns the strings and numbers in an array, or in an object, into which PHP turns an array with gaps. A single string or number
    /// counts as an array of one.
    pub fn texts(&self, name: &str) -> Vec<Cow<'a, str>> {
        let Some(raw) = self.get(name) else { return Vec::new() };
        match raw.as_bytes().first() {
            Some(b'[') => self.array(name).into_iter().filter_map(|raw| text_of(raw.get())).collect(),
            Some(b'{') => self.object(name).0.iter().filter_map(|(_, raw)| text_of(raw.get())).collect(),
            _ => text_of(raw).into_iter().collect(),
        }
    }

    /// Returns the text of an e-mail header, whose name has no case. If the header is repeated, its first text is used.
    pub fn header(&self, name: &str) -> Option<Cow<'a, str>> {
        let (known, _) = self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        self.texts(known).into_iter().next()
    }

    fn array(&self, name: &str) -> Vec<&'a RawValue> {
        self.get(name).filter(|raw| raw.starts_with('[')).and_then(|raw| serde_json::from_str(raw).ok()).unwrap_or_default()
    }

    /// Parses an object. The check of the first byte is far cheaper than an error of the parser.
    fn parse(raw: &'a str) -> Option<Self> {
        if raw.starts_with('{') { serde_json::from_str(raw).ok() } else { None }
    }
}

/// Returns an unescaped JSON string, or a number exactly as written.
pub(super) fn text_of(raw: &str) -> Option<Cow<'_, str>> {
    match raw.as_bytes().first()? {
        b'"' => match raw.get(1..raw.len() - 1) {
            Some(plain) if !plain.contains('\\') => Some(Cow::Borrowed(plain)),
            escaped => Some(Cow::Owned(unescape(escaped?))),
        },
        b'-' | b'0'..=b'9' => Some(Cow::Borrowed(raw)),
        _ => None,
    }
}

/// Returns a field's unescaped name. A name that is not a string is returned exactly as written.
pub(super) fn name_of(raw: &RawValue) -> Cow<'_, str> {
    text_of(raw.get()).unwrap_or(Cow::Borrowed(raw.get()))
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
                let mut fields = Vec::with_capacity(map.size_hint().unwrap_or(TYPICAL_FIELDS));
                while let Some((name, value)) = map.next_entry::<&'de RawValue, &'de RawValue>()? {
                    fields.push((name_of(name), value));
                }
                Ok(Object(fields))
            }
        }

        deserializer.deserialize_map(Fields)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn object(json: &str) -> Object<'_> {
        serde_json::from_str(json).expect("the JSON should be an object")
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
    fn integers_are_read_from_numbers_and_strings() {
        let fields = object(r#"{"a":17,"b":"18","c":19.0,"d":1e400,"e":"soon","f":2.5,"g":99999999999999999999}"#);
        let integers: Vec<_> = ["a", "b", "c", "d", "e", "f", "g"].iter().map(|name| fields.integer(name)).collect();
        assert_eq!(integers, [Some(17), Some(18), Some(19), None, None, None, None]);
    }

    proptest! {
        #[test]
        fn escapes_are_decoded_and_what_postgres_cannot_store_is_replaced(units in prop::collection::vec(prop_oneof![any::<u16>(), 0xD700..0xE100_u16, 0..128_u16], 0..12)) {
            let escaped: String = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
            let raw = format!("\"{escaped}\\/\\\"\\\\\\n\\r\\t\\b\\fé\"");
            let decoded_units = char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER));
            let text = decoded_units.collect::<String>().replace('\0', "\u{fffd}") + "/\"\\\n\r\t\u{8}\u{c}é";
            let decoded = text_of(&raw);
            prop_assert_eq!(decoded.as_deref(), Some(&*text));
        }
    }
}
