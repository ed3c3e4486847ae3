//! A filter, read from names and values.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::event::fold;
use crate::filter::conditions::{Field, Filter};

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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_named() {
        let error = |name, value| Filter::from_pairs([(name, value)]).expect_err("an error");
        assert_eq!(error("colour", "red"), FilterError::Unknown("colour".to_owned()));
        assert_eq!(error("not.q", "x"), FilterError::Unknown("not.q".to_owned()));
        assert_eq!(error("metadata.", "x"), FilterError::Unknown("metadata.".to_owned()));
        assert_eq!(error("from", "yesterday"), FilterError::Value("from".to_owned()));
        assert_eq!(error("simulated", "maybe"), FilterError::Value("simulated".to_owned()));
        let long = "x".repeat(2000);
        assert_eq!(Filter::from_pairs([("q", long.as_str())]), Err(FilterError::TooLong));
        assert_eq!(error("tag", "a\0b"), FilterError::Value("tag".to_owned()));
    }
}
