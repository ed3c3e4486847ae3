//! A streaming replica of Postgres, on which exports and statistics are read while it is recent enough.
//!
//! The replica alone cannot tell how old its data is: one that was cut off looks like one with nothing to do. So the position of the primary
//! in its write-ahead log is noted every second. Whatever was committed before a note is on a replica that has replayed up to its position.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use shared::config::{Database, SettingError};
use shared::db::{self, Address, Purpose};
use sqlx::PgPool;

use crate::config::Replica;

/// A replica that takes longer to tell its position does not respond.
const OBSERVE_TIMEOUT: Duration = Duration::from_secs(2);

/// Why a replica is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReplicaProblem {
    /// It does not respond, or rejects us.
    Away,
    /// It is no standby, or one of another server than the primary: after a failover, for example.
    NotAStandby,
    /// It has replayed nothing that the primary wrote within the permitted time.
    Behind,
}

impl ReplicaProblem {
    /// What is wrong, and what to do about it.
    pub(crate) fn texts(self) -> (&'static str, &'static str) {
        match self {
            Self::Away => ("The read replica does not respond.", "Check the replica and DATABASE_READ_URL."),
            Self::NotAStandby => (
                "DATABASE_READ_URL does not lead to a standby of the primary.",
                "Check whether a failover took place, and whether DATABASE_READ_URL leads to a standby of the server in DATABASE_URL.",
            ),
            Self::Behind => (
                "The read replica is behind by more than READ_MAX_LAG_SECONDS.",
                "Check its replication and load, or raise READ_MAX_LAG_SECONDS.",
            ),
        }
    }
}

/// The replica, and what is known of its age.
#[derive(Debug)]
pub struct ReadReplica {
    pool: PgPool,
    max_lag: Duration,
    known: Mutex<Known>,
}

#[derive(Debug)]
struct Known {
    /// When the primary was at which position, oldest first, as long as that is recent enough.
    positions: VecDeque<(Instant, i64)>,
    /// The replica has whatever was committed before this moment, or why it is not read.
    as_of: Result<Instant, ReplicaProblem>,
}

/// A server's position in its write-ahead log.
struct Position {
    bytes: i64,
    timeline: i32,
}

impl ReadReplica {
    /// The replica of the settings, without connecting to it; `None` if they have none.
    ///
    /// # Errors
    /// If the address is malformed.
    pub(crate) fn open(replica: &Replica, database: &Database, name: &str) -> Result<Option<Self>, SettingError> {
        let url = &replica.database_read_url;
        if url.reveal().is_empty() {
            return Ok(None);
        }
        let address = Address { setting: "DATABASE_READ_URL", url, password: &database.database_password };
        let pool = db::pool_at(address, database, name, Purpose::Reading)?;
        Ok(Some(Self::new(pool, Duration::from_secs(replica.read_max_lag_seconds))))
    }

    fn new(pool: PgPool, max_lag: Duration) -> Self {
        let known = Known { positions: VecDeque::new(), as_of: Err(ReplicaProblem::Behind) };
        Self { pool, max_lag, known: Mutex::new(known) }
    }

    /// Its connections.
    pub(crate) fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// How old its data is at most, or why it is not read.
    pub(crate) fn lag(&self) -> Result<Duration, ReplicaProblem> {
        let lag = self.lock().as_of?.elapsed();
        if lag <= self.max_lag { Ok(lag) } else { Err(ReplicaProblem::Behind) }
    }

    /// Finds out how old the data of the replica is.
    ///
    /// # Errors
    /// Returns an error if the primary fails. A failure of the replica is what is found out.
    pub(crate) async fn observe(&self, primary: &PgPool) -> Result<(), sqlx::Error> {
        let noted_at = Instant::now();
        let at = primary_position(primary).await?;
        {
            let mut known = self.lock();
            known.positions.push_back((noted_at, at.bytes));
            while known.positions.front().is_some_and(|(noted_at, _)| noted_at.elapsed() > self.max_lag) {
                known.positions.pop_front();
            }
        }
        let replayed = tokio::time::timeout(OBSERVE_TIMEOUT, replayed_position(&self.pool)).await;
        let mut known = self.lock();
        let as_of = match replayed.unwrap_or(Err(sqlx::Error::PoolTimedOut)) {
            Err(_) => Err(ReplicaProblem::Away),
            Ok(Some(replayed)) if replayed.timeline == at.timeline => {
                let reached = known.positions.iter().rev().find(|(_, bytes)| *bytes <= replayed.bytes);
                reached.map(|(noted_at, _)| *noted_at).ok_or(ReplicaProblem::Behind)
            }
            Ok(_) => Err(ReplicaProblem::NotAStandby),
        };
        known.as_of = as_of;
        Ok(())
    }

    /// Records that it failed to answer, until the next observation.
    pub(crate) fn failed(&self) {
        self.lock().as_of = Err(ReplicaProblem::Away);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn primary_position(pool: &PgPool) -> Result<Position, sqlx::Error> {
    sqlx::query_as!(
        Position,
        r#"select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint as "bytes!",
                  (select timeline_id from pg_control_checkpoint()) as "timeline!""#
    )
    .fetch_one(pool)
    .await
}

/// Returns `None` if the server is not a standby.
async fn replayed_position(pool: &PgPool) -> Result<Option<Position>, sqlx::Error> {
    sqlx::query_as!(
        Position,
        r#"select pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::bigint as "bytes!",
                  (select timeline_id from pg_control_checkpoint()) as "timeline!" where pg_is_in_recovery()"#
    )
    .fetch_optional(pool)
    .await
}
