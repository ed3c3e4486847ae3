//! Erases the personal data associated with an address.
//!
//! Events are blanked rather than deleted: their counts, message ids and digests remain, so that a late retry from Mandrill is recognised
//! as a duplicate and does not restore the data.

use serde::Serialize;
use serde_json::json;
use shared::feed::{FeedItem, RefetchReason};
use sqlx::{Connection, PgPool};
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::erasure::keys::SecretKey;
use crate::store::accounts::audit;
use crate::store::{archive, erasures, outbox};

/// Number of events erased per statement; each statement is its own transaction.
const EVENTS_PER_STATEMENT: i64 = 1_000;
/// Number of messages whose events are erased per statement.
const MESSAGES_PER_STATEMENT: usize = 200;

/// The number of rows that were, or would be, erased.
#[derive(Default, Serialize, ToSchema)]
pub(crate) struct Erased {
    /// Events to or from the address, and events of the same messages.
    events: i64,
    /// Notifications of these events, and messages between users that contain the address.
    notifications: i64,
    /// Elements in quarantine that contain the address.
    quarantined: i64,
    /// Users' notification rules that contain the address.
    rules: i64,
    /// Saved views that contain the address.
    views: i64,
    /// Archived files, which are searched for the address in the background, whether or not it is in them.
    archived_files: i64,
}

/// Counts the rows that [`erase`] would erase. `email` must be in lower case.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn count(pool: &PgPool, email: &str) -> Result<Erased, sqlx::Error> {
    sqlx::query_as!(
        Erased,
        r#"with theirs as (
             select received_at, id, message_id from events where lower(recipient collate "C") = $1
             union
             select received_at, id, message_id from events where kind = 'inbound' and lower(sender collate "C") = $1
           ), related as (
             select received_at, id from theirs
             union
             select received_at, id from events
             where message_id in (select message_id from theirs where message_id is not null) and erased_at is null
           )
           select
             (select count(*) from related) as "events!",
             (select count(*) from notifications where title <> 'Erased' and (
                lower(recipient collate "C") = $1 or event_id in (select id from related)
                or kind = 'message' and lower(title || ' ' || body) ~ $2)) as "notifications!",
             (select count(*) from quarantine where lower(encode(raw, 'escape')) ~ $2 or lower(detail) ~ $2) as "quarantined!",
             (select count(*) from notification_rules, jsonb_array_elements(rules) as rule where lower(rule::text) ~ $2) as "rules!",
             (select count(*) from views where lower(query || ' ' || name) ~ $3) as "views!",
             (select count(*) from archived_files) as "archived_files!""#,
        email,
        address_pattern(email),
        query_pattern(email)
    )
    .fetch_one(pool)
    .await
}

/// Remembers the erasure, erases everything that belongs to the address, and writes an audit entry. `email` must be in lower case.
///
/// # Errors
/// Returns an error if Postgres fails. Statements that have completed are not rolled back, and the erasure is remembered.
pub(crate) async fn erase(pool: &PgPool, key: &SecretKey, email: &str, admin_id: i64) -> Result<Erased, sqlx::Error> {
    let mut connection = pool.acquire().await?;
    let mut transaction = connection.begin().await?;
    erasures::add(&mut transaction, key, email).await?;
    transaction.commit().await?;
    drop(connection);
    // From now on, no replica stores anything older for this address. What was stored before is erased below.
    tokio::time::sleep(erasures::KNOWN_AFTER).await;
    let pattern = address_pattern(email);
    let erased = Erased {
        // Erased first, because notifications are found via events that have not been erased yet.
        notifications: erase_notifications(pool, email, &pattern).await?,
        events: erase_events(pool, email).await?,
        quarantined: discard_quarantined(pool, &pattern, admin_id).await?,
        rules: erase_rules(pool, &pattern).await?,
        views: erase_views(pool, &query_pattern(email)).await?,
        archived_files: archive::count_files(pool).await?,
    };
    // The HMAC identifies an erased address only to those who have the key.
    let address = hex::encode(key.address(email));
    audit::record(pool, admin_id, "recipient_erased", json!({"hmac": address, "erased": erased})).await?;
    Ok(erased)
}

/// Makes open pages fetch again.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn announce(pool: &PgPool) -> Result<(), sqlx::Error> {
    let mut connection = pool.acquire().await?;
    let refetch = FeedItem { refetch: Some(RefetchReason::Erased), ..FeedItem::default() };
    outbox::announce_item(&mut connection, &refetch).await
}

/// Blanks all events of messages.
///
/// # Errors
/// Returns an error if Postgres fails. Statements that have completed are not rolled back.
pub(crate) async fn erase_messages(pool: &PgPool, messages: &[String]) -> Result<(), sqlx::Error> {
    for messages in messages.chunks(MESSAGES_PER_STATEMENT) {
        let events = sqlx::query!(
            r#"select received_at as "received_at!", id as "id!" from events where message_id = any($1) and erased_at is null"#,
            messages
        );
        let (received, ids): (Vec<_>, Vec<_>) =
            events.fetch_all(pool).await?.into_iter().map(|event| (event.received_at, event.id)).unzip();
        blank(pool, &received, &ids).await?;
    }
    Ok(())
}

