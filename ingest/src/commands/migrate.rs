//! `ingest migrate`.

use std::time::Duration;

use anyhow::Context;
use clap::Args;
use shared::config::{Database, Log};
use shared::db::{self, Address, ConnectionProblem, Purpose};
use sqlx::PgPool;

use crate::config::Owner;
use crate::payload::dictionary::Dictionary;
use crate::store::service_role::{self, ServiceRole};
use crate::store::{dictionaries, migrations, partitions};

/// Maximum time to wait for a database that is still starting.
const MAX_WAIT: Duration = Duration::from_secs(60);
const RETRY_DELAY: Duration = Duration::from_millis(500);

/// Options for `ingest migrate`.
#[derive(Debug, Args)]
pub struct Migrate {
    #[command(flatten)]
    pub database: Database,
    #[command(flatten)]
    pub owner: Owner,
    #[command(flatten)]
    pub log: Log,
}

/// Applies missing migrations, one process at a time, creates partitions ahead of time, and prepares the role of the services. Work on stored
/// rows is left to the background jobs of the running service.
///
/// # Errors
/// If Postgres stays unavailable, the database schema belongs to a different version, a migration fails, or the role cannot be prepared.
pub async fn run(config: &Migrate) -> anyhow::Result<()> {
    let pool = config.owner.pool(&config.database, "ingest-migrate", Purpose::Migrating)?;
    let connected = tokio::time::timeout(MAX_WAIT, wait_for_postgres(&pool));
    connected.await.context("Postgres did not respond within a minute")??;
    migrations::apply(&pool).await.context("the database was not migrated")?;
    partitions::create_ahead(&pool).await.context("the partitions could not be created")?;
    dictionaries::add(&pool, &Dictionary::shipped()).await.context("the dictionary for payloads could not be stored")?;
    if config.owner.is_set() {
        prepare_service_role(config, &pool).await.context("the role of the services could not be prepared")?;
    }
    tracing::info!("the database is up to date");
    Ok(())
}

/// Prepares the role of `DATABASE_URL`, unless it is the owner itself.
async fn prepare_service_role(config: &Migrate, owner: &PgPool) -> anyhow::Result<()> {
    let (name, password) = Address::of_service(&config.database).credentials()?;
    if name == config.owner.address(&config.database).credentials()?.0 {
        return Ok(());
    }
    // The role may belong to others too, so that its password is left alone while it is accepted.
    let service = db::pool(&config.database, "ingest-migrate", Purpose::Work)?;
    let rejected = match db::connect_once(&service).await {
        Err(Some(error)) => ConnectionProblem::of(&error) == Some(ConnectionProblem::Unauthorized),
        Ok(()) | Err(None) => false,
    };
    Ok(service_role::prepare(owner, &ServiceRole { name, password }, rejected).await?)
}

async fn wait_for_postgres(pool: &PgPool) -> Result<(), sqlx::Error> {
    loop {
        match pool.acquire().await {
            Ok(_) => return Ok(()),
            // Waiting does not fix a wrong password, user or database. Class 57 covers a server that is starting or stopping.
            Err(sqlx::Error::Database(error)) if !error.code().is_some_and(|code| code.starts_with("57")) => {
                return Err(sqlx::Error::Database(error));
            }
            Err(error) => tracing::info!(%error, "waiting for Postgres"),
        }
        tokio::time::sleep(RETRY_DELAY).await;
    }
}
