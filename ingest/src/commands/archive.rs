//! `ingest archive`.

use std::io::Write;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use shared::config::{Database, Log};
use shared::db::Purpose;
use sqlx::PgPool;

use crate::archive::error::ArchiveError;
use crate::archive::storage::{ArchiveArgs, Storage};
use crate::config::Owner;
use crate::erasure::keys::SecretKeyArgs;
use crate::periodic::archive::{erase, restore, verify};
use crate::periodic::retention::Lock;
use crate::store::archive::{self, ArchivedFile, ArchivedPartition};

/// Options for `ingest archive`.
#[derive(Debug, Args)]
pub struct Archive {
    #[command(subcommand)]
    pub command: ArchiveCommand,
    #[command(flatten)]
    pub archive: ArchiveArgs,
    #[command(flatten)]
    pub secret_keys: SecretKeyArgs,
    #[command(flatten)]
    pub database: Database,
    #[command(flatten)]
    pub owner: Owner,
    #[command(flatten)]
    pub log: Log,
}

#[derive(Debug, Subcommand)]
pub enum ArchiveCommand {
    /// Lists the archived partitions.
    List,
    /// Reads files and compares them with what was written.
    Verify {
        /// A month (`2026-03`) or the name of a partition. Unset: all.
        month: Option<String>,
    },
    /// Stores the events of a month again. They are searched and shown as before; counts stay as they are, and nobody is notified.
    Restore {
        /// A month (`2026-03`) or the name of a partition.
        month: String,
    },
    /// Drops the restored events of a month. Their files stay.
    Drop {
        /// A month (`2026-03`) or the name of a partition.
        month: String,
    },
    /// Forgets the files of a month, after you have deleted them in the storage.
    Forget {
        /// A month (`2026-03`) or the name of a partition.
        month: String,
    },
    /// Removes erased people from the files now. A running service does so by itself.
    Erase,
}

/// Runs a command on the archive.
///
/// # Errors
/// If Postgres or the storage fails, or if a file is damaged.
pub async fn run(config: &Archive) -> anyhow::Result<()> {
    let pool = config.owner.pool(&config.database, "ingest-archive", Purpose::Work)?;
    let storage = Storage::open(&config.archive)?.context("ARCHIVE_URL is not set")?;
    match &config.command {
        ArchiveCommand::List => list(&pool).await,
        ArchiveCommand::Verify { month } => verify_files(&pool, &storage, month.as_deref()).await,
        ArchiveCommand::Restore { month } => {
            let chosen = choose(&pool, Some(month)).await?;
            let lock = lock(&pool).await?;
            for partition in chosen {
                let keys = &config.secret_keys.secret_key;
                restore::restore(&pool, &storage, keys, &partition, |file| print(&format!("read {}", file.path))).await?;
                print(&format!("restored {} events of {}", partition.events, partition.name))?;
            }
            Ok(lock.release().await?)
        }
        ArchiveCommand::Drop { month } => {
            let chosen = choose(&pool, Some(month)).await?;
            let mut lock = lock(&pool).await?;
            for partition in chosen {
                restore::drop_again(&pool, lock.connection(), &partition).await?;
                print(&format!("dropped {}", partition.name))?;
            }
            Ok(lock.release().await?)
        }
        ArchiveCommand::Forget { month } => {
            let chosen = choose(&pool, Some(month)).await?;
            let lock = lock(&pool).await?;
            for partition in chosen {
                forget(&pool, &storage, &partition).await?;
            }
            Ok(lock.release().await?)
        }
        ArchiveCommand::Erase => {
            let lock = lock(&pool).await?;
            let written = erase::apply(&pool, &storage, &config.secret_keys.secret_key).await?;
            print(&format!(
                "wrote {written} files again; a bucket with versions keeps old copies, which its own rules must remove"
            ))?;
            Ok(lock.release().await?)
        }
    }
}

async fn list(pool: &PgPool) -> anyhow::Result<()> {
    for partition in archive::partitions(pool).await? {
        let state = match (partition.archived_at, partition.restored_at) {
            (None, _) => "being archived".to_owned(),
            (Some(_), Some(at)) => format!("restored on {}", at.date()),
            (Some(at), None) => format!("archived on {}", at.date()),
        };
        let ArchivedPartition { name, events, bytes, .. } = partition;
        print(&format!("{name}  {events} events  {} MB  {state}", bytes / 1_000_000 + 1))?;
    }
    Ok(())
}

/// Forgets a partition, unless a file is still there: nobody would remove erased people from it.
async fn forget(pool: &PgPool, storage: &Storage, partition: &ArchivedPartition) -> anyhow::Result<()> {
    let name = &partition.name;
    if partition.archived_at.is_none() || partition.restored_at.is_some() {
        bail!("{name} is being archived or is restored");
    }
    for file in archive::files(pool, Some(name)).await? {
        if storage.exists(&file.path).await? {
            bail!("{} still exists: delete it first", file.path);
        }
    }
    archive::forget(pool, name).await?;
    print(&format!("forgot {name}"))?;
    Ok(())
}

/// Reads as many files as it can, and fails if any is damaged.
async fn verify_files(pool: &PgPool, storage: &Storage, month: Option<&str>) -> anyhow::Result<()> {
    let mut damaged = 0;
    for partition in choose(pool, month).await? {
        let checked = |file: &ArchivedFile| print(&format!("{}: {} events are as they were written", file.path, file.events));
        if let Err(error) = verify::verify(pool, storage, &partition.name, checked).await {
            damaged += 1;
            print(&format!("{}: {error}", partition.name))?;
        }
    }
    if damaged > 0 {
        bail!("{damaged} partitions are damaged or could not be read");
    }
    Ok(())
}

/// The archived partitions of a month.
async fn choose(pool: &PgPool, month: Option<&str>) -> anyhow::Result<Vec<ArchivedPartition>> {
    let mut partitions = archive::partitions(pool).await?;
    if let Some(month) = month {
        partitions.retain(|ArchivedPartition { name, first, .. }| {
            name == month || format!("{:04}-{:02}", first.year(), u8::from(first.month())) == month
        });
        if partitions.is_empty() {
            bail!("nothing of {month} is archived: `ingest archive list` lists what is");
        }
    }
    Ok(partitions)
}

async fn lock(pool: &PgPool) -> anyhow::Result<Lock> {
    Lock::take(pool).await?.context("another process is running retention or works on the archive: try again when it is done")
}

fn print(line: &str) -> Result<(), ArchiveError> {
    writeln!(std::io::stdout(), "{line}").map_err(|_| ArchiveError::Interrupted)
}
