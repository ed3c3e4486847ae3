//! `ingest migrate`.

use std::time::Duration;

use anyhow::Context;
use clap::Args;
use shared::config::{Database, Log};
use shared::db;
use sqlx::PgPool;

use crate::store::{migrations, partitions};

/// Maximum time to wait for a database that is still starting.
const MAX_WAIT: Duration = Duration::from_secs(60);
const RETRY_DELAY: Duration = Duration::from_millis(500);

/// Options for `ingest migrate`.
#[derive(Debug, Args)]
pub struct Migrate {
    #[command(flatten)]
    pub database: Database,
    #[command(flatten)]
    pub log: Log,
}

/// Applies missing migrations, one process at a time, and creates partitions ahead of time. Work on stored rows is left to the background
/// jobs of the running service.
///
/// # Errors
/// If Postgres stays unavailable, the database schema belongs to a different version, or a migration fails.
pub async fn run(config: &Migrate) -> anyhow::Result<()> {
    let pool = db::pool(&config.database, "ingest-migrate", db::Purpose::Migrating)?;
    let connected = tokio::time::timeout(MAX_WAIT, wait_for_postgres(&pool));
    connected.await.context("Postgres did not respond within a minute")??;
    migrations::apply(&pool).await.context("the database was not migrated")?;
    partitions::create_ahead(&pool).await.context("the partitions could not be created")?;
    tracing::info!("the database is up to date");
    Ok(())
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
