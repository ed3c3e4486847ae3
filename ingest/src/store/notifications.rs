//! A user's notifications: pages, the unread count and read markers.

use serde::Serialize;
use shared::masking::Masking;
use shared::notification::{Audience, AudienceError, Notification, Sender};
use shared::session::Caller;
use shared::visibility::Visibility;
use sqlx::PgPool;
use time::OffsetDateTime;
use utoipa::ToSchema;

/// Maximum number of ids scanned for one page or count. It limits query time for users who receive only a small share of a very large
/// number of notifications.
const MAX_SCANNED_IDS: i64 = 100_000;
/// The limit for callers who may not see all events: for them, the event of each notification is read as well.
const MAX_LOOKED_UP_IDS: i64 = 20_000;
/// Unread notifications are counted up to this number.
const MAX_UNREAD: i64 = 1_000;
/// Only so many of the newest notifications can become unread again: everything newer than the oldest of them gets a row.
const MAX_UNREAD_AGE: i64 = 10_000;

/// Selects the notifications that a page lists.
#[derive(Debug, Default)]
pub(crate) struct NotificationFilter {
    pub(crate) kind: Option<String>,
    /// The id of the sender.
    pub(crate) from_user: Option<i64>,
    /// True to list only unread notifications.
    pub(crate) unread: bool,
}

/// A notification with the reader's state.
#[derive(Serialize, ToSchema)]
#[schema(as = ToldNotification)]
pub(crate) struct ListedNotification {
    #[serde(flatten)]
    pub(crate) notification: Notification,
    /// True if the caller has read or sent it.
    read: bool,
}

impl ListedNotification {
    /// The notification as a caller sees it.
    pub(crate) fn seen_with(self, masking: &Masking) -> Self {
        Self { notification: self.notification.seen_with(masking), ..self }
    }
}

/// The notifications found by one scan.
pub(crate) struct NotificationScan {
    /// Newest first.
    pub(crate) notifications: Vec<ListedNotification>,
    /// The id below which the next scan starts if this one found less than a full page. `None` if there are no older ids.
    pub(crate) continue_before: Option<i64>,
}

/// Notifications that the caller received or sent and may see, with ids below `before`, newest first. A scan can return fewer than `limit`, or none, even
/// if older notifications exist.
///
/// # Errors
/// Returns an error if Postgres fails or a stored audience is unknown.
pub(crate) async fn list(
    pool: &PgPool,
    caller: &Caller,
    filter: &NotificationFilter,
    before: Option<i64>,
    limit: i64,
) -> Result<NotificationScan, sqlx::Error> {
    let (user, visibility) = (&caller.user, caller.visibility());
    let range = ScanRange::find(pool, filter, &visibility, before).await?;
    let rows = sqlx::query_as!(
        NotificationRow,
        r#"select notifications.id, kind, title, body, event_id, message_id, recipient, sender_id, audience,
                  notifications.created_at, users.email as "sender?", judged.actor, judged.actor_reason,
                  (notifications.id <= coalesce((select read_up_to from users as reader where reader.id = $1), 0)
                   or sender_id is not distinct from $1
                   or exists (select from notification_reads where user_id = $1 and notification_id = notifications.id))
                    as "read!"
           from notifications left join users on users.id = sender_id
           left join lateral (select actor, actor_reason from events where events.id = event_id) as judged on true
           where (includes(audience, $1, $2) or sender_id = $1)
             and notifications.id < $3 and notifications.id >= $8
             and ($9::jsonb is null or is_told($9, event_id, notifications.created_at))
             and ($5::text is null or kind = $5)
             and ($6::bigint is null or (sender_id = $6 and kind <> 'open'))
             and (not $7 or (notifications.id > coalesce((select read_up_to from users as reader where reader.id = $1), 0)
                             and sender_id is distinct from $1
                             and not exists (select from notification_reads
                                             where user_id = $1 and notification_id = notifications.id)))
           order by notifications.id desc limit $4"#,
        user.id,
        user.role.to_string(),
        range.before,
        limit,
        filter.kind,
        filter.from_user,
        filter.unread,
        range.from,
        visibility.to_json()
    )
    .fetch_all(pool)
    .await?;
    let notifications = rows.into_iter().map(ListedNotification::try_from).collect::<Result<_, _>>()?;
    Ok(NotificationScan { notifications, continue_before: range.continue_before() })
}

