//! Our ingest under load. The load bypasses nginx, which would add the same cost for every peer.

use std::time::Duration;

use anyhow::ensure;
use stack::{Part, Stack};

use crate::corpus::{Body, Corpus};
use crate::cost;
use crate::database;
use crate::load::{self, Run, to_f64};

/// What is posted before the first measurement.
const LEARNED_BATCHES: usize = 5;
const LEARNED_EVENTS: usize = 1_000;

/// Postgres, Valkey and a release build of ingest, configured as in `make up`.
#[derive(Debug)]
pub(crate) struct Ours {
    pub stack: Stack,
    /// Builds the bodies to post.
    pub corpus: Corpus,
}

/// The result of a run and its CPU time.
#[derive(Debug)]
pub(crate) struct Measured {
    pub run: Run,
    /// Ingest CPU time until the outbox was empty, in microseconds per event.
    pub ingest_us: f64,
    /// Postgres CPU time until the outbox was empty, in microseconds per event.
    pub postgres_us: f64,
}

impl Ours {
    /// Starts the stack.
    ///
    /// # Errors
    /// Returns an error if a component does not start.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let stack = Stack::start_only(&[Part::Postgres, Part::Redis, Part::Ingest], &[])?;
        database::prepare(&stack.database_url()).await?;
        let corpus = Corpus::new(&stack.settings().webhook_keys, &stack.webhook_url());
        let mut ours = Self { stack, corpus };
        let bodies = ours.corpus.bodies(LEARNED_BATCHES, LEARNED_EVENTS);
        load::flood(&ours.stack.direct(Part::Ingest), 1, bodies, None).await?;
        database::learn_common_words(&mut ours.stack).await?;
        Ok(ours)
    }

    /// Truncates the tables, posts the bodies as fast as possible, waits for the outbox to empty, and checks the stored event count.
    ///
    /// # Errors
    /// Returns an error if a delivery fails, or the table does not contain exactly the acknowledged events.
    pub(crate) async fn flood(
        &self,
        connections: usize,
        bodies: Vec<Body>,
        time_limit: Option<Duration>,
    ) -> anyhow::Result<Measured> {
        let address = self.stack.direct(Part::Ingest);
        self.measure(load::flood(&address, connections, bodies, time_limit)).await
    }

    /// Like [`Ours::flood`], but at a fixed rate of posts per second.
    ///
    /// # Errors
    /// Same as [`Ours::flood`].
    pub(crate) async fn pace(&self, connections: usize, bodies: Vec<Body>, rate: f64) -> anyhow::Result<Measured> {
        let address = self.stack.direct(Part::Ingest);
        self.measure(load::pace(&address, connections, bodies, rate)).await
    }

    async fn measure(&self, load: impl Future<Output = anyhow::Result<Run>>) -> anyhow::Result<Measured> {
        let url = self.stack.database_url();
        database::truncate(&url).await?;
        let (ingest, postgres) = (self.cpu(), database::postgres_cpu(&self.stack));
        let run = load.await?;
        database::wait_for_outbox(&url).await?;
        let (ingest, postgres) = (self.cpu() - ingest, database::postgres_cpu(&self.stack) - postgres);
        let rows = usize::try_from(database::count_events(&url).await?)?;
        ensure!(rows == run.events, "{} events were acknowledged, but {rows} are stored", run.events);
        let each = |cpu: Duration| cpu.as_secs_f64() * 1e6 / to_f64(run.events);
        Ok(Measured { ingest_us: each(ingest), postgres_us: each(postgres), run })
    }

    fn cpu(&self) -> Duration {
        self.stack.pid(Part::Ingest).map_or(Duration::ZERO, cost::cpu)
    }

    /// Ingest's peak memory since it started, in MiB.
    pub(crate) fn peak_mib(&self) -> f64 {
        let bytes = self.stack.pid(Part::Ingest).map_or(0, cost::peak_memory);
        to_f64(usize::try_from(bytes >> 10).unwrap_or(usize::MAX)) / 1024.0
    }
}
