//! Export formats: CSV and NDJSON.

use std::collections::HashMap;
use std::io;

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;
use shared::event::{Event, FieldValue};
use shared::masking::Masking;
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;

use crate::api::events::masked_payload::without_content;

/// U+FEFF in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "lowercase")]
pub(crate) enum Format {
    Csv,
    Ndjson,
}

impl Format {
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Ndjson => "application/x-ndjson",
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
        }
    }

    pub(crate) fn content_disposition(self) -> &'static str {
        match self {
            Self::Csv => "attachment; filename=\"events.csv\"",
            Self::Ndjson => "attachment; filename=\"events.ndjson\"",
        }
    }

    /// The line that precedes the events, if the format has one. Excel reads a file as UTF-8 only if it begins with a byte order mark.
    pub(crate) fn heading(self, with_mark: bool) -> io::Result<Option<Bytes>> {
        match self {
            Self::Csv => {
                let names = csv([Event::FIELDS.map(|(name, _)| name.to_owned())])?;
                Ok(Some(if with_mark { [BYTE_ORDER_MARK, &names].concat().into() } else { names }))
            }
            Self::Ndjson => Ok(None),
        }
    }

    /// One line per event. Addresses in texts are hidden; the recipient and the sender already are.
    pub(crate) fn lines(self, events: &[Event], masking: &Masking) -> io::Result<Bytes> {
        match self {
            Self::Csv => csv(events.iter().map(|event| Event::FIELDS.map(|(_, value)| cell(value(event), masking)))),
            Self::Ndjson => ndjson(events, masking),
        }
    }
}

fn csv(rows: impl IntoIterator<Item = [String; Event::FIELDS.len()]>) -> io::Result<Bytes> {
    let mut csv = csv::WriterBuilder::new().quote_style(csv::QuoteStyle::Always).from_writer(Vec::new());
    for row in rows {
        csv.write_record(row)?;
    }
    Ok(csv.into_inner().map_err(|error| error.into_error())?.into())
}

fn ndjson(events: &[Event], masking: &Masking) -> io::Result<Bytes> {
    let mut lines = Vec::new();
    for event in events {
        push_line(&mut lines, event, masking)?;
    }
    Ok(lines.into())
}

fn push_line(lines: &mut Vec<u8>, line: &impl Serialize, masking: &Masking) -> io::Result<()> {
    if masking.is_on() {
        lines.extend(masking.json(&serde_json::to_string(line)?).as_bytes());
    } else {
        serde_json::to_writer(&mut *lines, line)?;
    }
    lines.push(b'\n');
    Ok(())
}

/// Lines of NDJSON with the payloads of the events. The payload of an event that has just been dropped is null.
pub(super) fn with_payloads(events: &[Event], payloads: &HashMap<i64, String>, masking: &Masking) -> io::Result<Bytes> {
    #[derive(Serialize)]
    struct Line<'a> {
        #[serde(flatten)]
        event: &'a Event,
        payload: Option<&'a RawValue>,
    }
    let mut lines = Vec::new();
    for event in events {
        // A line break in JSON is space between tokens, since strings can only contain it escaped.
        let payload = payloads.get(&event.id).map(|payload| payload.replace(['\n', '\r'], " "));
        let payload = payload.map(|payload| if masking.is_on() { without_content(&payload) } else { payload });
        let payload = payload.as_deref().map(serde_json::from_str).transpose()?;
        push_line(&mut lines, &Line { event, payload }, masking)?;
    }
    Ok(lines.into())
}

fn cell(value: FieldValue<'_>, masking: &Masking) -> String {
    match value {
        FieldValue::Integer(number) => number.to_string(),
        FieldValue::Boolean(flag) => flag.to_string(),
        FieldValue::Time(time) => time.and_then(|time| time.format(&Rfc3339).ok()).unwrap_or_default(),
        FieldValue::Text(text) => text.map(|text| inert(&masking.text(text))).unwrap_or_default(),
        FieldValue::Texts(texts) => inert(&masking.text(&texts.join(", "))),
        FieldValue::Json(json) => json.map(|json| inert(&masking.json(json.get()))).unwrap_or_default(),
    }
}

/// Puts an apostrophe before every sign that a spreadsheet would evaluate as the start of a formula. Anyone can send an email with such a
/// subject. A spreadsheet that expects another separator splits cells at it and at line breaks, despite the quotes.
fn inert(text: &str) -> String {
    let mut inert = String::with_capacity(text.len());
    let mut starts_cell = true;
    for character in text.chars() {
        if starts_cell && matches!(character, '=' | '+' | '-' | '@' | '\t' | '\r' | '＝' | '＋' | '－' | '＠') {
            inert.push('\'');
        }
        inert.push(character);
        starts_cell = matches!(character, ';' | '|' | '\t' | '\r' | '\n')
            || (starts_cell && (character.is_whitespace() || matches!(character, '"' | '\'')));
    }
    inert
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_exported_as_text_whatever_the_separator() {
        for text in ["=1+1", "+1", "-1", "@sum", "\t=1", "\r=1", "＝1"] {
            assert!(inert(text).starts_with('\''), "{text}");
        }
        for (text, expected) in [
            ("a;=1", "a;'=1"),
            ("a; \"=1", "a; \"'=1"),
            ("a|@x\n-1", "a|'@x\n'-1"),
            (" =1", " '=1"),
            ("1=1, -2", "1=1, -2"),
            ("a-b", "a-b"),
        ] {
            assert_eq!(inert(text), expected);
        }
    }
}
