//! Export formats: CSV and NDJSON.

use std::io;

use bytes::Bytes;
use shared::event::Event;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;

/// A CSV column: its heading and its value for an event.
type Column = (&'static str, fn(&Event) -> String);

const COLUMNS: [Column; 20] = [
    ("id", |event| event.id.to_string()),
    ("kind", |event| plain_text(&event.kind)),
    ("occurred_at", |event| time(event.occurred_at)),
    ("received_at", |event| time(event.received_at)),
    ("message_id", |event| optional_text(event.message_id.as_deref())),
    ("recipient", |event| optional_text(event.recipient.as_deref())),
    ("sender", |event| optional_text(event.sender.as_deref())),
    ("subject", |event| optional_text(event.subject.as_deref())),
    ("tags", |event| plain_text(&event.tags.join(", "))),
    ("metadata", |event| event.metadata.as_ref().map(|metadata| metadata.get().to_owned()).unwrap_or_default()),
    ("template", |event| optional_text(event.template.as_deref())),
    ("subaccount", |event| optional_text(event.subaccount.as_deref())),
    ("url", |event| optional_text(event.url.as_deref())),
    ("ip", |event| optional_text(event.ip.as_deref())),
    ("user_agent", |event| optional_text(event.user_agent.as_deref())),
    ("country", |event| optional_text(event.country.as_deref())),
    ("city", |event| optional_text(event.city.as_deref())),
    ("diagnostic", |event| optional_text(event.diagnostic.as_deref())),
    ("simulated", |event| event.simulated.to_string()),
    ("webhook", |event| optional_text(event.webhook.as_deref())),
];

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
            Self::Csv => csv([COLUMNS.map(|(heading, _)| heading.to_owned())]).map(Some),
            Self::Ndjson => Ok(None),
        }
    }

    /// One line per event.
    pub(crate) fn lines(self, events: &[Event]) -> io::Result<Bytes> {
        match self {
            Self::Csv => csv(events.iter().map(|event| COLUMNS.map(|(_, value)| value(event)))),
            Self::Ndjson => ndjson(events),
        }
    }
}

fn csv(rows: impl IntoIterator<Item = [String; COLUMNS.len()]>) -> io::Result<Bytes> {
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

fn time(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_default()
}

fn optional_text(text: Option<&str>) -> String {
    text.map(plain_text).unwrap_or_default()
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
