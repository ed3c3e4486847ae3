//! `/api/rules`: what events notify the caller.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde::{Deserialize, Serialize};
use shared::session::Caller;
use sqlx::types::Json;
use utoipa::ToSchema;
use warp::reply::{Reply, Response};

use crate::http::error::ApiError;
use crate::notify::rules::Rule;
use crate::state::AppState;

/// Rules of one user, at most.
const MOST: usize = 20;
/// Kinds of a rule, at most.
const MOST_KINDS: usize = 30;
/// Characters of a kind, tag or address.
const LONGEST: usize = 320;
/// Users with rules of their own, at most: each of them may be named in a notification.
const MOST_USERS: i64 = 200;

#[derive(Serialize, ToSchema)]
#[schema(as = Rules)]
struct Own {
    /// True for who has no rules of their own: every open notifies them.
    standard: bool,
    rules: Vec<Rule>,
}

impl Own {
    fn of(rules: Option<Vec<Rule>>) -> Response {
        let own = match rules {
            Some(rules) => Self { standard: false, rules },
            None => Self { standard: true, rules: vec![Rule { kinds: vec!["open".to_owned()], tag: None, recipient: None }] },
        };
        warp::reply::json(&own).into_response()
    }
}

/// Tells which events notify the caller: any that one of the rules selects.
///
/// # Errors
/// 401.
#[utoipa::path(get, path = "/api/rules", operation_id = "getRules", tag = "notifications",
    responses((status = 200, description = "The rules.", body = Own)))]
pub async fn get(state: Arc<AppState>, caller: Caller) -> Result<Response, ApiError> {
    let row =
        sqlx::query!(r#"select rules as "rules: Json<Vec<Rule>>" from notification_rules where user_id = $1"#, caller.user.id);
    Ok(Own::of(row.fetch_optional(&state.pool).await?.map(|row| row.rules.0)))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewRules)]
pub struct Wanted {
    #[schema(max_items = 20)]
    rules: Vec<Rule>,
}

/// Puts these rules in place of all that were; without any, no event notifies.
///
/// # Errors
/// 401, 403 for tokens and from elsewhere, 400 `bad_rule`, 409 `too_many_rules`.
#[utoipa::path(put, path = "/api/rules", operation_id = "setRules", tag = "notifications",
    security(("session" = [], "csrf" = [])),
    request_body = Wanted,
    responses((status = 200, description = "The rules as they are now.", body = Own),
        (status = 400, description = "`bad_rule`"), (status = 409, description = "`too_many_rules`")))]
pub async fn put(state: Arc<AppState>, caller: Caller, Wanted { rules }: Wanted) -> Result<Response, ApiError> {
    if rules.len() > MOST {
        return Err(ApiError::BadRule(format!("There are {MOST} rules at most.")));
    }
    let rules = rules.into_iter().map(checked).collect::<Result<Vec<_>, _>>().map_err(ApiError::BadRule)?;
    let kept = sqlx::query!(
        "insert into notification_rules (user_id, rules)
         select $1, $2 where (select count(*) from notification_rules where user_id <> $1) < $3
         on conflict (user_id) do update set rules = excluded.rules, changed_at = now()",
        caller.user.id,
        Json(&rules) as _,
        MOST_USERS
    );
    if kept.execute(&state.pool).await?.rows_affected() == 0 {
        return Err(ApiError::TooManyRules);
    }
    state.rule_changes.fetch_add(1, Ordering::AcqRel);
    Ok(Own::of(Some(rules)))
}

/// Goes back to the standard: every open notifies.
///
/// # Errors
/// 401, 403 for tokens and from elsewhere.
#[utoipa::path(delete, path = "/api/rules", operation_id = "resetRules", tag = "notifications",
    security(("session" = [], "csrf" = [])),
    responses((status = 200, description = "The rules as they are now.", body = Own)))]
pub async fn delete(state: Arc<AppState>, caller: Caller) -> Result<Response, ApiError> {
    sqlx::query!("delete from notification_rules where user_id = $1", caller.user.id).execute(&state.pool).await?;
    state.rule_changes.fetch_add(1, Ordering::AcqRel);
    Ok(Own::of(None))
}

/// The rule as it is kept: without spaces around what was typed, and empty conditions left out.
fn checked(rule: Rule) -> Result<Rule, String> {
    let trimmed = |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let rule = Rule { kinds: rule.kinds, tag: trimmed(rule.tag), recipient: trimmed(rule.recipient) };
    if rule.kinds.is_empty() || rule.kinds.len() > MOST_KINDS {
        return Err(format!("A rule has 1 to {MOST_KINDS} kinds."));
    }
    let mut texts = rule.kinds.iter().chain(&rule.tag).chain(&rule.recipient);
    if rule.kinds.iter().any(String::is_empty) || texts.any(|text| text.chars().count() > LONGEST || text.contains('\0')) {
        return Err(format!("Kinds, tag and recipient are texts of at most {LONGEST} characters."));
    }
    if rule.recipient.as_ref().is_some_and(|address| !address.contains('@')) {
        return Err("The recipient is no address.".to_owned());
    }
    Ok(rule)
}
