//! Expired partitions of `events`.

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, PgPool};
use time::Duration;

use crate::store::partitions::{self, Partition};
use crate::store::{archive, diagnostics, time_limit};

/// Returns the partitions that ended at least `days` ago according to the database clock, oldest first. Those that were restored from the archive
/// stay until `ingest archive drop`.
///
/// # Errors
/// When Postgres fails.
pub(crate) async fn expired(pool: &PgPool, days: u32) -> Result<Vec<Partition>, sqlx::Error> {
    let now = diagnostics::now(pool).await?;
    let mut partitions = partitions::all(pool).await?;
    let archived = archive::partitions(pool).await?;
    let is_restored = |name: &str| archived.iter().any(|known| known.name == name && known.restored_at.is_some());
    partitions.retain(|partition| partition.until + Duration::days(days.into()) <= now && !is_restored(&partition.name));
    Ok(partitions)
}

/// Attaches a partition again that was detached to be dropped, so that it can be archived first. That happens if an archive was added since.
///
/// # Errors
/// When Postgres fails.
pub(crate) async fn reattach_unarchived(
    pool: &PgPool,
    connection: &mut PgConnection,
    partition: &mut Partition,
) -> Result<(), sqlx::Error> {
    let is_archived = archive::find(pool, &partition.name).await?.is_some_and(|known| known.archived_at.is_some());
    if is_archived || (partition.attached && !partition.detaching) {
        return Ok(());
    }
    let Partition { name, first, until, .. } = &*partition;
    if partition.detaching {
        sqlx::query(AssertSqlSafe(format!("alter table events detach partition {name} finalize")))
            .execute(&mut *connection)
            .await?;
    }
    let mut transaction = connection.begin().await?;
    partitions::attach(&mut transaction, name, *first, *until).await?;
    transaction.commit().await?;
    (partition.attached, partition.detaching) = (true, false);
    Ok(())
}

/// Detaches and drops one partition. The detach waits for running inserts and reads on others, but never blocks them. It cannot
/// run inside a transaction.
///
/// # Errors
/// When Postgres fails. A later call picks up where this one stopped.
pub(crate) async fn detach_and_drop(connection: &mut PgConnection, partition: &Partition) -> Result<(), sqlx::Error> {
    // `partitions::all` has read the name from the system catalogue and validated its format.
    let name = &partition.name;
    // While both have them, no repeat is missed.
    remember_digests(connection, name).await?;
    if partition.attached {
        // A crash may have interrupted an earlier detach.
        let mode = if partition.detaching { "finalize" } else { "concurrently" };
        let detach = format!("alter table events detach partition {name} {mode}");
        sqlx::query(AssertSqlSafe(detach)).execute(&mut *connection).await?;
    }
    sqlx::query!(
        "insert into retired_partitions (name, until) values ($1, $2)
         on conflict on constraint retired_partitions_pkey
         do update set until = excluded.until, retired_at = now(), forgotten_at = null",
        name,
        partition.until
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query(AssertSqlSafe(format!("drop table if exists {name}"))).execute(&mut *connection).await?;
    Ok(())
}

/// Keeps the digests of the events, by which repeats are recognised for another 30 days.
async fn remember_digests(connection: &mut PgConnection, name: &str) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin().await?;
    time_limit::lift(&mut transaction).await?;
    let remember = format!(
        "insert into retired_digests (bucket, name, digests)
         select get_byte(uuid_send(digest), 0) << 4 | get_byte(uuid_send(digest), 1) >> 4, '{name}', string_agg(uuid_send(digest), '')
         from {name} where digest is not null group by 1
         on conflict on constraint retired_digests_pkey do update set digests = excluded.digests"
    );
    sqlx::query(AssertSqlSafe(remember)).execute(&mut *transaction).await?;
    transaction.commit().await
}
