//! Checks of the roles that the services connect with, of the owner's connection and of the read replica.

use std::time::Duration;

use sqlx::PgPool;

use super::database::protection_of;
use crate::api::system::report::Finding;
use crate::periodic::retention;
use crate::store::read_replica::{ReadReplica, ReplicaProblem};
use crate::store::service_role;

/// How late a partition may be dropped.
const MAX_OVERDUE_DAYS: u32 = 2;

/// Maximum time for the replica to respond.
const REPLICA_TIMEOUT: Duration = Duration::from_secs(3);

/// What the role of `DATABASE_URL` may do.
pub(super) async fn service(pool: &PgPool) -> Result<Finding, sqlx::Error> {
    Ok(if service_role::is_superuser(pool).await? {
        Finding::warn(
            "roles",
            "The services connect as a superuser.",
            "Set DATABASE_OWNER_URL to this address, and DATABASE_URL to one with a new role. `ingest migrate` creates it.",
        )
    } else if service_role::owns_tables(pool).await? {
        Finding::ok("roles", "The services connect as the owner of the tables.")
    } else {
        Finding::ok("roles", "The services connect with a role that may not change tables.")
    })
}

/// The connection of `DATABASE_OWNER_URL`.
pub(super) async fn owner(pool: &PgPool) -> Finding {
    let advice = "Check DATABASE_OWNER_URL.";
    match service_role::owns_tables(pool).await {
        Ok(true) => match protection_of(pool).await {
            Ok(protection) => Finding::ok("owner", format!("The owner of the tables can connect; {protection}.")),
            Err(_) => Finding::warn("owner", "The owner of the tables cannot connect.", advice),
        },
        Ok(false) => Finding::warn("owner", "The role of DATABASE_OWNER_URL does not own the tables.", advice),
        Err(_) => Finding::warn("owner", "The owner of the tables cannot connect, so no upkeep takes place.", advice),
    }
}

/// Whether expired partitions are dropped in time.
pub(super) async fn retention(pool: &PgPool, days: Option<u32>) -> Result<Option<Finding>, sqlx::Error> {
    let Some(days) = days else { return Ok(None) };
    let overdue = retention::expired_partitions(pool, days + MAX_OVERDUE_DAYS).await?;
    Ok(overdue.first().map(|partition| {
        Finding::warn(
            "retention",
            format!("{} has expired and is still stored.", partition.name),
            "Run `ingest upkeep` by timer, or give a service DATABASE_OWNER_URL.",
        )
    }))
}

/// The read replica.
pub(super) async fn replica(replica: &ReadReplica) -> Finding {
    match (replica.lag(), tokio::time::timeout(REPLICA_TIMEOUT, protection_of(replica.pool())).await) {
        (Ok(lag), Ok(Ok(protection))) => {
            Finding::ok("replica", format!("The read replica is at most {} behind; {protection}.", seconds(lag)))
        }
        (lag, _) => {
            let (problem, advice) = lag.err().unwrap_or(ReplicaProblem::Away).texts();
            Finding::warn("replica", format!("{problem} Exports and statistics are read on the primary."), advice)
        }
    }
}

fn seconds(lag: Duration) -> String {
    format!("{} s", lag.as_secs() + 1)
}
