//! Counts the events for one recipient.

use serde::Serialize;
use shared::event::ReasonClass;
use sqlx::PgPool;
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::verdict::standing::AddressEvent;

/// A recipient's events of one kind.
#[derive(Serialize, ToSchema)]
#[schema(as = KindOfRecipient)]
pub(crate) struct RecipientKind {
    kind: String,
    count: i64,
    #[serde(with = "time::serde::rfc3339")]
    first_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    last_at: OffsetDateTime,
    /// SMTP reply or bounce text from the last event.
    diagnostic: Option<String>,
    /// Why the last event failed.
    #[schema(value_type = Option<ReasonClass>)]
    reason_class: Option<String>,
}

/// Maximum number of events that decide on the standing of an address. More than that belong to a test address.
const MAX_EVENTS: i64 = 10_000;

/// Reads the newest events that can change the standing of an address.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn events_for_standing(pool: &PgPool, email: &str) -> Result<Vec<AddressEvent>, sqlx::Error> {
    sqlx::query_as!(
        AddressEvent,
        r#"select id as "id!", kind as "kind!", occurred_at as "occurred_at!", reason_class from (
             select id, kind, occurred_at, reason_class from events
             where lower(recipient collate "C") = lower($1 collate "C") and kind <> all(array['send', 'open', 'click', 'inbound'])
             order by received_at desc, id desc limit $2
           ) as newest
           union all
           (select id, kind, occurred_at, reason_class from events
            where lower(recipient collate "C") = lower($1 collate "C") and kind in ('open', 'click')
            order by occurred_at desc limit 1)"#,
        email,
        MAX_EVENTS
    )
    .fetch_all(pool)
    .await
}

/// Counts a recipient's events by kind. The kind with the most recent event comes first.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn count_by_kind(pool: &PgPool, email: &str) -> Result<Vec<RecipientKind>, sqlx::Error> {
    sqlx::query_as!(
        RecipientKind,
        r#"select kind as "kind!", count(*) as "count!", min(occurred_at) as "first_at!", max(occurred_at) as "last_at!",
                  (array_agg(diagnostic order by occurred_at desc, id desc))[1] as diagnostic,
                  (array_agg(reason_class order by occurred_at desc, id desc))[1] as reason_class
           from events where lower(recipient collate "C") = lower($1 collate "C")
           group by kind order by max(occurred_at) desc, kind"#,
        email
    )
    .fetch_all(pool)
    .await
}
