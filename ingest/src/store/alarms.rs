//! The state of the alarms, and the notifications that announce their changes.
//!
//! An alarm's row is locked while its state changes, so that only one replica announces the change.

use sqlx::PgPool;
use sqlx::postgres::PgConnection;
use time::OffsetDateTime;

/// Raises the alarm `name` if there is a `problem` and clears it otherwise. If its state changed, notifies every admin and returns true.
///
/// # Errors
/// Returns an error if Postgres fails. The state is unchanged in that case.
pub(crate) async fn update(pool: &PgPool, name: &str, title: &str, problem: Option<&str>) -> Result<bool, sqlx::Error> {
    let (raised, detail) = (problem.is_some(), problem.unwrap_or_default());
    let mut transaction = pool.begin().await?;
    let changed = set_state(&mut transaction, name, raised, detail).await?;
    if changed {
        let title = if raised { title.to_owned() } else { format!("Resolved: {title}") };
        notify_operators(&mut transaction, &title, detail).await?;
    }
    transaction.commit().await?;
    Ok(changed)
}

/// Notifies every admin of a problem that began at `since` and is over, unless the alarm has changed since then. Returns true if it did.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn record_past(
    pool: &PgPool,
    name: &str,
    title: &str,
    detail: &str,
    since: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    let recorded = sqlx::query!(
        "insert into alarms as known (name, raised, detail) values ($1, false, '')
         on conflict on constraint alarms_pkey do update set changed_at = now() where not known.raised and known.changed_at < $2",
        name,
        since
    );
    let is_first = recorded.execute(&mut *transaction).await?.rows_affected() == 1;
    if is_first {
        notify_operators(&mut transaction, &format!("Resolved: {title}"), detail).await?;
    }
    transaction.commit().await?;
    Ok(is_first)
}

/// Returns true if the alarm's state changed. An alarm without a row has never been raised, so it does not need to be cleared.
async fn set_state(connection: &mut PgConnection, name: &str, raised: bool, detail: &str) -> Result<bool, sqlx::Error> {
    let inserted = sqlx::query!(
        "insert into alarms (name, raised, detail) select $1, true, $3 where $2
         on conflict on constraint alarms_pkey do nothing",
        name,
        raised,
        detail
    );
    if inserted.execute(&mut *connection).await?.rows_affected() == 1 {
        return Ok(true);
    }
    let updated = sqlx::query!(
        "update alarms set raised = $2, changed_at = now(), detail = $3 where name = $1 and raised <> $2",
        name,
        raised,
        detail
    );
    Ok(updated.execute(&mut *connection).await?.rows_affected() == 1)
}

/// Adds a notification for all admins, and one for all operators if there are any, together with their outbox entries.
async fn notify_operators(connection: &mut PgConnection, title: &str, body: &str) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "with told as (
               insert into notifications (kind, title, body, audience)
               select 'alert', $1, $2, audience from (values ('role:admin'), ('role:operator')) as told_to (audience)
               where audience = 'role:admin' or exists (select from users where role = 'operator')
               returning id
             )
             insert into outbox (notification_id) select id from told",
        title,
        body
    )
    .execute(&mut *connection)
    .await?;
    Ok(())
}
