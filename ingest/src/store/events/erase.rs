//! Erases the personal data associated with an address.
//!
//! Events are blanked rather than deleted: their counts, message ids and digests remain, so that a late retry from Mandrill is recognised
//! as a duplicate and does not restore the data. The feed in Redis is not searched, because its entries expire.

use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use utoipa::ToSchema;

use crate::store::accounts::audit;

/// Number of events erased per statement; each statement is its own transaction.
const EVENTS_PER_STATEMENT: i64 = 1_000;

/// The number of rows that were, or would be, erased.
#[derive(Default, Serialize, ToSchema)]
pub(crate) struct Erased {
    events: i64,
    notifications: i64,
    quarantined: i64,
}

/// Counts the rows that [`erase`] would erase. `email` must be in lower case.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn count(pool: &PgPool, email: &str) -> Result<Erased, sqlx::Error> {
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
        address_pattern(email)
    )
    .fetch_one(pool)
    .await
}

/// Erases the events, notifications and quarantined elements for an address, and writes an audit entry. `email` must be in lower case.
///
/// # Errors
/// Returns an error if Postgres fails. Statements that have completed are not rolled back.
pub(crate) async fn erase(pool: &PgPool, email: &str, admin_id: i64) -> Result<Erased, sqlx::Error> {
    let erased = Erased {
        // Erased first, because notifications are found via events that have not been erased yet.
        notifications: erase_notifications(pool, email).await?,
        events: erase_events(pool, email).await?,
        quarantined: discard_quarantined(pool, email, admin_id).await?,
    };
    // The hash identifies an erased address without revealing it.
    let address = hex::encode(Sha256::digest(email));
    audit::record(pool, admin_id, "recipient_erased", json!({"sha256": address, "erased": erased})).await?;
    Ok(erased)
}

async fn erase_events(pool: &PgPool, email: &str) -> Result<i64, sqlx::Error> {
    let mut erased = 0;
    loop {
        let statement = sqlx::query!(
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
            EVENTS_PER_STATEMENT
        );
        let rows = statement.execute(pool).await?.rows_affected();
        erased += i64::try_from(rows).unwrap_or_default();
        if rows == 0 {
            return Ok(erased);
        }
    }
}

async fn erase_notifications(pool: &PgPool, email: &str) -> Result<i64, sqlx::Error> {
    let statement = sqlx::query!(
        r#"with theirs as (
             select id from notifications where lower(recipient collate "C") = $1
             union
             select id from notifications where kind = 'event'
               and event_id in (select id from events where kind = 'inbound' and lower(sender collate "C") = $1)
           )
           update notifications set title = 'Erased', body = '', recipient = null from theirs where notifications.id = theirs.id"#,
        email
    );
    Ok(i64::try_from(statement.execute(pool).await?.rows_affected()).unwrap_or_default())
}

/// Discards quarantined elements that contain the address. Their digests are kept, so that duplicates are still recognised.
async fn discard_quarantined(pool: &PgPool, email: &str, admin_id: i64) -> Result<i64, sqlx::Error> {
    let statement = sqlx::query!(
        "update quarantine set raw = '', state = 'discarded', resolution = 'erased', resolved_at = now(), resolved_by = $2
         where lower(encode(raw, 'escape')) ~ $1",
        address_pattern(email),
        admin_id
    );
    Ok(i64::try_from(statement.execute(pool).await?.rows_affected()).unwrap_or_default())
}

/// A regular expression that matches the address in arbitrary bytes, but not a longer address that contains it. It also matches
/// where JSON or a form escapes the `@` or the characters around the address.
fn address_pattern(email: &str) -> String {
    let mut pattern = String::from(r"(^|[^a-z0-9.!#$&*+/=?^_`{|}~'-]|u00[0-9a-f]{2})");
    for character in email.chars() {
        match character {
            '@' => pattern.push_str("(@|%40|u0040)"),
            character if character.is_alphanumeric() => pattern.push(character),
            character => pattern.extend(['\\', character]),
        }
    }
    pattern.push_str(r"($|[^a-z0-9.-]|\.($|[^a-z0-9]))");
    pattern
}
