//! Which events a caller may see.
//!
//! A user or token can be limited to parts of all events. [`Visibility`] is made from a caller in one place (`Caller::visibility`), and every
//! filter holds one. The database function `is_visible` decides the same as [`Restriction::includes`].

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

use crate::event::Event;

/// Maximum number of values of a restriction.
const MAX_VALUES: usize = 100;
/// Maximum length of a value, in characters.
const MAX_VALUE_CHARS: usize = 256;

/// The events that a user or token is limited to: those with one of the subaccounts, those with one of the tags, and those whose sender has
/// one of the domains. Without any value, none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Restriction {
    /// Subaccounts; exact matches.
    #[serde(default)]
    #[schema(value_type = Vec<RestrictionValue>, required = false, max_items = 100)]
    pub subaccounts: Vec<String>,
    /// Tags; exact matches.
    #[serde(default)]
    #[schema(value_type = Vec<RestrictionValue>, required = false, max_items = 100)]
    pub tags: Vec<String>,
    /// Domains of senders' addresses, in lower case. Inbound mail has none, because strangers choose what it says.
    #[serde(default)]
    #[schema(value_type = Vec<RestrictionValue>, required = false, max_items = 100)]
    pub domains: Vec<String>,
}

/// A value of a restriction.
#[derive(ToSchema)]
#[schema(min_length = 1, max_length = 256, pattern = "\\S")]
#[expect(dead_code, reason = "only describes values")]
struct RestrictionValue(String);

impl Serialize for Restriction {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for Restriction {
    /// Only from an object. The derived function also takes an array, in the order of the fields.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let object = serde_json::Map::deserialize(deserializer)?;
        Self::deserialize(serde_json::Value::Object(object)).map_err(D::Error::custom)
    }
}

/// The fields of an event that decide who may see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Labels {
    pub kind: String,
    pub subaccount: Option<String>,
    pub tags: Vec<String>,
    pub sender: Option<String>,
}

/// The reason a restriction was rejected.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a restriction has at most {MAX_VALUES} values, each of 1 to {MAX_VALUE_CHARS} characters without NUL")]
pub struct RestrictionError;

impl Restriction {
    /// Trims the values, removes repeated ones, and brings domains into the form in which they are compared.
    ///
    /// # Errors
    /// If there are too many values, or one of them is empty, too long or contains NUL.
    pub fn normalize(self) -> Result<Self, RestrictionError> {
        let domain = |text: &str| text.strip_prefix('@').unwrap_or(text).to_ascii_lowercase();
        let restriction = Self {
            subaccounts: normalized(&self.subaccounts, str::to_owned)?,
            tags: normalized(&self.tags, str::to_owned)?,
            domains: normalized(&self.domains, domain)?,
        };
        let count = restriction.subaccounts.len() + restriction.tags.len() + restriction.domains.len();
        if count > MAX_VALUES { Err(RestrictionError) } else { Ok(restriction) }
    }

    /// Returns true if it selects an event with these values.
    pub fn includes<S: AsRef<str>>(&self, kind: &str, subaccount: Option<&str>, tags: &[S], sender: Option<&str>) -> bool {
        let domain = sender.filter(|_| kind != "inbound").and_then(|sender| sender.rsplit_once('@')).map(|(_, domain)| domain);
        subaccount.is_some_and(|subaccount| self.subaccounts.iter().any(|listed| listed == subaccount))
            || tags.iter().any(|tag| self.tags.iter().any(|listed| listed == tag.as_ref()))
            || domain.is_some_and(|domain| self.domains.iter().any(|listed| domain.eq_ignore_ascii_case(listed)))
    }
}

fn normalized(values: &[String], form: impl Fn(&str) -> String) -> Result<Vec<String>, RestrictionError> {
    let mut values: Vec<String> = values.iter().map(|value| form(value.trim())).collect();
    values.sort_unstable();
    values.dedup();
    let is_valid = |value: &String| (1..=MAX_VALUE_CHARS).contains(&value.chars().count()) && !value.contains('\0');
    if values.iter().all(is_valid) { Ok(values) } else { Err(RestrictionError) }
}

