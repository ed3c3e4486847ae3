//! Parses filters from names and values.

use std::borrow::Cow;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::event::{Actor, ReasonClass, fold, fold_as_version_0_2};
use crate::filter::conditions::{Field, Filter, Part, PartField, Place};
use crate::masking::Masking;
use crate::session::Caller;
use crate::visibility::Visibility;

/// The reason a filter was rejected.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum FilterError {
    /// There is no filter with this name.
    #[error("There is no filter `{0}`")]
    Unknown(String),
    /// The value is invalid for the named filter.
    #[error("`{0}` does not take that value")]
    Value(String),
    /// The value of the named filter is an address, or holds one, and the caller sees no addresses.
    #[error("Addresses are masked for you, so that `{0}` does not take that value")]
    Masked(String),
    /// The filter has too many conditions, or a name or value is too long.
    #[error("A filter has at most 32 conditions, with names and values of at most 1,024 characters")]
    TooLong,
}

// These limits bound the cost of a single filter. Lengths are in characters.
const MAX_CONDITIONS: usize = 32;
const MAX_TEXT_CHARS: usize = 1024;

fn is_too_long(text: &str) -> bool {
    text.len() > MAX_TEXT_CHARS && text.chars().count() > MAX_TEXT_CHARS
}

/// The values in a list separated by commas, with or without blanks.
fn listed(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|value| !value.is_empty())
}

fn words(folded: &str) -> Vec<String> {
    folded.split(' ').map(str::to_owned).collect()
}

impl Filter {
    /// Parses a caller's filter from names and values. `id`, `kind`, `reason_class` and `actor` may list several
    /// values, separated by commas. Empty values are ignored. Recipients can be named by their ids.
    ///
    /// # Errors
    /// On an unknown name, an invalid value, one that the caller may not name, too many conditions, or a name or value that is too long.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>, caller: &Caller) -> Result<Self, FilterError> {
        let masking = caller.masking();
        let mut named = Vec::new();
        for (name, value) in pairs {
            named.push((name, named_value(name, value, &masking)?));
        }
        let pairs = named.iter().map(|(name, value)| (*name, value.as_ref()));
        let filter = Self::of_visible(pairs, caller.visibility())?;
        let searches_texts = filter.subject.is_some() || !(filter.words.is_empty() && filter.parts.is_empty());
        Ok(Self { plain_texts_only: masking.is_on() && searches_texts, ..filter })
    }

    /// Parses a filter from names and values: what is visible, with all addresses.
    ///
    /// # Errors
    /// The same as for `from_pairs`.
    pub fn of_visible<'a>(
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
        visibility: Visibility,
    ) -> Result<Self, FilterError> {
        let mut filter = Self { visibility, ..Self::default() };
        for (count, (name, value)) in pairs.into_iter().enumerate() {
            if count >= MAX_CONDITIONS || is_too_long(value) || is_too_long(name) {
                return Err(FilterError::TooLong);
            }
            if !value.is_empty() {
                filter.set(name, value)?;
            }
        }
        Ok(filter)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), FilterError> {
        let invalid = || FilterError::Value(name.to_owned());
        // Postgres text cannot contain NUL, so no event does.
        if value.contains('\0') || name.contains('\0') {
            return Err(invalid());
        }
        let exact = || Some(value.to_owned());
        let timestamp = || OffsetDateTime::parse(value, &Rfc3339).map(Some).map_err(|_| invalid());
        match name {
            "id" => {
                let ids = listed(value).map(str::parse).collect::<Result<Vec<i64>, _>>();
                self.ids.extend(ids.map_err(|_| invalid())?);
            }
            "kind" => self.kinds.extend(listed(value).map(str::to_owned)),
            "reason_class" => {
                let classes = listed(value).map(str::parse).collect::<Result<Vec<ReasonClass>, _>>();
                self.reason_classes.extend(classes.map_err(|_| invalid())?);
            }
            "actor" => {
                let actors = listed(value).map(str::parse).collect::<Result<Vec<Actor>, _>>();
                self.actors.extend(actors.map_err(|_| invalid())?);
            }
            "recipient" => self.recipient = Some(value.to_ascii_lowercase()),
            "sender" => self.sender = Some(value.to_ascii_lowercase()),
            "subject" => {
                self.subject = Some(fold(value));
                self.earlier_subject = Some(fold_as_version_0_2(value)).filter(|earlier| Some(earlier) != self.subject.as_ref());
            }
            "domain" => self.domain = Some(domain(value)),
            "tag" => self.tag = exact(),
            "template" => self.template = exact(),
            "subaccount" => self.subaccount = exact(),
            "message_id" => self.message_id = exact(),
            "ip" => self.ip = exact(),
            "url" => self.url = exact(),
            "from" => self.from = timestamp()?,
            "to" => self.to = timestamp()?,
            "simulated" => self.simulated = Some(value.parse().map_err(|_| invalid())?),
            "q" => {
                self.words = words(&fold(value));
                self.earlier_words =
                    Some(words(&fold_as_version_0_2(value))).filter(|earlier| *earlier != self.words).unwrap_or_default();
            }
            _ => match (name.strip_prefix("not."), name.strip_prefix("metadata.")) {
                (Some(name), _) => self.exclude(name, value)?,
                (None, Some(key)) if !key.is_empty() => self.metadata.push((key.to_owned(), value.to_owned())),
                _ => self.parts.push(Part::parse(name, value).ok_or_else(|| FilterError::Unknown(name.to_owned()))?),
            },
        }
        Ok(())
    }

    fn exclude(&mut self, name: &str, value: &str) -> Result<(), FilterError> {
        let field = Field::parse(name).ok_or_else(|| FilterError::Unknown(format!("not.{name}")))?;
        match field {
            Field::Kind | Field::ReasonClass | Field::Actor => {
                for code in listed(value) {
                    let is_known = match field {
                        Field::ReasonClass => code.parse::<ReasonClass>().is_ok(),
                        Field::Actor => code.parse::<Actor>().is_ok(),
                        _ => true,
                    };
                    if !is_known {
                        return Err(FilterError::Value(format!("not.{name}")));
                    }
                    self.not.push((field.clone(), code.to_owned()));
                }
            }
            Field::Domain => self.not.push((field, domain(value))),
            Field::Recipient | Field::Sender => self.not.push((field, value.to_ascii_lowercase())),
            _ => self.not.push((field, value.to_owned())),
        }
        Ok(())
    }
}

