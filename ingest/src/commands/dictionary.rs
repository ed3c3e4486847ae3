//! `ingest dictionary train`.

use std::io::Write;

use anyhow::bail;
use clap::{Args, Subcommand};
use shared::config::{Database, Log};
use shared::db::{self, Purpose};

use crate::payload::codec::Codec;
use crate::payload::dictionary::Dictionary;
use crate::payload::training::{self, Sample};
use crate::store::dictionaries;

/// Every tenth payload is left out of the training, to try the dictionary with.
const LEFT_OUT: usize = 10;

/// Options for `ingest dictionary`.
#[derive(Debug, Args)]
pub struct DictionaryArgs {
    #[command(subcommand)]
    pub command: DictionaryCommand,
    #[command(flatten)]
    pub log: Log,
}

#[derive(Debug, Subcommand)]
pub enum DictionaryCommand {
    /// Makes a dictionary from stored payloads, with which new ones take less space. It contains nothing that they say about people.
    Train(Train),
}

/// Options for `ingest dictionary train`.
#[derive(Debug, Args)]
pub struct Train {
    /// How many payloads to make it from.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1_000..=20_000))]
    pub payloads: u32,
    /// Prints what the dictionary would save without storing it.
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub database: Database,
}

/// Makes a dictionary, and stores it if it is better than the one in use. Every replica compresses with it a minute later.
///
/// # Errors
/// If Postgres is unavailable or fails, or if there are too few payloads.
pub async fn run(config: &DictionaryArgs) -> anyhow::Result<()> {
    let DictionaryCommand::Train(train) = &config.command;
    let pool = db::pool(&train.database, "ingest-dictionary", Purpose::Work)?;
    let mut connection = pool.acquire().await?;
    let known = dictionaries::all(&mut connection).await?;
    let reader = Codec::new(&known, false);
    let stored = dictionaries::random_payloads(&mut connection, train.payloads).await?;
    let payloads = stored.iter().map(|stored| stored.read(&reader)).collect::<Result<Vec<_>, _>>()?;
    let (mut samples, mut others) = (Vec::new(), Vec::new());
    for (number, (payload, stored)) in payloads.iter().zip(&stored).enumerate() {
        let sample = Sample { payload, values: stored.row_values() };
        if number % LEFT_OUT == 0 { others.push(sample) } else { samples.push(sample) }
    }
    let newest = known.iter().map(|dictionary| dictionary.id).max().unwrap_or_default();
    let trained = training::train(newest.max(Dictionary::LAST_SHIPPED) + 1, &samples)?;
    let before = average(&Codec::new(&known, true), &others);
    let after = average(&Codec::new(std::slice::from_ref(&trained), true), &others);
    let mut out = std::io::stdout();
    writeln!(
        out,
        "made from {} payloads; {} others take {after} bytes each with it, and {before} with the one in use",
        samples.len(),
        others.len()
    )?;
    if after >= before {
        bail!("the dictionary is no better than the one in use, and was not stored");
    }
    if train.dry_run {
        return Ok(());
    }
    if !dictionaries::add(&mut *connection, &trained).await? {
        bail!("another dictionary has just been stored; try again");
    }
    writeln!(out, "stored as dictionary {}; services use it within a minute", trained.id)?;
    Ok(())
}

/// The average size of compressed payloads, in bytes.
fn average(codec: &Codec, samples: &[Sample<'_>]) -> usize {
    let size =
        |Sample { payload, values }: &Sample<'_>| codec.compress(payload, *values).map_or(payload.len(), |frame| frame.len());
    samples.iter().map(size).sum::<usize>() / samples.len().max(1)
}