/// The events that a caller may see: those that both restrictions select. Without restrictions, all events.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Visibility {
    /// What the user is limited to.
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<Restriction>,
    /// What the token is limited to.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<Restriction>,
}

impl Visibility {
    /// What a user sees, through a token if there is one.
    pub fn new(user: Option<Restriction>, token: Option<Restriction>) -> Self {
        Self { user, token }
    }

    /// All events: what the service itself sees.
    pub fn everything() -> Self {
        Self::default()
    }

    /// Returns true if nothing is hidden.
    pub fn is_everything(&self) -> bool {
        self.user.is_none() && self.token.is_none()
    }

    /// The restrictions, all of which a visible event meets.
    pub fn restrictions(&self) -> impl Iterator<Item = &Restriction> {
        self.user.iter().chain(&self.token)
    }

    /// Returns true if an event with these values is visible.
    pub fn includes<S: AsRef<str>>(&self, kind: &str, subaccount: Option<&str>, tags: &[S], sender: Option<&str>) -> bool {
        self.restrictions().all(|restriction| restriction.includes(kind, subaccount, tags, sender))
    }

    /// Returns true if the event is visible.
    pub fn includes_event(&self, event: &Event) -> bool {
        self.includes(&event.kind, event.subaccount.as_deref(), &event.tags, event.sender.as_deref())
    }

    /// Returns true if an event with these labels is visible.
    pub fn includes_labels(&self, labels: &Labels) -> bool {
        self.includes(&labels.kind, labels.subaccount.as_deref(), &labels.tags, labels.sender.as_deref())
    }

    /// The restrictions as JSON, as `is_visible` takes them; `None` if nothing is hidden.
    pub fn to_json(&self) -> Option<serde_json::Value> {
        if self.is_everything() { None } else { serde_json::to_value(self).ok() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(values: &[&str]) -> Vec<String> {
        values.iter().map(|value| (*value).to_owned()).collect()
    }

    #[test]
    fn an_event_is_visible_by_any_value_of_each_restriction() {
        let agency = Restriction { subaccounts: list(&["eu"]), tags: list(&["vip"]), domains: list(&["shop.example.com"]) };
        let seen =
            |visibility: &Visibility, subaccount, tags: &[&str], sender| visibility.includes("open", subaccount, tags, sender);
        let visibility = Visibility::new(Some(agency.clone()), None);
        assert!(seen(&visibility, Some("eu"), &[], None));
        assert!(seen(&visibility, Some("us"), &["news", "vip"], None));
        assert!(seen(&visibility, None, &[], Some("Hello@Shop.Example.COM")));
        assert!(!seen(&visibility, Some("EU"), &["VIP"], Some("shop.example.com")));
        assert!(!seen(&visibility, None, &[], Some("a@mail.shop.example.com")));
        assert!(!visibility.includes::<&str>("inbound", None, &[], Some("stranger@shop.example.com")));
        let both = Visibility::new(Some(agency), Some(Restriction { tags: list(&["news"]), ..Restriction::default() }));
        assert!(seen(&both, Some("eu"), &["news"], None) && !seen(&both, Some("eu"), &["vip"], None));
        assert!(!seen(&Visibility::new(None, Some(Restriction::default())), Some("eu"), &["vip"], None));
        assert!(seen(&Visibility::everything(), None, &[], None));
    }

    #[test]
    fn restrictions_are_normalized_and_bounded() {
        let given = Restriction { subaccounts: list(&[" eu", "eu"]), tags: Vec::new(), domains: list(&["@Example.COM"]) };
        let expected = Restriction { subaccounts: list(&["eu"]), tags: Vec::new(), domains: list(&["example.com"]) };
        assert_eq!(given.normalize(), Ok(expected));
        let of_tags = |tags: Vec<String>| Restriction { tags, ..Restriction::default() }.normalize();
        assert!(of_tags((0..101).map(|number| number.to_string()).collect()).is_err());
        assert!(of_tags(list(&[" "])).is_err() && of_tags(list(&["a\0"])).is_err());
        assert!(of_tags(vec!["x".repeat(257)]).is_err() && of_tags(vec!["é".repeat(256)]).is_ok());
    }
}