struct NotificationRow {
    id: i64,
    kind: String,
    title: String,
    body: String,
    event_id: Option<i64>,
    message_id: Option<String>,
    recipient: Option<String>,
    sender_id: Option<i64>,
    audience: String,
    created_at: OffsetDateTime,
    /// The sender's email address.
    sender: Option<String>,
    actor: Option<String>,
    actor_reason: Option<String>,
    read: bool,
}

impl TryFrom<NotificationRow> for ListedNotification {
    type Error = sqlx::Error;

    fn try_from(row: NotificationRow) -> Result<Self, sqlx::Error> {
        let audience: Audience = row.audience.parse().map_err(|error: AudienceError| sqlx::Error::Decode(Box::new(error)))?;
        let notification = Notification {
            id: row.id,
            kind: row.kind,
            title: row.title,
            body: row.body,
            event_id: row.event_id,
            message_id: row.message_id,
            recipient: row.recipient,
            from: row.sender_id.zip(row.sender).map(|(id, email)| Sender { id, email }),
            to: audience.redacted(),
            actor: row.actor,
            actor_reason: row.actor_reason,
            at: row.created_at,
        };
        Ok(Self { notification, read: row.read })
    }
}

/// The number of ids scanned for one page or count.
fn max_scanned(visibility: &Visibility) -> i64 {
    if visibility.is_everything() { MAX_SCANNED_IDS } else { MAX_LOOKED_UP_IDS }
}

/// The range of ids scanned for one page.
struct ScanRange {
    /// The id of the oldest notification.
    oldest: i64,
    /// Inclusive.
    from: i64,
    /// Exclusive.
    before: i64,
}

impl ScanRange {
    async fn find(
        pool: &PgPool,
        filter: &NotificationFilter,
        visibility: &Visibility,
        before: Option<i64>,
    ) -> Result<Self, sqlx::Error> {
        let ends =
            sqlx::query!(r#"select coalesce(min(id), 0) as "oldest!", coalesce(max(id), 0) as "newest!" from notifications"#);
        let ends = ends.fetch_one(pool).await?;
        let before = before.unwrap_or(ends.newest + 1);
        // An index covers every kind except `open`, so these pages need no scan limit, unless the events are looked up.
        let is_indexed = filter.from_user.is_some() || filter.kind.as_ref().is_some_and(|kind| kind != "open");
        let is_looked_up = !visibility.is_everything() && filter.kind.as_ref().is_none_or(|kind| kind == "event");
        let from = if is_indexed && !is_looked_up { 0 } else { before.saturating_sub(max_scanned(visibility)) };
        Ok(Self { oldest: ends.oldest, from, before })
    }

    fn continue_before(&self) -> Option<i64> {
        (self.from > self.oldest).then_some(self.from)
    }
}

/// The number of unread notifications that the caller has received and may see, counted up to 1,000 among the newest 100,000 ids; 20,000 if the
/// caller may not see all events.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn count_unread(pool: &PgPool, caller: &Caller) -> Result<i64, sqlx::Error> {
    let (user, visibility) = (&caller.user, caller.visibility());
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from (
             select from notifications
             where id > greatest((select read_up_to from users where users.id = $1),
                                 (select max(id) from notifications) - $4)
               and includes(audience, $1, $2) and sender_id is distinct from $1
               and ($5::jsonb is null or is_told($5, event_id, created_at))
               and not exists (select from notification_reads where user_id = $1 and notification_id = notifications.id)
             limit $3
           ) as unread"#,
        user.id,
        user.role.to_string(),
        MAX_UNREAD,
        max_scanned(&visibility),
        visibility.to_json()
    )
    .fetch_one(pool)
    .await
}

