//! Reads the events of one message, and other messages to the same recipient.

use serde::Serialize;
use shared::event::Event;
use shared::filter::Filter;
use shared::visibility::Visibility;
use sqlx::PgPool;
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::store::events::list::select_events;
use crate::store::events::search_plan::SearchPlan;
use crate::store::events::selection::push_conditions;

/// Another message to the same recipient.
#[derive(Serialize, ToSchema)]
pub(crate) struct RelatedMessage {
    message_id: String,
    subject: Option<String>,
    /// The kind of the message's newest event.
    kind: String,
    #[serde(with = "time::serde::rfc3339")]
    occurred_at: OffsetDateTime,
}

/// Reads up to `limit` of a message's oldest visible events.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn find_events(
    pool: &PgPool,
    message_id: &str,
    visibility: &Visibility,
    limit: i64,
) -> Result<Vec<Event>, sqlx::Error> {
    let mut sql = select_events();
    let of_message = Filter { message_id: Some(message_id.to_owned()), visibility: visibility.clone(), ..Filter::default() };
    push_conditions(&mut sql, &of_message, SearchPlan::default());
    sql.push(" order by occurred_at, id limit ").push_bind(limit);
    sql.build_query_as().fetch_all(pool).await
}

/// Reads up to `limit` of the newest messages to a recipient, excluding `message_id`. Only the recipient's last 200 events are considered.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn find_related(
    pool: &PgPool,
    recipient: &str,
    message_id: &str,
    visibility: &Visibility,
    limit: i64,
) -> Result<Vec<RelatedMessage>, sqlx::Error> {
    sqlx::query_as!(
        RelatedMessage,
        r#"select message_id as "message_id!", subject, kind as "kind!", occurred_at as "occurred_at!" from (
             select distinct on (message_id) message_id, subject, kind, occurred_at, received_at, id from (
               select message_id, subject, kind, occurred_at, received_at, id from events
               where lower(recipient collate "C") = lower($1 collate "C") and message_id <> $2
                 and is_visible($4, kind, subaccount, tags, sender)
               order by received_at desc, id desc limit 200
             ) as newest order by message_id, received_at desc, id desc
           ) as messages order by received_at desc, id desc limit $3"#,
        recipient,
        message_id,
        limit,
        visibility.to_json()
    )
    .fetch_all(pool)
    .await
}
