//! What the writers, the publisher and the probes last saw of Postgres and Redis.
//!
//! The service is ready if a delivery would be committed now. A commit that succeeds proves that; while there are none, a probe writes in
//! the same way. A commit that fails for want of Postgres disproves it, even if the probe, which writes less, succeeds.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use shared::redis::RedisState;

/// How long a failed commit counts if no other commit succeeds in the meantime.
const FAILURE_COUNTS_FOR: Duration = Duration::from_secs(3);
/// Time without a commit after which a probe is needed.
const IDLE_AFTER: Duration = Duration::from_secs(1);

/// Whether Postgres commits deliveries, and the reason if it does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostgresState {
    /// Nothing has been observed yet.
    Unknown,
    /// Deliveries are committed.
    Up,
    /// Postgres does not respond.
    Away,
    /// Postgres rejects the user or the password, or the role lacks a right.
    Unauthorized,
    /// The TLS connection fails: one side rejects the certificate of the other, or Postgres has no TLS although it is required.
    Untrusted,
    /// Postgres is read-only: a standby, or `default_transaction_read_only` is on.
    ReadOnly,
    /// The disk of Postgres is full.
    Full,
    /// A write does not finish in time: a table is locked, or all connections are busy.
    Blocked,
    /// The schema is missing or older than this version.
    Outdated,
    /// Postgres responds with an unexpected error.
    Failing,
}

impl PostgresState {
    /// The stable code in readiness responses.
    pub fn code(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Up => "up",
            Self::Away => "away",
            Self::Unauthorized => "unauthorized",
            Self::Untrusted => "untrusted",
            Self::ReadOnly => "read_only",
            Self::Full => "full",
            Self::Blocked => "blocked",
            Self::Outdated => "outdated",
            Self::Failing => "failing",
        }
    }

    /// What is wrong, and what to do about it; `None` if nothing is.
    pub fn problem(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Unknown | Self::Up => None,
            Self::Away => Some(("Postgres does not respond.", "Check Postgres and DATABASE_URL.")),
            Self::Unauthorized => Some((
                "Postgres rejects the user, the password or our certificate, or the role lacks a right.",
                "Check DATABASE_URL, and `pg_hba.conf` of Postgres. `ingest migrate` with DATABASE_OWNER_URL grants the rights.",
            )),
            Self::Untrusted => Some((
                "The TLS connection to Postgres fails: one side rejects the certificate of the other, or Postgres has no TLS.",
                "Check DATABASE_CA_FILE, `sslmode`, and the dates and names of the certificates. The log has the reason.",
            )),
            Self::ReadOnly => Some((
                "Postgres is read-only.",
                "Check whether DATABASE_URL points to a standby, and whether `default_transaction_read_only` is on.",
            )),
            Self::Full => Some(("The disk of Postgres is full.", "Free disk space, or enlarge the disk.")),
            Self::Blocked => Some((
                "A write to Postgres does not finish in time.",
                "Look in `pg_stat_activity` for a session that holds a lock, and check the load of Postgres.",
            )),
            Self::Outdated => Some(("The schema is missing or outdated.", "Run `ingest migrate`.")),
            Self::Failing => {
                Some(("Postgres answers a write with an error.", "The logs of Postgres and of ingest show the error."))
            }
        }
    }
}

/// What is wrong with Redis, and what to do about it; `None` if nothing is.
pub fn redis_problem(state: RedisState) -> Option<(&'static str, &'static str)> {
    match state {
        RedisState::Unknown | RedisState::Up => None,
        RedisState::Away => Some(("Redis does not respond.", "Check Redis and its address in the settings.")),
        RedisState::Full => Some(("Redis is full.", "Raise `maxmemory`, or remove what other programs store there.")),
        RedisState::ReadOnly => {
            Some(("Redis is read-only.", "Check whether its address is that of a replica, and check its disk."))
        }
        RedisState::Unauthorized => Some((
            "Redis rejects the user, the password or a command.",
            "Check the credentials and the rights of the user (ACL).",
        )),
        RedisState::Untrusted => Some((
            "The TLS connection to Redis fails: one side rejects the certificate of the other.",
            "Check REDIS_CA_FILE, the dates and names of the certificates, and REDIS_CLIENT_CERT_FILE. The log has the reason.",
        )),
        RedisState::NoSentinel => Some(("No sentinel responds.", "Check REDIS_SENTINELS, and the sentinels' password.")),
        RedisState::UnknownMaster => Some((
            "The sentinels know no master with this name.",
            "Compare REDIS_SENTINEL_MASTER with `sentinel monitor` in their settings.",
        )),
        RedisState::CutOff => Some((
            "Most sentinels do not respond and no replica follows the master of Redis, which may have been replaced.",
            "Check the network between this service, the sentinels and the master.",
        )),
        RedisState::Failing => Some(("Redis answers a write with an error.", "The logs of Redis and of ingest show the error.")),
    }
}

