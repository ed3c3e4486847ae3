//! Reads what is known of one recipient.

use serde::Serialize;
use shared::event::ReasonClass;
use shared::visibility::Visibility;
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
pub(crate) async fn events_for_standing(
    pool: &PgPool,
    email: &str,
    visibility: &Visibility,
) -> Result<Vec<AddressEvent>, sqlx::Error> {
    sqlx::query_as!(
        AddressEvent,
        r#"select id as "id!", kind as "kind!", occurred_at as "occurred_at!", reason_class from (
             select id, kind, occurred_at, reason_class from events
             where lower(recipient collate "C") = lower($1 collate "C")
               and is_visible($3, kind, subaccount, tags, sender) and kind <> all(array['send', 'open', 'click', 'inbound'])
             order by received_at desc, id desc limit $2
           ) as newest
           union all
           (select id, kind, occurred_at, reason_class from events
            where lower(recipient collate "C") = lower($1 collate "C")
              and is_visible($3, kind, subaccount, tags, sender) and kind in ('open', 'click')
            order by occurred_at desc limit 1)"#,
        email,
        MAX_EVENTS,
        visibility.to_json()
    )
    .fetch_all(pool)
    .await
}

/// Counts a recipient's events by kind. The kind with the most recent event comes first.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn count_by_kind(
    pool: &PgPool,
    email: &str,
    visibility: &Visibility,
) -> Result<Vec<RecipientKind>, sqlx::Error> {
    sqlx::query_as!(
        RecipientKind,
        r#"select kind as "kind!", count(*) as "count!", min(occurred_at) as "first_at!", max(occurred_at) as "last_at!",
                  (array_agg(diagnostic order by occurred_at desc, id desc))[1] as diagnostic,
                  (array_agg(reason_class order by occurred_at desc, id desc))[1] as reason_class
           from events where lower(recipient collate "C") = lower($1 collate "C")
             and is_visible($2, kind, subaccount, tags, sender)
           group by kind order by max(occurred_at) desc, kind"#,
        email,
        visibility.to_json()
    )
    .fetch_all(pool)
    .await
}

/// An event that a person caused.
#[derive(Serialize, ToSchema)]
pub(crate) struct PersonEvent {
    event_id: i64,
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
}

/// Reads the last stored open or click by a person, directly or through a proxy.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn last_by_person(
    pool: &PgPool,
    email: &str,
    visibility: &Visibility,
    kind: &str,
) -> Result<Option<PersonEvent>, sqlx::Error> {
    sqlx::query_as!(
        PersonEvent,
        r#"select id as "event_id!", occurred_at as "at!" from events
           where lower(recipient collate "C") = lower($1 collate "C")
             and is_visible($3, kind, subaccount, tags, sender) and kind = $2 and actor in ('person', 'proxy')
           order by occurred_at desc, id desc limit 1"#,
        email,
        kind,
        visibility.to_json()
    )
    .fetch_optional(pool)
    .await
}

/// A message to a recipient.
#[derive(Serialize, ToSchema)]
pub(crate) struct RecipientMessage {
    message_id: String,
    subject: Option<String>,
    /// When the newest event of the message happened.
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    /// The kinds of its events, in the order in which each last happened.
    kinds: Vec<String>,
    /// Those of `kinds` that machines alone caused, such as a click by a scanner.
    machine_kinds: Vec<String>,
}

/// Number of the newest events in which messages are looked for. A message with more events than this comes from a test.
const MAX_MESSAGE_EVENTS: i64 = 500;

/// Reads the newest messages to a recipient, newest first.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn newest_messages(
    pool: &PgPool,
    email: &str,
    visibility: &Visibility,
) -> Result<Vec<RecipientMessage>, sqlx::Error> {
    sqlx::query_as!(
        RecipientMessage,
        r#"with newest as (
             select message_id, subject, kind, actor, received_at, occurred_at, id from events
             where lower(recipient collate "C") = lower($1 collate "C")
               and is_visible($3, kind, subaccount, tags, sender) and message_id is not null and kind <> 'inbound'
             order by received_at desc, id desc limit $2
           ), by_kind as (
             select message_id, kind, max(subject) as subject, max(occurred_at) as occurred_at, max(id) as id,
                    bool_and(coalesce(actor not in ('person', 'proxy'), false)) as by_machines
             from newest group by message_id, kind
           )
           select message_id as "message_id!", max(subject) as subject, max(occurred_at) as "at!",
                  array_agg(kind order by occurred_at, id) as "kinds!",
                  coalesce(array_agg(kind order by occurred_at, id) filter (where by_machines), '{}') as "machine_kinds!"
           from by_kind group by message_id order by max(occurred_at) desc, max(id) desc limit 10"#,
        email,
        MAX_MESSAGE_EVENTS,
        visibility.to_json()
    )
    .fetch_all(pool)
    .await
}

/// An event that stops or resumes mail to an address.
#[derive(Serialize, ToSchema)]
pub(crate) struct Suppression {
    event_id: i64,
    kind: String,
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    #[schema(value_type = Option<ReasonClass>)]
    reason_class: Option<String>,
    /// The reason in the words of the server, or of whoever changed the list.
    diagnostic: Option<String>,
    /// The subject of the message, if the event is about one.
    subject: Option<String>,
    message_id: Option<String>,
}

/// Reads the newest events that stop or resume mail to a recipient, newest first.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn newest_suppressions(
    pool: &PgPool,
    email: &str,
    visibility: &Visibility,
) -> Result<Vec<Suppression>, sqlx::Error> {
    sqlx::query_as!(
        Suppression,
        r#"with newest as (
             select id, kind, occurred_at, reason_class, diagnostic, subject, message_id from events
             where lower(recipient collate "C") = lower($1 collate "C")
               and is_visible($2, kind, subaccount, tags, sender)
               and (kind in ('hard_bounce', 'soft_bounce', 'reject', 'spam', 'unsub') or kind like 'blacklist%' or kind like 'whitelist%')
             order by received_at desc, id desc limit 20
           )
           select id as "event_id!", kind as "kind!", occurred_at as "at!", reason_class, diagnostic, subject, message_id from newest
           order by occurred_at desc, id desc"#,
        email,
        visibility.to_json()
    )
    .fetch_all(pool)
    .await
}
