//! Builds an index on `events` without blocking deliveries: concurrently on each partition, then attached to the parent's index.
//!
//! `create index concurrently` does not work on a partitioned table, and a plain `create index` blocks inserts while it reads the table.
//! The parent's index is therefore created ON ONLY the parent, which contains no rows, and is invalid until every partition has its own
//! index. For partitions created in the meantime, Postgres creates the index when they are attached.

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection};

/// An index that every partition of `events` must have. Names and definitions are constants in this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PartitionIndex {
    /// The name of the parent's index.
    pub(crate) name: &'static str,
    /// What follows the table in `create index`, such as `using gin (terms)`.
    pub(crate) definition: &'static str,
    /// The name of the parent's index that this one replaces. It is dropped once every partition has this one.
    pub(crate) replaces: Option<&'static str>,
}

/// How long a statement waits for a lock on the parent table. Inserts queue behind it for that time.
const LOCK_TIMEOUT: &str = "set local lock_timeout = '200ms'";

/// A partition that does not have the index yet.
struct MissingPart {
    partition: String,
    /// Whether an index left over from an earlier attempt is complete; `None` if there is none.
    leftover_is_valid: Option<bool>,
}

/// Creates the parent's index if it is missing, and builds the index on one partition. Returns false if every partition already has it, and
/// the index that it replaces is gone.
///
/// # Errors
/// Returns an error if Postgres fails, or if a lock cannot be acquired within 200 ms. A later call continues the work.
pub(crate) async fn build_next(connection: &mut PgConnection, index: PartitionIndex) -> Result<bool, sqlx::Error> {
    create_on_parent(connection, index).await?;
    let Some(part) = next_missing(connection, index).await? else { return drop_replaced(connection, index).await };
    let name = format!("{}_{}", part.partition, index.name);
    if part.leftover_is_valid == Some(false) {
        let drop = format!("drop index concurrently if exists {name}");
        sqlx::query(AssertSqlSafe(drop)).execute(&mut *connection).await?;
        tracing::warn!(index = name, "dropped an index whose build had failed");
    }
    if part.leftover_is_valid != Some(true) {
        let create = format!("create index concurrently {name} on {} {}", part.partition, index.definition);
        sqlx::query(AssertSqlSafe(create)).execute(&mut *connection).await?;
    }
    attach(connection, index, &name).await?;
    tracing::info!(index = index.name, partition = part.partition, "built an index");
    Ok(true)
}

async fn create_on_parent(connection: &mut PgConnection, index: PartitionIndex) -> Result<(), sqlx::Error> {
    if exists(connection, index.name).await? {
        return Ok(());
    }
    run_with_lock(connection, format!("create index {} on only events {}", index.name, index.definition)).await
}

/// Drops the index that this one replaces. Returns false if there is none.
async fn drop_replaced(connection: &mut PgConnection, index: PartitionIndex) -> Result<bool, sqlx::Error> {
    let Some(replaced) = index.replaces else { return Ok(false) };
    if !exists(connection, replaced).await? {
        return Ok(false);
    }
    run_with_lock(connection, format!("drop index {replaced}")).await?;
    tracing::info!(index = index.name, replaced, "dropped an index that another one replaces");
    Ok(true)
}

async fn exists(connection: &mut PgConnection, index: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(r#"select to_regclass($1) is not null as "exists!""#, index).fetch_one(connection).await
}

/// The oldest attached partition without the index, and any leftover from an earlier attempt.
async fn next_missing(connection: &mut PgConnection, index: PartitionIndex) -> Result<Option<MissingPart>, sqlx::Error> {
    sqlx::query_as!(
        MissingPart,
        r#"select partition.relname::text as "partition!", state.indisvalid as "leftover_is_valid?"
           from pg_inherits join pg_class as partition on partition.oid = inhrelid
           left join pg_class as leftover
             on leftover.relname = partition.relname || '_' || $1 and leftover.relnamespace = partition.relnamespace
           left join pg_index as state on state.indexrelid = leftover.oid
           where inhparent = 'events'::regclass and not inhdetachpending and not exists (
             select from pg_index as part join pg_inherits as attached on attached.inhrelid = part.indexrelid
             where part.indrelid = partition.oid and attached.inhparent = to_regclass($1)
           )
           order by partition.relname limit 1"#,
        index.name
    )
    .fetch_optional(connection)
    .await
}

async fn attach(connection: &mut PgConnection, index: PartitionIndex, part: &str) -> Result<(), sqlx::Error> {
    run_with_lock(connection, format!("alter index {} attach partition {part}", index.name)).await
}

/// Runs a statement that locks `events` for a moment.
async fn run_with_lock(connection: &mut PgConnection, statement: String) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin().await?;
    sqlx::query(LOCK_TIMEOUT).execute(&mut *transaction).await?;
    sqlx::query(AssertSqlSafe(statement)).execute(&mut *transaction).await?;
    transaction.commit().await
}
