//! A message's metadata: a JSON object in a canonical form that is shared by jsonb, filters and the notifier.

use std::borrow::Cow;

use serde_json::value::RawValue;
use shared::filter::number_text;

use super::object::{Object, TYPICAL_FIELDS, text_of};

/// Longer objects are not read, because they would be too long to store, even without spaces and escapes.
const MAX_BYTES: usize = 64 << 10;
/// Maximum depth of nested arrays and objects.
const MAX_DEPTH: usize = 100;

/// A non-empty JSON object that jsonb accepts.
#[derive(Debug, Clone)]
pub struct Metadata<'a> {
    /// The object. Numbers have Postgres's notation, with every digit: 1.50 stays 1.50, and 1e2 becomes 100.
    pub json: Cow<'a, RawValue>,
    /// The object's values: strings are unescaped, and all other values are JSON.
    pub values: Vec<Cow<'a, str>>,
}

impl<'a> Metadata<'a> {
    /// Reads the metadata from the field `name`. Returns `None` if the value is an empty object or not an object at all, such as the `[]`
    /// that PHP writes for an empty object.
    pub fn read(object: &Object<'a>, name: &str) -> Option<Self> {
        let raw = object.raw(name).filter(|raw| raw.get().starts_with('{') && raw.get().len() <= MAX_BYTES)?;
        Self::borrowed(raw).or_else(|| Self::rewritten(raw.get())).filter(|metadata| !metadata.values.is_empty())
    }

    /// Returns the object as JSON text.
    pub fn text(&self) -> &str {
        self.json.get()
    }

