//! Splits a delivery's array into its elements: in a single pass if all elements are ordinary objects, or one by one otherwise.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::object::{Object, name_of};

/// JSON whitespace characters.
const SPACE: [char; 4] = [' ', '\t', '\n', '\r'];
/// Maximum number of elements in one delivery. Mandrill sends up to 1,000.
pub const MAX_ELEMENTS: usize = 10_000;

/// An element that is an object: its own fields and the fields of its `msg`, which contains most of the data.
#[derive(Debug)]
pub struct Element<'a> {
    /// All fields except `msg`.
    pub top: Object<'a>,
    /// Empty if `msg` is missing or not an object.
    pub msg: Object<'a>,
}

impl<'a> Element<'a> {
    /// Parses an element. Returns `None` if it is not an object.
    pub fn parse(raw: &'a str) -> Option<Self> {
        let top: Object<'a> = serde_json::from_str(raw).ok()?;
        let msg = top.object("msg");
        Some(Self { top, msg })
    }
}

/// Deserialises an element in a single pass. Unlike [`Element::parse`], this does not accept a `msg` that is not an object.
impl<'de: 'a, 'a> Deserialize<'de> for Element<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Element<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut element = Element { top: Object::with_typical_capacity(), msg: Object::default() };
                while let Some(name) = map.next_key()? {
                    match name_of(name) {
                        name if name == "msg" => element.msg = map.next_value()?,
                        name => element.top.push(name, map.next_value()?),
                    }
                }
                Ok(element)
            }
        }

        deserializer.deserialize_map(Fields)
    }
}

/// Indicates that the text is not an array of ordinary elements.
#[derive(Debug)]
pub struct Irregular;

/// Iterates over the elements of an array and their text in a single pass. Stops at the first element that is not an object or whose `msg`
/// is not an object; use [`Elements`] to parse such an array.
pub fn objects(text: &str) -> impl Iterator<Item = Result<(&str, Element<'_>), Irregular>> {
    let mut rest = Some(text.trim_start_matches(SPACE).strip_prefix('[').ok_or(Irregular));
    std::iter::from_fn(move || {
        let next = rest.take()?.and_then(|text| {
            let text = text.trim_start_matches(SPACE);
            let mut values = serde_json::Deserializer::from_str(text).into_iter();
            let element = values.next().and_then(Result::ok).ok_or(Irregular)?;
            let (raw, after) = text.split_at(values.byte_offset());
            let after = after.trim_start_matches(SPACE);
            match (after.strip_prefix(','), after.strip_prefix(']')) {
                (Some(more), _) => rest = Some(Ok(more)),
                (None, Some(end)) if end.trim_start_matches(SPACE).is_empty() => {}
                _ => return Err(Irregular),
            }
            Ok((raw, element))
        });
        Some(next)
    })
}

/// The first [`MAX_ELEMENTS`] elements of an arbitrary array, and the total number of elements.
#[derive(Debug)]
pub struct Elements<'a> {
    /// The text of each element.
    pub elements: Vec<&'a RawValue>,
    /// The number of elements in the array.
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
                while elements.len() < MAX_ELEMENTS
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
