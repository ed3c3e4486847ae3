//! The service as a whole: `build` binds and wires, `run` serves until told to stop.

use std::sync::Arc;
use std::time::Duration;

use shared::db::Purpose;
use shared::{config, db, redis, serve, telemetry};
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::api::accounts::oidc::Provider;
use crate::commands::serve::Serve;
use crate::http::router as routes;
use crate::outbox::{handoff as announce, publisher as relay};
use crate::periodic::{alarms, gin_pending, upkeep};
use crate::state::AppState;
use crate::webhook::queue as writer;
use crate::webhook::queue::Queue;
use crate::webhook::refusals::Refusals;
use crate::webhook::signature::Verifier;

/// How long background work gets to finish once requests have drained.
const FINISH: Duration = Duration::from_secs(5);

/// A bound service.
pub struct App {
    state: Arc<AppState>,
    queue: Queue,
    writers: usize,
    listener: TcpListener,
    connections: config::Connections,
    redis: config::Redis,
}

impl App {
    /// Binds the address and prepares the pools; nothing is connected yet.
    ///
    /// # Errors
    /// When the address is taken, or a URL cannot be used.
    pub async fn build(config: Serve) -> anyhow::Result<Self> {
        if config.webhook.webhook_keys.is_empty() {
            tracing::warn!("no webhook key is configured: every delivery will be refused until WEBHOOK_KEYS is set");
        } else if config.webhook.webhook_urls.first().is_none() {
            tracing::warn!("no webhook address is configured: every delivery will be refused until WEBHOOK_URLS is set");
        }
        let (writers, queue) = writer::queue();
        let state = AppState {
            pool: db::pool(&config.database, "ingest", Purpose::Work)?,
            reading: db::pool(&config.database, "ingest-reading", Purpose::Reading)?,
            writing: db::pool(&config.database, "ingest-writing", Purpose::Work)?,
            redis: redis::pool(&config.redis)?,
            verifier: Verifier::new(config.webhook.webhook_keys.clone(), config.webhook.webhook_urls.clone()),
            oidc: Provider::new(config.oidc, &config.public.public_origins)?,
            origins: config.public.public_origins,
            unproved: Arc::new(Semaphore::new(config.webhook.webhook_memory / 2)),
            proved: Arc::new(Semaphore::new(config.webhook.webhook_memory / 2)),
            webhook: config.webhook,
            retention_days: config.retention.retention_days.0,
            silence_minutes: config.alarms.silence_alert_minutes.0,
            refusals: Refusals::default(),
            writers,
            rules: Arc::default(),
            stored: Arc::default(),
            outbox_filled: Notify::new(),
            metrics: telemetry::start_metrics()?,
            stop: CancellationToken::new(),
        };
        let listener = TcpListener::bind(config.listen).await?;
        let writers = usize::from(config.writers);
        Ok(Self { state: Arc::new(state), queue, writers, listener, connections: config.connections, redis: config.redis })
    }

    /// Serves until `stop`: then no new connections, requests in flight end, the outbox is relayed once more.
    ///
    /// # Errors
    /// None yet; a failure of a part is logged where it happens.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let state = self.state;
        let (writing, background) = (CancellationToken::new(), CancellationToken::new());
        let (writers, tasks) = (TaskTracker::new(), TaskTracker::new());
        let (announce, announced) = announce::queue();
        self.queue.start(self.writers, &state, &announce, &writers, &writing);
        writers.close();
        tasks.spawn(relay::run(Arc::clone(&state), announced, background.clone()));
        tasks.spawn(relay::listen_for_wakes(Arc::clone(&state), self.redis, background.clone()));
        tasks.spawn({
            let (state, background) = (Arc::clone(&state), background.clone());
            async move { alarms::run(&state.pool, state.silence_minutes, &state.outbox_filled, background).await }
        });
        tasks.spawn({
            let (state, background) = (Arc::clone(&state), background.clone());
            async move { upkeep::run(&state.pool, state.retention_days, background).await }
        });
        tasks.spawn({
            let (state, background) = (Arc::clone(&state), background.clone());
            async move { gin_pending::run(&state.pool, &state.stored, background).await }
        });
        tasks.spawn({
            let (state, background) = (Arc::clone(&state), background.clone());
            async move { state.refusals.write_until(&state.pool, background).await }
        });
        tasks.close();
        tracing::info!(listen = %self.listener.local_addr()?, "ingest serves");
        let stopping = stop.clone();
        tokio::spawn({
            let state = Arc::clone(&state);
            async move {
                stopping.cancelled().await;
                state.stop.cancel();
            }
        });
        serve::run(self.listener, warp::service(routes::all(Arc::clone(&state))), &self.connections, stop).await;
        // What is queued is committed, and what was committed is relayed once more.
        let finished = async {
            writing.cancel();
            writers.wait().await;
            background.cancel();
            tasks.wait().await;
        };
        if tokio::time::timeout(FINISH, finished).await.is_err() {
            tracing::warn!("background work was cut off; it goes on at the next start");
        }
        let closed = async { tokio::join!(state.pool.close(), state.reading.close(), state.writing.close()) };
        if tokio::time::timeout(FINISH, closed).await.is_err() {
            tracing::warn!("a statement was still running; Postgres ends it");
        }
        tracing::info!("ingest stopped");
        Ok(())
    }
}