    /// Borrows JSON that is already in canonical form: no escapes, spaces or repeated names, and only strings, short integers, booleans and
    /// null as values. This applies to nearly all metadata.
    fn borrowed(raw: &'a RawValue) -> Option<Self> {
        if raw.get().contains('\\') {
            return None;
        }
        let fields = serde_json::from_str::<Object<'a>>(raw.get()).ok()?.into_fields();
        let is_repeated = |(at, (name, _)): (usize, &(Cow<'_, str>, _))| fields[..at].iter().any(|(before, _)| before == name);
        let bytes: usize = fields.iter().map(|(name, value)| r#""":,"#.len() + name.len() + value.get().len()).sum();
        let has_spaces = raw.get().len() != bytes + 1;
        if fields.len() > TYPICAL_FIELDS || has_spaces || fields.iter().enumerate().any(is_repeated) {
            return None;
        }
        let values = fields.iter().map(|(_, value)| match value.get().as_bytes() {
            [b'"', ..] => text_of(value.get()),
            [b't' | b'f' | b'n', ..] => Some(Cow::Borrowed(value.get())),
            digits if digits.len() <= 15 && digits.iter().all(u8::is_ascii_digit) => Some(Cow::Borrowed(value.get())),
            _ => None,
        });
        Some(Self { values: values.collect::<Option<_>>()?, json: Cow::Borrowed(raw) })
    }

    /// Parses any object and rewrites it in canonical form.
    fn rewritten(raw: &str) -> Option<Self> {
        let fields: Object<'_> = serde_json::from_str(raw).ok()?;
        let values = fields.unique_fields().map(|(_, value)| match text_of(value.get()) {
            Some(text) if value.get().starts_with('"') => Some(text.into_owned().into()),
            _ => Some(canonical(value, MAX_DEPTH)?.into()),
        });
        let values = values.collect::<Option<_>>()?;
        let json = RawValue::from_string(canonical_object(&fields, MAX_DEPTH)?).ok()?;
        Some(Self { json: Cow::Owned(json), values })
    }
}

/// A JSON value in the form in which jsonb returns it, except for spaces and the order of fields. Numbers keep every digit. `None` if the
/// value is nested too deeply.
fn canonical(value: &RawValue, depth: usize) -> Option<String> {
    let raw = value.get();
    match raw.as_bytes().first()? {
        b'"' => serde_json::to_string(&text_of(raw)?).ok(),
        b'{' => canonical_object(&serde_json::from_str(raw).ok()?, depth.checked_sub(1)?),
        b'[' => {
            let items: Vec<&RawValue> = serde_json::from_str(raw).ok()?;
            let items = items.into_iter().map(|item| canonical(item, depth.checked_sub(1)?)).collect::<Option<Vec<_>>>()?;
            Some(format!("[{}]", items.join(",")))
        }
        b't' | b'f' | b'n' => Some(raw.to_owned()),
        // Most JSON parsers reject a document with a number beyond the range of floating point, so such a number becomes a text.
        _ if raw.parse::<f64>().is_ok_and(f64::is_finite) => number_text(raw).or_else(|| serde_json::to_string(raw).ok()),
        _ => serde_json::to_string(raw).ok(),
    }
}

fn canonical_object(object: &Object<'_>, depth: usize) -> Option<String> {
    let fields = object.unique_fields().map(|(name, value)| {
        let name = serde_json::to_string(&name.replace('\0', "\u{fffd}")).ok()?;
        Some(format!("{name}:{}", canonical(value, depth)?))
    });
    Some(format!("{{{}}}", fields.collect::<Option<Vec<_>>>()?.join(",")))
}

impl PartialEq for Metadata<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn object(json: &str) -> Object<'_> {
        serde_json::from_str(json).expect("the JSON should be an object")
    }

    #[test]
    fn metadata_has_the_form_that_jsonb_accepts() {
        let fields = object(r#"{"a":{"k":"v\u0000w","n":1},"b":[],"c":{},"d":"text","e":{"s":"\udc00"}}"#);
        let text = |name: &str| Metadata::read(&fields, name).map(|metadata| metadata.text().to_owned());
        assert_eq!(text("a").as_deref(), Some("{\"k\":\"v\u{fffd}w\",\"n\":1}"));
        assert_eq!(text("e").as_deref(), Some("{\"s\":\"\u{fffd}\"}"));
        for none in ["b", "c", "d", "missing"] {
            assert_eq!(Metadata::read(&fields, none), None, "{none}");
        }
    }

    #[test]
    fn canonical_metadata_is_borrowed_and_other_metadata_is_rewritten() {
        for canonical in [r#"{"k":"v","n":12,"t":true,"z":null,"é":""}"#, r#"{"order":"4711"}"#] {
            let fields = format!(r#"{{"m":{canonical}}}"#);
            let metadata = Metadata::read(&object(&fields), "m").expect("the metadata should be read");
            assert!(matches!(metadata.json, Cow::Borrowed(_)), "{canonical}");
            assert_eq!(metadata.text(), canonical);
        }
        for (other, rewritten) in [
            (r#"{"k": "v"}"#, r#"{"k":"v"}"#),
            (r#"{"k":1.50}"#, r#"{"k":1.50}"#),
            (r#"{"k":-0}"#, r#"{"k":0}"#),
            (r#"{"k":12345678901234567890.123}"#, r#"{"k":12345678901234567890.123}"#),
            (r#"{"k":1.5E+3}"#, r#"{"k":1500}"#),
            (r#"{"k":1e9999}"#, r#"{"k":"1e9999"}"#),
            (r#"{"k":-1e400}"#, r#"{"k":"-1e400"}"#),
            (r#"{"k":[1.10,"\u0000"]}"#, "{\"k\":[1.10,\"\u{fffd}\"]}"),
            (r#"{"k":"a","k":"b"}"#, r#"{"k":"b"}"#),
            (r#"{"k":"\u0062"}"#, r#"{"k":"b"}"#),
            (r#"{"k":{"l":1}}"#, r#"{"k":{"l":1}}"#),
        ] {
            let fields = format!(r#"{{"m":{other}}}"#);
            assert_eq!(Metadata::read(&object(&fields), "m").expect("the metadata should be read").text(), rewritten);
        }
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
        fn borrowing_and_rewriting_agree(fields in prop::collection::btree_map("[a-z é]{0,6}", any_value(), 1..6)) {
            let json = serde_json::to_string(&fields).expect("the fields should serialise");
            let raw: &RawValue = serde_json::from_str(&json).expect("the JSON should parse");
            let rewritten = Metadata::rewritten(&json).expect("the JSON should be an object");
            if let Some(borrowed) = Metadata::borrowed(raw) {
                prop_assert_eq!((borrowed.text(), &borrowed.values), (rewritten.text(), &rewritten.values));
            } else {
                prop_assert!(fields.values().any(|value| value.is_number() || value.is_string()), "{}", json);
            }
        }
    }
}
