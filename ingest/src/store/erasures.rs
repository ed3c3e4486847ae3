//! The erased addresses, as stored and as cached.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::{PgConnection, PgExecutor, PgPool};
use tokio::sync::Mutex;

use crate::erasure::keys::{SecretKey, SecretKeys};
use crate::erasure::list::{Erasure, Erasures};
use crate::webhook::batch::Batch;

/// Key of the advisory lock that keeps erasures in the order of their ids. The value is arbitrary, but no other lock uses it.
const LOCK: i64 = 0x6d6c_6572_6173;
/// Maximum delay before an erasure reaches the writers of other replicas.
const MAX_AGE: Duration = Duration::from_secs(1);
/// Time after which every writer knows an erasure, with a margin for commits in progress.
pub(crate) const KNOWN_AFTER: Duration = Duration::from_secs(2);

/// Stores an erasure.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn add(connection: &mut PgConnection, key: &SecretKey, email: &str) -> Result<(), sqlx::Error> {
    // Ids are read incrementally, so a smaller id must not become visible after a larger one.
    sqlx::query!("select pg_advisory_xact_lock($1)", LOCK).execute(&mut *connection).await?;
    sqlx::query!("insert into erasures (key_id, address) values ($1, $2)", key.id, &key.address(email)[..])
        .execute(connection)
        .await?;
    Ok(())
}

/// The greatest id of an erasure whose events are erased for sure, because erasing them began a day ago.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn last_settled(executor: impl PgExecutor<'_>) -> Result<i64, sqlx::Error> {
    let last =
        sqlx::query_scalar!(r#"select coalesce(max(id), 0) as "id!" from erasures where erased_at < now() - interval '1 day'"#);
    last.fetch_one(executor).await
}

/// Those of the messages whose stored events were erased.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn erased_messages(executor: impl PgExecutor<'_>, messages: &[String]) -> Result<HashSet<String>, sqlx::Error> {
    if messages.is_empty() {
        return Ok(HashSet::new());
    }
    let found = sqlx::query_scalar!(
        r#"select distinct message_id as "id!" from events where message_id = any($1) and erased_at is not null"#,
        messages
    );
    Ok(found.fetch_all(executor).await?.into_iter().collect())
}

/// Removes personal data of erased recipients from batches that are about to be stored.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn apply(
    executor: impl PgExecutor<'_>,
    erasures: &Erasures,
    batches: &mut [Batch<'_>],
) -> Result<(), sqlx::Error> {
    let messages = erasures.doubtful_messages(&*batches);
    let erased = erased_messages(executor, &messages).await?;
    for batch in batches {
        erasures.apply(batch, &erased);
    }
    Ok(())
}

/// A cache of all erasures.
#[derive(Debug)]
pub(crate) struct ErasureCache {
    cached: Mutex<(Option<Instant>, Arc<Erasures>)>,
}

impl ErasureCache {
    pub(crate) fn new(keys: SecretKeys) -> Self {
        Self { cached: Mutex::new((None, Arc::new(Erasures::new(keys)))) }
    }

    /// Returns all erasures. The result is at most a second old.
    ///
    /// # Errors
    /// When Postgres is unavailable.
    pub(crate) async fn get(&self, pool: &PgPool) -> Result<Arc<Erasures>, sqlx::Error> {
        let mut cached = self.cached.lock().await;
        let (read_at, erasures) = &mut *cached;
        if read_at.is_none_or(|at| at.elapsed() >= MAX_AGE) {
            let now = Instant::now();
            let newer = sqlx::query_as!(
                Erasure,
                "select id, erased_at, key_id, address from erasures where id > $1 order by id",
                erasures.last_id
            );
            let newer = newer.fetch_all(pool).await?;
            if !newer.is_empty() {
                Arc::make_mut(erasures).extend(newer);
            }
            *read_at = Some(now);
        }
        Ok(Arc::clone(erasures))
    }
}
