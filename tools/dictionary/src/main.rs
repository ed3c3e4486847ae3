//! Makes the dictionary with which ingest compresses payloads: `cargo run --release -p dictionary`.
//!
//! The payloads are made up here, from what the provider documents. They have nothing in common with those of the benchmark.

mod json;
mod random;
mod samples;
mod words;

use ingest::payload::training::{self, Sample};
use ingest::webhook::event::{NewEvent, ReadOptions};
use time::OffsetDateTime;

/// The id in the file's name.
const ID: u32 = 1;
const SAMPLES: usize = 6_000;

fn main() -> anyhow::Result<()> {
    let payloads = samples::payloads(SAMPLES);
    let options = ReadOptions::at(OffsetDateTime::now_utc());
    let mut samples = Vec::new();
    for payload in &payloads {
        let event = NewEvent::read(payload, options).map_err(|(reason, _)| anyhow::anyhow!("{reason}: {payload}"))?;
        samples.push((payload, event));
    }
    let samples: Vec<Sample<'_>> =
        samples.iter().map(|(payload, event)| Sample { payload, values: event.row_values() }).collect();
    let dictionary = training::train_on_made_up(ID, &samples)?;
    let file = format!("{}/../../ingest/dictionary/payloads-{ID}.zdict", env!("CARGO_MANIFEST_DIR"));
    std::fs::write(file, dictionary.content)?;
    Ok(())
}