/// Blanks events to or from the address, and all events of the same messages.
async fn erase_events(pool: &PgPool, email: &str) -> Result<i64, sqlx::Error> {
    let mut erased = 0;
    loop {
        let events = sqlx::query!(
            r#"with theirs as (
                 select received_at, id, message_id from events where lower(recipient collate "C") = $1
                 union
                 select received_at, id, message_id from events where kind = 'inbound' and lower(sender collate "C") = $1
                 limit $2
               )
               select received_at as "received_at!", id as "id!" from theirs
               union
               select received_at, id from events
               where message_id in (select message_id from theirs where message_id is not null) and erased_at is null"#,
            email,
            EVENTS_PER_STATEMENT
        );
        let (received, ids): (Vec<_>, Vec<_>) =
            events.fetch_all(pool).await?.into_iter().map(|event| (event.received_at, event.id)).unzip();
        if ids.is_empty() {
            return Ok(erased);
        }
        erased += blank(pool, &received, &ids).await?;
    }
}

/// Removes personal data from events, and returns how many there are.
///
/// # Errors
/// Returns an error if Postgres fails. Nothing is changed in that case.
pub(crate) async fn blank(pool: &PgPool, received: &[OffsetDateTime], ids: &[i64]) -> Result<i64, sqlx::Error> {
    let blanked = sqlx::query!(
        r#"update events set erased_at = now(), payload = '{}', payload_frame = null, search = '', recipient = null, subject = null,
             terms = event_terms('', template, subaccount, null, null),
             sender = case when kind = 'inbound' then null else sender end, metadata = null, url = null, ip = null,
             user_agent = null, country = null, city = null, diagnostic = null
           from unnest($1::timestamptz[], $2::bigint[]) as chosen (received_at, id)
           where events.received_at = chosen.received_at and events.id = chosen.id"#,
        received,
        ids
    );
    Ok(i64::try_from(blanked.execute(pool).await?.rows_affected()).unwrap_or_default())
}

async fn erase_notifications(pool: &PgPool, email: &str, pattern: &str) -> Result<i64, sqlx::Error> {
    let statement = sqlx::query!(
        r#"with theirs as (
             select id, message_id from events where lower(recipient collate "C") = $1
             union
             select id, message_id from events where kind = 'inbound' and lower(sender collate "C") = $1
           ), related as (
             select id from theirs
             union
             select id from events
             where message_id in (select message_id from theirs where message_id is not null) and erased_at is null
           )
           update notifications set title = 'Erased', body = '', recipient = null
           where title <> 'Erased' and (lower(recipient collate "C") = $1 or event_id in (select id from related)
                 or kind = 'message' and lower(title || ' ' || body) ~ $2)"#,
        email,
        pattern
    );
    Ok(i64::try_from(statement.execute(pool).await?.rows_affected()).unwrap_or_default())
}

/// Discards quarantined elements that contain the address. Their digests are kept, so that duplicates are still recognised.
async fn discard_quarantined(pool: &PgPool, pattern: &str, admin_id: i64) -> Result<i64, sqlx::Error> {
    let statement = sqlx::query!(
        "update quarantine set raw = '', detail = '', state = 'discarded', resolution = 'erased', resolved_at = now(), resolved_by = $2
         where lower(encode(raw, 'escape')) ~ $1 or lower(detail) ~ $1",
        pattern,
        admin_id
    );
    Ok(i64::try_from(statement.execute(pool).await?.rows_affected()).unwrap_or_default())
}

/// Removes notification rules that contain the address.
async fn erase_rules(pool: &PgPool, pattern: &str) -> Result<i64, sqlx::Error> {
    let removed = sqlx::query_scalar!(
        r#"with changed as (
             update notification_rules set changed_at = now(),
               rules = (select coalesce(jsonb_agg(rule), '[]') from jsonb_array_elements(rules) as rule where lower(rule::text) !~ $1)
             where lower(rules::text) ~ $1 returning user_id
           )
           select (select count(*) from notification_rules, jsonb_array_elements(rules) as rule
                   where user_id in (select user_id from changed) and lower(rule::text) ~ $1) as "removed!""#,
        pattern
    );
    removed.fetch_one(pool).await
}

/// Deletes saved views that contain the address.
async fn erase_views(pool: &PgPool, pattern: &str) -> Result<i64, sqlx::Error> {
    let deleted = sqlx::query!("delete from views where lower(query || ' ' || name) ~ $1", pattern);
    Ok(i64::try_from(deleted.execute(pool).await?.rows_affected()).unwrap_or_default())
}

/// Like [`address_pattern`], for query strings, in which `=` and `&` are not part of addresses.
fn query_pattern(email: &str) -> String {
    format!("({})|[=&]{}", address_pattern(email), pattern_from_start(email))
}

/// A regular expression that matches the address in arbitrary bytes, but not a longer address that contains it. It also matches
/// where JSON or a form escapes the `@` or the characters around the address.
fn address_pattern(email: &str) -> String {
    format!(r"(^|[^a-z0-9.!#$&*+/=?^_`{{|}}~'-]|u00[0-9a-f]{{2}}){}", pattern_from_start(email))
}

/// The part of the expression for the address itself and its end.
fn pattern_from_start(email: &str) -> String {
    let mut pattern = String::new();
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