/// The value of a condition, with a recipient's address in place of its id.
fn named_value<'a>(name: &str, value: &'a str, masking: &Masking) -> Result<Cow<'a, str>, FilterError> {
    let refused = || FilterError::Masked(name.to_owned());
    match name.strip_prefix("not.").unwrap_or(name) {
        _ if value.is_empty() || is_too_long(value) => Ok(Cow::Borrowed(value)),
        "recipient" => masking.recipient(value).ok_or_else(refused),
        "sender" if masking.is_on() => Err(refused()),
        // A name of metadata can hold an address too.
        _ if masking.may_name(value) && masking.may_name(name) => Ok(Cow::Borrowed(value)),
        _ => Err(refused()),
    }
}

/// A domain, with or without the `@` before it.
fn domain(text: &str) -> String {
    text.strip_prefix('@').unwrap_or(text).to_ascii_lowercase()
}

impl Part {
    fn parse(name: &str, text: &str) -> Option<Self> {
        let (field, place) = name.split_once('.')?;
        let field = match field {
            "tag" => PartField::Tag,
            "template" => PartField::Template,
            "subaccount" => PartField::Subaccount,
            _ => return None,
        };
        let place = match place {
            "prefix" => Place::Start,
            "contains" => Place::Anywhere,
            _ => return None,
        };
        Some(Self { field, place, text: text.to_ascii_lowercase() })
    }
}

impl Field {
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "kind" => Self::Kind,
            "recipient" => Self::Recipient,
            "sender" => Self::Sender,
            "domain" => Self::Domain,
            "tag" => Self::Tag,
            "template" => Self::Template,
            "subaccount" => Self::Subaccount,
            "message_id" => Self::MessageId,
            "ip" => Self::Ip,
            "url" => Self::Url,
            "reason_class" => Self::ReasonClass,
            "actor" => Self::Actor,
            _ => Self::Metadata(name.strip_prefix("metadata.").filter(|key| !key.is_empty())?.to_owned()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_offending_filter() {
        let parse = |name, value| Filter::of_visible([(name, value)], Visibility::everything());
        let error = |name, value| parse(name, value).expect_err("an error");
        assert_eq!(error("colour", "red"), FilterError::Unknown("colour".to_owned()));
        assert_eq!(error("not.q", "x"), FilterError::Unknown("not.q".to_owned()));
        assert_eq!(error("tag.suffix", "x"), FilterError::Unknown("tag.suffix".to_owned()));
        assert_eq!(error("kind.prefix", "x"), FilterError::Unknown("kind.prefix".to_owned()));
        assert_eq!(error("metadata.", "x"), FilterError::Unknown("metadata.".to_owned()));
        assert_eq!(error("from", "yesterday"), FilterError::Value("from".to_owned()));
        assert_eq!(error("simulated", "maybe"), FilterError::Value("simulated".to_owned()));
        let long = "x".repeat(2000);
        assert_eq!(parse("q", &long), Err(FilterError::TooLong));
        assert_eq!(error("tag", "a\0b"), FilterError::Value("tag".to_owned()));
    }
}
