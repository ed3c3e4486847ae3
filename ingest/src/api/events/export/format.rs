//! Export formats: CSV and NDJSON.

use std::io;

use bytes::Bytes;
use shared::event::{Event, FieldValue};
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;

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

    pub(crate) fn content_disposition(self) -> &'static str {
        match self {
            Self::Csv => "attachment; filename=\"events.csv\"",
            Self::Ndjson => "attachment; filename=\"events.ndjson\"",
        }
    }

    /// The line that precedes the events, if the format has one.
    pub(crate) fn heading(self) -> io::Result<Option<Bytes>> {
        match self {
            Self::Csv => csv([Event::FIELDS.map(|(name, _)| name.to_owned())]).map(Some),
            Self::Ndjson => Ok(None),
        }
    }

    /// One line per event.
    pub(crate) fn lines(self, events: &[Event]) -> io::Result<Bytes> {
        match self {
            Self::Csv => csv(events.iter().map(|event| Event::FIELDS.map(|(_, value)| cell(value(event))))),
            Self::Ndjson => ndjson(events),
        }
    }
}

fn csv(rows: impl IntoIterator<Item = [String; Event::FIELDS.len()]>) -> io::Result<Bytes> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    for row in rows {
        csv.write_record(row)?;
    }
    Ok(csv.into_inner().map_err(|error| error.into_error())?.into())
}

fn ndjson(events: &[Event]) -> io::Result<Bytes> {
    let mut lines = Vec::new();
    for event in events {
        serde_json::to_writer(&mut lines, event)?;
        lines.push(b'\n');
    }
    Ok(lines.into())
}

fn cell(value: FieldValue<'_>) -> String {
    match value {
        FieldValue::Integer(number) => number.to_string(),
        FieldValue::Boolean(flag) => flag.to_string(),
        FieldValue::Time(time) => time.format(&Rfc3339).unwrap_or_default(),
        FieldValue::Text(text) => text.map(plain_text).unwrap_or_default(),
        FieldValue::Texts(texts) => plain_text(&texts.join(", ")),
        FieldValue::Json(json) => json.map(|json| json.get().to_owned()).unwrap_or_default(),
    }
}

/// Prefixes text with an apostrophe if a spreadsheet would evaluate it as a formula. Anyone can send an email with such a subject.
fn plain_text(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if is_formula { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_exported_as_text() {
        for text in ["=1+1", "+1", "-1", "@sum", "\t=1", "\r=1"] {
            assert_eq!(plain_text(text), format!("'{text}"));
        }
        assert_eq!(plain_text("1=1"), "1=1");
    }
}
