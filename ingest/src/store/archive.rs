//! Which partitions are archived, and in which files.
//!
//! - `events`: reads the rows of a partition.
//! - `restored`: stores the events of a partition again.

pub(crate) mod events;
pub(crate) mod restored;

use sqlx::{PgExecutor, PgPool};
use time::OffsetDateTime;

use crate::archive::file::Totals;
use crate::store::partitions::Partition;

/// A partition that is archived, or is being archived.
#[derive(Debug)]
pub(crate) struct ArchivedPartition {
    pub(crate) name: String,
    /// Its events were received from this time on, ...
    pub(crate) first: OffsetDateTime,
    /// ... and before this time.
    pub(crate) until: OffsetDateTime,
    /// When all files had been read back and compared.
    pub(crate) archived_at: Option<OffsetDateTime>,
    /// When it was restored, if it is.
    pub(crate) restored_at: Option<OffsetDateTime>,
    /// Number of events in its files.
    pub(crate) events: i64,
    /// Size of its files.
    pub(crate) bytes: i64,
}

/// A file.
#[derive(Debug, Clone)]
pub(crate) struct ArchivedFile {
    pub(crate) partition: String,
    /// Counts the files of the partition from 1.
    pub(crate) number: i64,
    /// Below `ARCHIVE_URL`.
    pub(crate) path: String,
    pub(crate) events: i64,
    pub(crate) bytes: i64,
    /// SHA-256.
    pub(crate) digest: Vec<u8>,
    /// Sum of `ArchivedEvent::digest_number`, in decimal.
    pub(crate) digest_sum: String,
    /// Its last event.
    pub(crate) last_received_at: OffsetDateTime,
    pub(crate) last_id: i64,
    /// The greatest id of an erasure that has been applied.
    pub(crate) erasures_through: i64,
}

impl ArchivedFile {
    /// Whether a file that was read contains what this one does.
    pub(crate) fn agrees_with(&self, totals: &Totals) -> bool {
        self.events == totals.events && self.digest_sum == totals.digest_sum.to_string()
    }
}

/// Reads all partitions, oldest first.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn partitions(executor: impl PgExecutor<'_>) -> Result<Vec<ArchivedPartition>, sqlx::Error> {
    sqlx::query_as!(
        ArchivedPartition,
        r#"select name, first, until, archived_at, restored_at,
             (select coalesce(sum(events), 0)::bigint from archived_files where partition = name) as "events!",
             (select coalesce(sum(bytes), 0)::bigint from archived_files where partition = name) as "bytes!"
           from archived_partitions order by first"#
    )
    .fetch_all(executor)
    .await
}

/// Finds a partition by its name.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn find(pool: &PgPool, name: &str) -> Result<Option<ArchivedPartition>, sqlx::Error> {
    Ok(partitions(pool).await?.into_iter().find(|partition| partition.name == name))
}

/// Counts the files of all partitions.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn count_files(pool: &PgPool) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(r#"select count(*) as "files!" from archived_files"#).fetch_one(pool).await
}

/// Notes that archiving a partition begins, unless it did before.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn begin(pool: &PgPool, partition: &Partition) -> Result<(), sqlx::Error> {
    let begun = sqlx::query!(
        "insert into archived_partitions (name, first, until) values ($1, $2, $3) on conflict do nothing",
        partition.name,
        partition.first,
        partition.until
    );
    begun.execute(pool).await.map(|_| ())
}

/// Notes that all files of a partition are complete.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn finish(pool: &PgPool, name: &str) -> Result<(), sqlx::Error> {
    sqlx::query!("update archived_partitions set archived_at = now() where name = $1", name).execute(pool).await.map(|_| ())
}

/// Forgets the files of a partition that is not archived yet, so that archiving begins again.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn start_again(pool: &PgPool, name: &str) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from archived_files where partition = $1", name).execute(pool).await.map(|_| ())
}

/// Forgets a partition and its files, which somebody has deleted.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn forget(pool: &PgPool, name: &str) -> Result<(), sqlx::Error> {
    let mut transaction = pool.begin().await?;
    sqlx::query!("delete from archived_files where partition = $1", name).execute(&mut *transaction).await?;
    sqlx::query!("delete from archived_partitions where name = $1", name).execute(&mut *transaction).await?;
    transaction.commit().await
}

/// Notes whether a partition is restored.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn set_restored(executor: impl PgExecutor<'_>, name: &str, is_restored: bool) -> Result<(), sqlx::Error> {
    let noted = sqlx::query!(
        "update archived_partitions set restored_at = case when $2 then now() end where name = $1",
        name,
        is_restored
    );
    noted.execute(executor).await.map(|_| ())
}

/// Reads the files of a partition, or of all, in their order.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn files(pool: &PgPool, name: Option<&str>) -> Result<Vec<ArchivedFile>, sqlx::Error> {
    sqlx::query_as!(
        ArchivedFile,
        r#"select partition, number, path, events, bytes, digest, digest_sum::text as "digest_sum!", last_received_at, last_id, erasures_through
           from archived_files where $1::text is null or partition = $1 order by partition, number"#,
        name
    )
    .fetch_all(pool)
    .await
}

/// Stores what is known of a file, or replaces it. `erased_messages` are added to those that are known.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn record(pool: &PgPool, file: &ArchivedFile, erased_messages: &[String]) -> Result<(), sqlx::Error> {
    let recorded = sqlx::query!(
        "insert into archived_files as known (partition, number, path, events, bytes, digest, digest_sum, last_received_at, last_id,
                                              erasures_through, erased_messages)
         values ($1, $2, $3, $4, $5, $6, $7::text::numeric, $8, $9, $10, $11)
         on conflict on constraint archived_files_pkey do update set bytes = excluded.bytes, digest = excluded.digest,
           erasures_through = excluded.erasures_through, erased_messages = known.erased_messages || excluded.erased_messages",
        file.partition,
        file.number,
        file.path,
        file.events,
        file.bytes,
        file.digest,
        file.digest_sum,
        file.last_received_at,
        file.last_id,
        file.erasures_through,
        erased_messages
    );
    recorded.execute(pool).await.map(|_| ())
}

/// Messages whose events were erased in any file.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn erased_messages(pool: &PgPool) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(r#"select distinct unnest(erased_messages) as "message!" from archived_files"#).fetch_all(pool).await
}