/// Observations about Postgres.
#[derive(Debug)]
struct Postgres {
    probed: PostgresState,
    committed: Option<Instant>,
    failed: Option<(PostgresState, Instant)>,
}

/// The state of Postgres and Redis, as last observed.
#[derive(Debug)]
pub struct Readiness {
    postgres: Mutex<Postgres>,
    redis: Mutex<RedisState>,
    lacks_secret_key: AtomicBool,
}

impl Default for Readiness {
    fn default() -> Self {
        let postgres = Postgres { probed: PostgresState::Unknown, committed: None, failed: None };
        Self { postgres: Mutex::new(postgres), redis: Mutex::new(RedisState::Unknown), lacks_secret_key: AtomicBool::new(false) }
    }
}

impl Readiness {
    /// Records that a delivery was committed.
    pub fn committed(&self) {
        let mut postgres = lock(&self.postgres);
        *postgres = Postgres { probed: PostgresState::Up, committed: Some(Instant::now()), failed: None };
    }

    /// Records that a delivery was not committed.
    pub fn commit_failed(&self, state: PostgresState) {
        lock(&self.postgres).failed = Some((state, Instant::now()));
    }

    /// Records the outcome of a probe, and returns that of the one before.
    pub fn probed(&self, state: PostgresState) -> PostgresState {
        std::mem::replace(&mut lock(&self.postgres).probed, state)
    }

    /// Returns true if no commit has succeeded lately, so that only a probe can tell.
    pub fn needs_probe(&self) -> bool {
        lock(&self.postgres).committed.is_none_or(|at| at.elapsed() >= IDLE_AFTER)
    }

    /// Whether a delivery would be committed now.
    pub fn postgres(&self) -> PostgresState {
        let postgres = lock(&self.postgres);
        match postgres.failed {
            // A probe that fails too finds out more than a commit, which may only have waited for a connection.
            Some((state, at)) if at.elapsed() < FAILURE_COUNTS_FOR && postgres.probed.problem().is_none() => state,
            _ => postgres.probed,
        }
    }

    /// Records whether all erased addresses can be recognised.
    pub fn observe_secret_key(&self, is_known: bool) {
        self.lacks_secret_key.store(!is_known, Ordering::Relaxed);
    }

    /// Whether all erased addresses can be recognised. Otherwise, deliveries are refused, because they could restore erased data.
    pub fn knows_secret_key(&self) -> bool {
        !self.lacks_secret_key.load(Ordering::Relaxed)
    }

    /// Records what publishing or a probe found out about Redis.
    pub fn observe_redis(&self, state: RedisState) {
        *lock(&self.redis) = state;
    }

    /// Whether events would be published now.
    pub fn redis(&self) -> RedisState {
        *lock(&self.redis)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_commit_outweighs_a_probe_until_another_commit_succeeds() {
        let readiness = Readiness::default();
        assert_eq!(readiness.postgres(), PostgresState::Unknown);
        assert!(readiness.needs_probe());
        readiness.probed(PostgresState::Up);
        assert_eq!(readiness.postgres(), PostgresState::Up);
        readiness.commit_failed(PostgresState::Full);
        readiness.probed(PostgresState::Up);
        assert_eq!(readiness.postgres(), PostgresState::Full);
        readiness.committed();
        assert_eq!(readiness.postgres(), PostgresState::Up);
        assert!(!readiness.needs_probe());
    }
}
