//! `/api/rules`: the caller's rules, which select the events that notify them.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde::{Deserialize, Serialize};
use shared::session::Caller;
use utoipa::ToSchema;
use warp::reply::{Reply, Response};

use crate::http::error::ApiError;
use crate::http::reply;
use crate::notify::rules::Rule;
use crate::state::AppState;
use crate::store::notification_rules;

/// Maximum number of rules per user.
const MAX_RULES: usize = 20;
/// Maximum number of event types per rule.
const MAX_KINDS: usize = 30;
/// Maximum length of an event type, tag or address, in characters.
const MAX_TEXT_CHARS: usize = 320;

#[derive(Serialize, ToSchema)]
#[schema(as = Rules)]
struct RuleSettings {
    /// True if the user has no custom rules. The default rule then notifies them of every open.
    standard: bool,
    rules: Vec<Rule>,
}

impl RuleSettings {
    /// The settings of a user with these custom rules, if any.
    fn new(custom: Option<Vec<Rule>>) -> Self {
        let standard = custom.is_none();
        let default = || vec![Rule { kinds: vec!["open".to_owned()], tag: None, recipient: None }];
        Self { standard, rules: custom.unwrap_or_else(default) }
    }
}

/// Returns the caller's rules. An event notifies the caller if at least one rule selects it.
///
/// # Errors
/// 401.
#[utoipa::path(get, path = "/api/rules", operation_id = "getRules", tag = "notifications",
    responses((status = 200, description = "The rules.", body = RuleSettings)))]
pub async fn get(state: Arc<AppState>, caller: Caller) -> Result<Response, ApiError> {
    let custom = notification_rules::get(&state.pool, caller.user.id).await?;
    reply::json(&caller, &RuleSettings::new(custom))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRules {
    #[schema(max_items = 20)]
    rules: Vec<Rule>,
}

/// Replaces the caller's rules. With an empty list, no event notifies the caller.
///
/// # Errors
/// 401, 403 for tokens and foreign origins, 400 `bad_rule`, 409 `too_many_rules`.
#[utoipa::path(put, path = "/api/rules", operation_id = "setRules", tag = "notifications",
    security(("session" = [], "csrf" = [])),
    request_body = NewRules,
    responses((status = 200, description = "The new rules.", body = RuleSettings),
        (status = 400, description = "`bad_rule`"), (status = 409, description = "`too_many_rules`")))]
pub async fn put(state: Arc<AppState>, caller: Caller, NewRules { rules }: NewRules) -> Result<Response, ApiError> {
    if rules.len() > MAX_RULES {
        return Err(ApiError::BadRule(format!("You can have at most {MAX_RULES} rules.")));
    }
    let masking = caller.masking();
    if rules.iter().flat_map(|rule| rule.recipient.iter().chain(&rule.tag)).any(|text| !masking.may_name(text)) {
        return Err(ApiError::BadRule("Addresses are masked for you, so that a rule cannot name one.".to_owned()));
    }
    let rules = rules.into_iter().map(validated).collect::<Result<Vec<_>, _>>().map_err(ApiError::BadRule)?;
    if !notification_rules::set(&state.pool, caller.user.id, &rules).await? {
        return Err(ApiError::TooManyRules);
    }
    state.rule_changes.fetch_add(1, Ordering::AcqRel);
    Ok(warp::reply::json(&RuleSettings::new(Some(rules))).into_response())
}

/// Deletes the caller's rules. The default rule then notifies them of every open.
///
/// # Errors
/// 401, 403 for tokens and foreign origins.
#[utoipa::path(delete, path = "/api/rules", operation_id = "resetRules", tag = "notifications",
    security(("session" = [], "csrf" = [])),
    responses((status = 200, description = "The default rules.", body = RuleSettings)))]
pub async fn delete(state: Arc<AppState>, caller: Caller) -> Result<Response, ApiError> {
    notification_rules::reset(&state.pool, caller.user.id).await?;
    state.rule_changes.fetch_add(1, Ordering::AcqRel);
    Ok(warp::reply::json(&RuleSettings::new(None)).into_response())
}

/// The rule in its stored form: trimmed and without empty conditions. The error is a message to show to the user.
fn validated(rule: Rule) -> Result<Rule, String> {
    let trimmed = |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let rule = Rule { kinds: rule.kinds, tag: trimmed(rule.tag), recipient: trimmed(rule.recipient) };
    if rule.kinds.is_empty() || rule.kinds.len() > MAX_KINDS {
        return Err(format!("A rule needs 1 to {MAX_KINDS} event types."));
    }
    let mut texts = rule.kinds.iter().chain(&rule.tag).chain(&rule.recipient);
    if rule.kinds.iter().any(String::is_empty) || texts.any(|text| text.chars().count() > MAX_TEXT_CHARS || text.contains('\0')) {
        return Err(format!("Event types, tag and recipient must have 1 to {MAX_TEXT_CHARS} characters, without NUL."));
    }
    if rule.recipient.as_ref().is_some_and(|address| !address.contains('@')) {
        return Err("The recipient is not an email address.".to_owned());
    }
    Ok(rule)
}
