//! Our own service under load, straight at its port: nginx is the same for everybody.

use std::time::Duration;

use anyhow::ensure;
use stack::{Part, Stack};

use crate::corpus::{Body, Corpus};
use crate::cost;
use crate::database;
use crate::load::{self, Run, to_f64};

/// Postgres, Valkey and ingest, in release builds, as `make up` configures them.
#[derive(Debug)]
pub(crate) struct Ours {
    /// What runs.
    pub stack: Stack,
    /// What is posted.
    pub corpus: Corpus,
}

/// A run, and what it cost.
#[derive(Debug)]
pub(crate) struct Measured {
    /// What the load saw.
    pub run: Run,
    /// CPU of ingest until all was relayed, in microseconds an event.
    pub ingest_us: f64,
    /// The same of Postgres.
    pub postgres_us: f64,
}

impl Ours {
    /// Starts them.
    ///
    /// # Errors
    /// When a part does not start.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let stack = Stack::start_only(&[Part::Postgres, Part::Redis, Part::Ingest], &[])?;
        database::prepare(&stack.database_url()).await?;
        let corpus = Corpus::new(&stack.settings().webhook_keys, &stack.webhook_url());
        Ok(Self { stack, corpus })
    }

    /// Empties the tables, floods, waits for the relay, and checks that what was acknowledged is there.
    ///
    /// # Errors
    /// When a delivery fails, or the table does not hold what was acknowledged.
    pub(crate) async fn flood(&self, connections: usize, bodies: Vec<Body>, until: Option<Duration>) -> anyhow::Result<Measured> {
        let address = self.stack.direct(Part::Ingest);
        self.measure(load::flood(&address, connections, bodies, until)).await
    }

    /// The same at a fixed rate of posts a second.
    ///
    /// # Errors
    /// As [`Ours::flood`].
    pub(crate) async fn pace(&self, connections: usize, bodies: Vec<Body>, rate: f64) -> anyhow::Result<Measured> {
        let address = self.stack.direct(Part::Ingest);
        self.measure(load::pace(&address, connections, bodies, rate)).await
    }

    async fn measure(&self, load: impl Future<Output = anyhow::Result<Run>>) -> anyhow::Result<Measured> {
        let url = self.stack.database_url();
        database::empty(&url).await?;
        let (ingest, postgres) = (self.cpu(), database::cpu_of(&self.stack));
        let run = load.await?;
        database::drained(&url).await?;
        let (ingest, postgres) = (self.cpu() - ingest, database::cpu_of(&self.stack) - postgres);
        let rows = usize::try_from(database::count(&url).await?)?;
        ensure!(rows == run.events, "{} events were acknowledged, and {rows} are there", run.events);
        let each = |cpu: Duration| cpu.as_secs_f64() * 1e6 / to_f64(run.events);
        Ok(Measured { ingest_us: each(ingest), postgres_us: each(postgres), run })
    }

    fn cpu(&self) -> Duration {
        self.stack.pid(Part::Ingest).map_or(Duration::ZERO, cost::cpu)
    }

    /// The most memory that ingest has held since it started, in MiB.
    pub(crate) fn peak_mib(&self) -> f64 {
        let bytes = self.stack.pid(Part::Ingest).map_or(0, cost::peak_memory);
        to_f64(usize::try_from(bytes >> 10).unwrap_or(usize::MAX)) / 1024.0
    }
}
