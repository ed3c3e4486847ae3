//! `ingest upkeep`.

use clap::Args;
use shared::config::{Database, Log};
use shared::db::Purpose;

use crate::archive::storage::ArchiveArgs;
use crate::config::Owner;
use crate::erasure::keys::SecretKeyArgs;
use crate::periodic::background;
use crate::periodic::key_window::KeyWindowArgs;
use crate::periodic::retention::RetentionArgs;
use crate::periodic::upkeep::{self, Expiry, Outcome};

/// Options for `ingest upkeep`.
#[derive(Debug, Args)]
pub struct Upkeep {
    #[command(flatten)]
    pub retention: RetentionArgs,
    #[command(flatten)]
    pub archive: ArchiveArgs,
    #[command(flatten)]
    pub secret_keys: SecretKeyArgs,
    #[command(flatten)]
    pub key_window: KeyWindowArgs,
    #[command(flatten)]
    pub database: Database,
    #[command(flatten)]
    pub owner: Owner,
    #[command(flatten)]
    pub log: Log,
}

/// Does once what a service with the owner's address does by itself. A run that is ended continues at the next one.
///
/// # Errors
/// If Postgres is unavailable or fails, or the role does not own the tables.
pub async fn run(config: &Upkeep) -> anyhow::Result<()> {
    let owner = config.owner.pool(&config.database, "ingest-upkeep", Purpose::Work)?;
    let background = config.owner.pool(&config.database, "ingest-background", Purpose::Migrating)?;
    upkeep::run_as_service(&owner, config.key_window).await?;
    let expiry = Expiry::new(&config.retention, &config.archive, &config.secret_keys)?;
    let outcome = upkeep::run_as_owner(&owner, &expiry).await?;
    if outcome == Outcome::NotOwner {
        anyhow::bail!("the role of {} does not own the tables", config.owner.address(&config.database).setting);
    }
    background::run_all(&background).await?;
    if let Outcome::ArchiveFailed(problem) = outcome {
        anyhow::bail!(problem);
    }
    tracing::info!("upkeep is done");
    Ok(())
}