/// Marks all notifications up to an id as read. Ids that do not exist yet stay unread. Returns the ids that were unread, newest first and
/// at most 1,000.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn mark_read_up_to(pool: &PgPool, caller: &Caller, up_to: i64) -> Result<Vec<i64>, sqlx::Error> {
    let (user, visibility) = (&caller.user, caller.visibility());
    // All parts of the statement see the state before it.
    sqlx::query_scalar!(
        r#"with marked as (
             update users set read_up_to = greatest(read_up_to, least($2, (select coalesce(max(id), 0) from notifications)))
             where id = $1 returning read_up_to
           ), removed as (
             delete from notification_reads using marked where user_id = $1 and notification_id <= marked.read_up_to
           )
           select notifications.id from notifications, marked
           where notifications.id <= marked.read_up_to
             and notifications.id > greatest((select read_up_to from users where users.id = $1),
                                             (select max(id) from notifications) - $5)
             and includes(audience, $1, $3) and sender_id is distinct from $1
             and ($6::jsonb is null or is_told($6, event_id, created_at))
             and not exists (select from notification_reads where user_id = $1 and notification_id = notifications.id)
           order by notifications.id desc limit $4"#,
        user.id,
        up_to,
        user.role.to_string(),
        MAX_UNREAD,
        max_scanned(&visibility),
        visibility.to_json()
    )
    .fetch_all(pool)
    .await
}

/// Marks individual notifications as read and returns their ids. Ids of other users' notifications, and of those already read, are ignored.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn mark_read(pool: &PgPool, caller: &Caller, ids: &[i64]) -> Result<Vec<i64>, sqlx::Error> {
    let (user, visibility) = (&caller.user, caller.visibility());
    sqlx::query_scalar!(
        "insert into notification_reads (user_id, notification_id)
         select $1, id from notifications
         where id = any($2) and id > (select read_up_to from users where users.id = $1)
           and includes(audience, $1, $3) and sender_id is distinct from $1
           and ($4::jsonb is null or is_told($4, event_id, created_at))
         on conflict do nothing
         returning notification_id",
        user.id,
        ids,
        user.role.to_string(),
        visibility.to_json()
    )
    .fetch_all(pool)
    .await
}

/// Marks individual notifications as unread and returns their ids. Ids of other users' notifications, of the user's own messages and of
/// notifications older than the newest 10,000 are ignored.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn mark_unread(pool: &PgPool, caller: &Caller, ids: &[i64]) -> Result<Vec<i64>, sqlx::Error> {
    let (user, visibility) = (&caller.user, caller.visibility());
    // Ids up to `read_up_to` are read without a row of their own. It moves below the lowest id, and the others get rows.
    sqlx::query_scalar!(
        "with reader as (
           select read_up_to from users where id = $1 for update
         ), marked as (
           select id from notifications
           where id = any($2) and id > (select max(id) from notifications) - $4
             and includes(audience, $1, $3) and sender_id is distinct from $1
             and ($5::jsonb is null or is_told($5, event_id, created_at))
         ), lowered as (
           select least(read_up_to, (select min(id) from marked) - 1) as read_up_to from reader
         ), kept as (
           insert into notification_reads (user_id, notification_id)
           select $1, id from notifications
           where id > (select read_up_to from lowered) and id <= (select read_up_to from reader)
             and includes(audience, $1, $3) and sender_id is distinct from $1
             and id not in (select id from marked)
           on conflict do nothing
         ), removed as (
           delete from notification_reads where user_id = $1 and notification_id in (select id from marked)
         ), moved as (
           update users set read_up_to = lowered.read_up_to from lowered where id = $1
         )
         select id from marked order by id desc",
        user.id,
        ids,
        user.role.to_string(),
        MAX_UNREAD_AGE,
        visibility.to_json()
    )
    .fetch_all(pool)
    .await
}
