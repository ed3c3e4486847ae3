//! Filters in query strings: their OpenAPI descriptions and their parser.

use std::collections::HashMap;

use shared::filter::{Filter, FilterError};
use shared::session::Caller;
use time::OffsetDateTime;
use utoipa::IntoParams;
use utoipa::openapi::schema::{AdditionalProperties, Object, ObjectBuilder, Type};

use crate::http::page::moment;

/// The query parameters of a filter; `shared::filter::Filter` defines their meaning.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only describes parameters; `parse_filter` reads them")]
pub(crate) struct Filters {
    /// Matches any of these events, separated by commas, such as `4711,4712`. Repeatable.
    #[param(max_length = 1024)]
    id: Option<Vec<String>>,
    /// Matches any of these event types, separated by commas, such as `open,click`.
    #[param(max_length = 1024)]
    kind: Option<String>,
    /// The recipient's address, ignoring the case of ASCII letters, or a `recipient_id`.
    #[param(max_length = 1024)]
    recipient: Option<String>,
    /// The domain of the recipient's address, ignoring the case of ASCII letters.
    #[param(max_length = 1024)]
    domain: Option<String>,
    /// The sender's address, ignoring the case of ASCII letters.
    #[param(max_length = 1024)]
    sender: Option<String>,
    /// Part of the subject, ignoring case.
    #[param(max_length = 1024)]
    subject: Option<String>,
    /// One of the tags.
    #[param(max_length = 1024)]
    tag: Option<String>,
    /// The start of one of the tags, ignoring the case of ASCII letters.
    #[param(rename = "tag.prefix", max_length = 1024)]
    tag_prefix: Option<String>,
    /// A part of one of the tags, ignoring the case of ASCII letters.
    #[param(rename = "tag.contains", max_length = 1024)]
    tag_contains: Option<String>,
    /// The template.
    #[param(max_length = 1024)]
    template: Option<String>,
    /// The start of the template, ignoring the case of ASCII letters.
    #[param(rename = "template.prefix", max_length = 1024)]
    template_prefix: Option<String>,
    /// A part of the template, ignoring the case of ASCII letters.
    #[param(rename = "template.contains", max_length = 1024)]
    template_contains: Option<String>,
    /// The subaccount.
    #[param(max_length = 1024)]
    subaccount: Option<String>,
    /// The start of the subaccount, ignoring the case of ASCII letters.
    #[param(rename = "subaccount.prefix", max_length = 1024)]
    subaccount_prefix: Option<String>,
    /// A part of the subaccount, ignoring the case of ASCII letters.
    #[param(rename = "subaccount.contains", max_length = 1024)]
    subaccount_contains: Option<String>,
    /// Matches any of these reasons, separated by commas, such as `no_mailbox,no_domain`.
    #[param(max_length = 1024)]
    reason_class: Option<String>,
    /// Matches any of these actors, separated by commas, such as `person,proxy`.
    #[param(max_length = 1024)]
    actor: Option<String>,
    /// Mandrill's id for the message.
    #[param(max_length = 1024)]
    message_id: Option<String>,
    /// The IP address of an open or click.
    #[param(max_length = 1024)]
    ip: Option<String>,
    /// The clicked link.
    #[param(max_length = 1024)]
    url: Option<String>,
    /// Words that must all occur in the addresses, subject, tags or metadata; for callers who see no addresses, in the subject.
    #[param(max_length = 1024)]
    q: Option<String>,
    /// Excludes events with this `kind`. Repeatable.
    #[param(rename = "not.kind", max_length = 1024)]
    not_kind: Option<Vec<String>>,
    /// Excludes events with this `recipient`. Repeatable.
    #[param(rename = "not.recipient", max_length = 1024)]
    not_recipient: Option<Vec<String>>,
    /// Excludes events with this `domain`. Repeatable.
    #[param(rename = "not.domain", max_length = 1024)]
    not_domain: Option<Vec<String>>,
    /// Excludes events with this `sender`. Repeatable.
    #[param(rename = "not.sender", max_length = 1024)]
    not_sender: Option<Vec<String>>,
    /// Excludes events with this `tag`. Repeatable.
    #[param(rename = "not.tag", max_length = 1024)]
    not_tag: Option<Vec<String>>,
    /// Excludes events with this `template`. Repeatable.
    #[param(rename = "not.template", max_length = 1024)]
    not_template: Option<Vec<String>>,
    /// Excludes events with this `subaccount`. Repeatable.
    #[param(rename = "not.subaccount", max_length = 1024)]
    not_subaccount: Option<Vec<String>>,
    /// Excludes events with this `reason_class`. Repeatable.
    #[param(rename = "not.reason_class", max_length = 1024)]
    not_reason_class: Option<Vec<String>>,
    /// Excludes events with this `actor`. Repeatable.
    #[param(rename = "not.actor", max_length = 1024)]
    not_actor: Option<Vec<String>>,
    /// Excludes events with this `message_id`. Repeatable.
    #[param(rename = "not.message_id", max_length = 1024)]
    not_message_id: Option<Vec<String>>,
    /// Excludes events with this `ip`. Repeatable.
    #[param(rename = "not.ip", max_length = 1024)]
    not_ip: Option<Vec<String>>,
    /// Excludes events with this `url`. Repeatable.
    #[param(rename = "not.url", max_length = 1024)]
    not_url: Option<Vec<String>>,
    #[param(rename = "metadata.KEY", style = Form, explode, schema_with = metadata_by_key)]
    metadata: Option<HashMap<String, String>>,
}

/// The parameters that select a period, and simulated or real events.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only describes parameters; `Filter::from_pairs` reads them")]
pub(crate) struct PeriodFilters {
    /// Received at or after this time.
    #[param(schema_with = moment)]
    from: Option<OffsetDateTime>,
    /// Received before this time.
    #[param(schema_with = moment)]
    to: Option<OffsetDateTime>,
    /// Only simulated events, or only real ones.
    simulated: Option<bool>,
}

/// An object whose keys are parameter names, such as `metadata.plan`.
fn metadata_by_key() -> Object {
    let text = ObjectBuilder::new().schema_type(Type::String).max_length(Some(1024));
    let name = ObjectBuilder::new().schema_type(Type::String).pattern(Some(r"^(not\.)?metadata\..+$"));
    ObjectBuilder::new()
        .description(Some("`metadata.KEY=VALUE`: an exact metadata value. `not.metadata.KEY=VALUE` excludes it."))
        .property_names(Some(name))
        .additional_properties(Some(AdditionalProperties::from(text)))
        .max_properties(Some(4))
        .build()
}

/// Parses the name-value pairs of a query string as a filter of what the caller may see.
///
/// # Errors
/// If a name is unknown or a value is invalid.
pub(crate) fn parse_filter(pairs: &[(String, String)], caller: &Caller) -> Result<Filter, FilterError> {
    Filter::from_pairs(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())), caller)
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::visibility::Visibility;

    #[test]
    fn every_described_parameter_is_accepted() {
        let parameters = [Filters::into_params(|| None), PeriodFilters::into_params(|| None)].concat();
        assert!(parameters.len() > 20);
        for name in parameters.iter().map(|parameter| parameter.name.as_str()) {
            let value = match name {
                "simulated" => "true",
                "id" => "4711,4712",
                "reason_class" | "not.reason_class" => "no_mailbox, policy",
                "actor" | "not.actor" => "bot",
                _ => "2026-01-02T03:04:05Z",
            };
            let filter = Filter::of_visible([(name, value)], Visibility::everything()).expect(name);
            assert!(!filter.is_empty(), "{name}");
        }
    }
}
