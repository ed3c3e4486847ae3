//! Classifies Postgres errors by SQLSTATE, according to what they mean for the caller.
//!
//! Source: "PostgreSQL Error Codes" in the PostgreSQL documentation, Appendix A.

use std::borrow::Cow;

use shared::db::ConnectionProblem;

use crate::readiness::PostgresState;

fn sqlstate(error: &sqlx::Error) -> Option<Cow<'_, str>> {
    error.as_database_error()?.code()
}

/// Postgres cannot be reached, is starting or stopping, is out of resources, or gave up waiting for a lock: a retry may succeed.
pub fn is_unavailable(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) | sqlx::Error::Tls(_) => true,
        sqlx::Error::WorkerCrashed | sqlx::Error::Protocol(_) => true,
        // Connection exceptions, insufficient resources (a full disk), object not in prerequisite state, operator intervention,
        // rollbacks, invalid transaction states (read-only), and a missing partition, which is the only check that an event can violate.
        sqlx::Error::Database(_) => sqlstate(error)
            .is_some_and(|code| ["08", "53", "55", "57", "40", "25", "23514"].iter().any(|class| code.starts_with(class))),
        _ => false,
    }
}

/// What an error of a write says about Postgres.
pub(crate) fn state(error: &sqlx::Error) -> PostgresState {
    match ConnectionProblem::of(error) {
        Some(ConnectionProblem::Away) => PostgresState::Away,
        Some(ConnectionProblem::Unauthorized) => PostgresState::Unauthorized,
        Some(ConnectionProblem::Untrusted) => PostgresState::Untrusted,
        None => match sqlstate(error).as_deref() {
            Some("42501") => PostgresState::Unauthorized,
            Some("25006") => PostgresState::ReadOnly,
            Some("53100") => PostgresState::Full,
            Some("55P03" | "57014") => PostgresState::Blocked,
            Some("42P01" | "42703" | "3F000") => PostgresState::Outdated,
            _ => PostgresState::Failing,
        },
    }
}

/// The statement timed out.
pub fn is_timeout(error: &sqlx::Error) -> bool {
    sqlstate(error).is_some_and(|code| code == "57014")
}

/// A statement gave up waiting for a lock.
pub(crate) fn is_lock_timeout(error: &sqlx::Error) -> bool {
    sqlstate(error).is_some_and(|code| code == "55P03")
}

/// A deadlock or a serialisation failure: the same transaction may succeed now.
pub fn is_conflict(error: &sqlx::Error) -> bool {
    sqlstate(error).is_some_and(|code| code == "40P01" || code == "40001")
}

/// Postgres rejects a value: text that it cannot store, an out-of-range time, or a row too large for an index.
pub fn is_invalid_data(error: &sqlx::Error) -> bool {
    sqlstate(error).is_some_and(|code| code.starts_with("22") || code.starts_with("54"))
}

/// Another request has just stored the same name or address.
pub fn is_unique_violation(error: &sqlx::Error) -> bool {
    sqlstate(error).is_some_and(|code| code == "23505")
}

/// The month has no partition, because the database clock was changed or no replica has run for months.
pub fn is_missing_partition(error: &sqlx::Error) -> bool {
    sqlstate(error).is_some_and(|code| code == "23514")
}
