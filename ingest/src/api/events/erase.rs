//! Erasing a person: what was stored about an address goes, and what was counted stays.
//!
//! Rows of `events` are emptied rather than deleted: counts, message ids and the keys that tell repeats apart remain, so that a late
//! repeat from Mandrill does not bring the person back. What Redis holds for pages that reconnect is forgotten by its own age.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use shared::session::Caller;
use sqlx::PgPool;
use utoipa::ToSchema;
use warp::reply::{Reply, Response};

use crate::http::error::ApiError;
use crate::http::page::path_text;
use crate::state::AppState;
use crate::store::accounts::audit;

/// Events emptied in one transaction.
const CHUNK: i64 = 1_000;

/// How much was, or would be, erased.
#[derive(Default, Serialize, ToSchema)]
struct Erased {
    events: i64,
    notifications: i64,
    quarantined: i64,
}

/// Either of them.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = EraseOrder)]
pub struct Order {
    /// Says what would be erased, and erases nothing.
    #[serde(default)]
    dry_run: bool,
    /// The address again: what is erased cannot be brought back.
    confirm: Option<String>,
}

/// Erases what was stored about an address; what was counted stays.
///
/// # Errors
/// 401, 403, 404, 400 `not_confirmed`.
#[utoipa::path(post, path = "/api/recipients/{email}/erase", operation_id = "eraseRecipient", tag = "events",
    security(("session" = ["admin"], "csrf" = [])),
    params(("email" = String, Path, description = "The address.")),
    request_body = Order,
    responses((status = 200, description = "How much was, or would be, erased.", body = Erased),
        (status = 400, description = "`not_confirmed`")))]
pub async fn post(state: Arc<AppState>, email: String, admin: Caller, order: Order) -> Result<Response, ApiError> {
    let email = path_text(&email)?.to_ascii_lowercase();
    if order.dry_run {
        return Ok(warp::reply::json(&found(&state.pool, &email).await?).into_response());
    }
    if order.confirm.is_none_or(|confirm| confirm.to_ascii_lowercase() != email) {
        return Err(ApiError::NotConfirmed);
    }
    let erased = Erased {
        // First, as theirs are found by events that are not emptied yet.
        notifications: notifications(&state.pool, &email).await?,
        events: events(&state.pool, &email).await?,
        quarantined: quarantined(&state.pool, &email, admin.user.id).await?,
    };
    // By its hash, an erased address can be recognised, and not be read.
    let address = Sha256::digest(&email).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    audit::record(&state.pool, admin.user.id, "recipient_erased", json!({"sha256": address, "erased": erased})).await?;
    Ok(warp::reply::json(&erased).into_response())
}

async fn found(pool: &PgPool, email: &str) -> Result<Erased, sqlx::Error> {
    sqlx::query_as!(
        Erased,
        r#"select
             (select count(*) from events where lower(recipient collate "C") = $1)
               + (select count(*) from events where kind = 'inbound' and lower(sender collate "C") = $1
                    and lower(recipient collate "C") is distinct from $1) as "events!",
             (select count(*) from notifications where lower(recipient collate "C") = $1)
               + (select count(*) from notifications where kind = 'event' and lower(recipient collate "C") is distinct from $1
                    and event_id in (select id from events where kind = 'inbound' and lower(sender collate "C") = $1))
               as "notifications!",
             (select count(*) from quarantine where lower(encode(raw, 'escape')) ~ $2) as "quarantined!""#,
        email,
        pattern_of(email)
    )
    .fetch_one(pool)
    .await
}

async fn events(pool: &PgPool, email: &str) -> Result<i64, sqlx::Error> {
    let mut erased = 0;
    loop {
        let done = sqlx::query!(
            r#"with theirs as (
                 select received_at, id from events where lower(recipient collate "C") = $1
                 union
                 select received_at, id from events where kind = 'inbound' and lower(sender collate "C") = $1
                 limit $2
               )
               update events set erased_at = now(), payload = '{}', search = '', recipient = null, subject = null,
                 terms = event_terms('', template, subaccount, null, null),
                 sender = case when kind = 'inbound' then null else sender end, metadata = null, url = null, ip = null,
                 user_agent = null, country = null, city = null, diagnostic = null
               from theirs where events.received_at = theirs.received_at and events.id = theirs.id"#,
            email,
            CHUNK
        );
        let rows = done.execute(pool).await?.rows_affected();
        erased += i64::try_from(rows).unwrap_or_default();
        if rows == 0 {
            return Ok(erased);
        }
    }
}

async fn notifications(pool: &PgPool, email: &str) -> Result<i64, sqlx::Error> {
    let done = sqlx::query!(
        r#"with theirs as (
             select id from notifications where lower(recipient collate "C") = $1
             union
             select id from notifications where kind = 'event'
               and event_id in (select id from events where kind = 'inbound' and lower(sender collate "C") = $1)
           )
           update notifications set title = 'Erased', body = '', recipient = null from theirs where notifications.id = theirs.id"#,
        email
    );
    Ok(i64::try_from(done.execute(pool).await?.rows_affected()).unwrap_or_default())
}

/// Finds the address, and no longer one that ends or begins like it, in bytes that may be anything: also where JSON or a form wrote
/// some of its signs, or those around it, by their numbers.
fn pattern_of(email: &str) -> String {
    let mut pattern = String::from(r"(^|[^a-z0-9.!#$&*+/=?^_`{|}~'-]|u00[0-9a-f]{2})");
    for letter in email.chars() {
        match letter {
            '@' => pattern.push_str("(@|%40|u0040)"),
            letter if letter.is_alphanumeric() => pattern.push(letter),
            letter => pattern.extend(['\\', letter]),
        }
    }
    pattern.push_str(r"($|[^a-z0-9.-]|\.($|[^a-z0-9]))");
    pattern
}

/// What is in quarantine about them is discarded; its digest stays, so that a repeat is known.
async fn quarantined(pool: &PgPool, email: &str, by: i64) -> Result<i64, sqlx::Error> {
    let done = sqlx::query!(
        "update quarantine set raw = '', state = 'discarded', resolution = 'erased', resolved_at = now(), resolved_by = $2
         where lower(encode(raw, 'escape')) ~ $1",
        pattern_of(email),
        by
    );
    Ok(i64::try_from(done.execute(pool).await?.rows_affected()).unwrap_or_default())
}
