//! `ingest migrate`.

use std::time::Duration;

use anyhow::Context;
use shared::db;

use crate::config::Migrate;
use crate::periodic::backfill;
use crate::store::migrations::MIGRATOR;
use crate::store::partitions;

/// How long to wait for a database that is still starting.
const WAIT: Duration = Duration::from_secs(60);

/// Applies what is missing, under an advisory lock, makes the partitions ahead, and gives events of older versions what they lack.
///
/// # Errors
/// When Postgres stays away, or a migration fails or was changed after it was applied.
pub async fn run(config: &Migrate) -> anyhow::Result<()> {
    let pool = db::pool(&config.database, "ingest-migrate", db::Purpose::Migrating)?;
    let reached = async {
        loop {
            match pool.acquire().await {
                Ok(_) => return Ok(()),
                // A wrong password, user or database does not mend itself.
                Err(sqlx::Error::Database(error)) if !error.code().is_some_and(|code| code.starts_with("57")) => {
                    return Err(sqlx::Error::Database(error));
                }
                Err(error) => tracing::info!(%error, "waiting for Postgres"),
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    tokio::time::timeout(WAIT, reached).await.context("Postgres did not answer within a minute")??;
    MIGRATOR.run(&pool).await.context("a migration failed")?;
    partitions::create_ahead(&pool).await.context("the partitions could not be made")?;
    backfill::terms(&pool).await.context("older events could not be made findable")?;
    tracing::info!("the database is up to date");
    Ok(())
}
