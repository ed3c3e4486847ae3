//! The names that a filter has in a query string, for the API's document.

use std::collections::HashMap;

use time::OffsetDateTime;
use utoipa::IntoParams;
use utoipa::openapi::schema::{AdditionalProperties, Object, ObjectBuilder, Type};

use crate::http::page::moment;

/// Every name; what they mean is said by `shared::filter::Filter`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only its description is used: a query string is read by `Filter::from_pairs`")]
pub(crate) struct Filters {
    /// Any of these kinds, separated by commas: Mandrill's words, such as `open`.
    #[param(max_length = 1024)]
    kind: Option<String>,
    /// The address written to; the case of ASCII letters makes no difference.
    #[param(max_length = 1024)]
    recipient: Option<String>,
    /// The address written from; the case of ASCII letters makes no difference.
    #[param(max_length = 1024)]
    sender: Option<String>,
    /// Part of the subject; case makes no difference.
    #[param(max_length = 1024)]
    subject: Option<String>,
    /// One of the tags.
    #[param(max_length = 1024)]
    tag: Option<String>,
    /// The template.
    #[param(max_length = 1024)]
    template: Option<String>,
    /// The subaccount.
    #[param(max_length = 1024)]
    subaccount: Option<String>,
    /// The message's id at Mandrill.
    #[param(max_length = 1024)]
    message_id: Option<String>,
    /// Where an open or click came from.
    #[param(max_length = 1024)]
    ip: Option<String>,
    /// The link that was clicked.
    #[param(max_length = 1024)]
    url: Option<String>,
    /// Received at or after.
    #[param(schema_with = moment)]
    from: Option<OffsetDateTime>,
    /// Received before.
    #[param(schema_with = moment)]
    to: Option<OffsetDateTime>,
    /// Only simulated events, or only real ones.
    simulated: Option<bool>,
    /// Words that must all occur: in addresses, subject, tags or metadata.
    #[param(max_length = 1024)]
    q: Option<String>,
    /// What `kind` must not be; may be given several times.
    #[param(rename = "not.kind", max_length = 1024)]
    not_kind: Option<Vec<String>>,
    /// What `recipient` must not be; may be given several times.
    #[param(rename = "not.recipient", max_length = 1024)]
    not_recipient: Option<Vec<String>>,
    /// What `sender` must not be; may be given several times.
    #[param(rename = "not.sender", max_length = 1024)]
    not_sender: Option<Vec<String>>,
    /// What `tag` must not be; may be given several times.
    #[param(rename = "not.tag", max_length = 1024)]
    not_tag: Option<Vec<String>>,
    /// What `template` must not be; may be given several times.
    #[param(rename = "not.template", max_length = 1024)]
    not_template: Option<Vec<String>>,
    /// What `subaccount` must not be; may be given several times.
    #[param(rename = "not.subaccount", max_length = 1024)]
    not_subaccount: Option<Vec<String>>,
    /// What `message_id` must not be; may be given several times.
    #[param(rename = "not.message_id", max_length = 1024)]
    not_message_id: Option<Vec<String>>,
    /// What `ip` must not be; may be given several times.
    #[param(rename = "not.ip", max_length = 1024)]
    not_ip: Option<Vec<String>>,
    /// What `url` must not be; may be given several times.
    #[param(rename = "not.url", max_length = 1024)]
    not_url: Option<Vec<String>>,
    #[param(rename = "metadata.KEY", style = Form, explode, schema_with = metadata_by_key)]
    metadata: Option<HashMap<String, String>>,
}

/// An object whose names are the query's own: `metadata.plan=gold`.
fn metadata_by_key() -> Object {
    let text = ObjectBuilder::new().schema_type(Type::String).max_length(Some(1024));
    let name = ObjectBuilder::new().schema_type(Type::String).pattern(Some(r"^(not\.)?metadata\..+$"));
    ObjectBuilder::new()
        .description(Some("`metadata.KEY=VALUE`: a value of the metadata, exact; `not.metadata.KEY=VALUE`: what it must not be."))
        .property_names(Some(name))
        .additional_properties(Some(AdditionalProperties::from(text)))
        .max_properties(Some(4))
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::filter::Filter;

    #[test]
    fn every_name_is_taken_by_filters() {
        let parameters = Filters::into_params(|| None);
        assert!(parameters.len() > 20);
        for name in parameters.iter().map(|parameter| parameter.name.as_str()) {
            let value = if name == "simulated" { "true" } else { "2026-01-02T03:04:05Z" };
            let filter = Filter::from_pairs([(name, value)]).expect(name);
            assert!(!filter.is_empty(), "{name}");
        }
    }
}
