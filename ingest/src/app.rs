//! The service as a whole: `build` binds the address and wires the parts together; `run` serves until it is stopped.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use shared::db::Purpose;
use shared::redis::Redis;
use shared::shutdown::Shutdown;
use shared::{config, db, serve, telemetry};
use sqlx::PgPool;
use tokio::net::TcpListener;
use tokio::sync::{Notify, OnceCell, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::api::accounts::oidc::provider::Provider;
use crate::commands::serve::Serve;
use crate::http::router;
use crate::notify::cache::RuleCache;
use crate::outbox::handoff;
use crate::outbox::publisher::{self, Publisher};
use crate::periodic::alarms::Alarms;
use crate::periodic::key_window::KeyWindowArgs;
use crate::periodic::probes::Probes;
use crate::periodic::upkeep::{self, Expiry};
use crate::periodic::{actor_review, audit_stream, background, gin_pending, refusals, replica_lag};
use crate::readiness::Readiness;
use crate::state::AppState;
use crate::store::common_words::CommonWordsCache;
use crate::store::erasures::ErasureCache;
use crate::store::partitions::PartitionWidth;
use crate::store::read_replica::ReadReplica;
use crate::store::reports::Reports;
use crate::webhook::delivery::QueuedDelivery;
use crate::webhook::queue::{self, Writer};
use crate::webhook::refusals::Refusals;
use crate::webhook::signature::Verifier;

/// Maximum time for background work to finish after the last request.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

/// A service bound to its address.
pub struct App {
    state: Arc<AppState>,
    /// Connections for the writers and the publisher only. There are few, so each is used often and its Postgres caches stay warm.
    writing: PgPool,
    /// Connections as the owner of the tables without a statement timeout, for background jobs.
    background: PgPool,
    queue: mpsc::Receiver<QueuedDelivery>,
    writers: usize,
    partitions: PartitionWidth,
    key_window: KeyWindowArgs,
    expiry: Expiry,
    listener: TcpListener,
    connections: config::Connections,
}

impl App {
    /// Binds the address and prepares the pools. No connections are opened yet.
    ///
    /// # Errors
    /// If the address is in use, or a URL is invalid.
    pub async fn build(config: Serve) -> anyhow::Result<Self> {
        if config.webhook.webhook_keys.is_empty() {
            tracing::warn!("no webhook key is configured: every delivery is refused until WEBHOOK_KEYS is set");
        } else if config.webhook.webhook_urls.first().is_none() {
            tracing::warn!("no webhook URL is configured: every delivery is refused until WEBHOOK_URLS is set");
        }
        let expiry = Expiry::new(&config.retention, &config.archive, &config.secret_keys)?;
        let secret_keys = config.secret_keys.secret_key;
        let (deliveries, queue) = queue::channel();
        let reading = db::pool(&config.database, "ingest-reading", Purpose::Reading)?;
        let replica = ReadReplica::open(&config.replica, &config.database, "ingest-reports")?;
        let state = AppState {
            pool: db::pool(&config.database, "ingest", Purpose::Work)?,
            reading: reading.clone(),
            owner: config.owner.own_pool(&config.database, "ingest-upkeep", Purpose::Work)?,
            reports: Reports::new(reading, replica),
            redis: Redis::new(&config.redis)?,
            verifier: Verifier::new(config.webhook.webhook_keys.clone(), config.webhook.webhook_urls.clone()),
            oidc: Provider::new(config.oidc, &config.public.public_origins)?,
            origins: config.public.public_origins,
            unverified: Arc::new(Semaphore::new(config.webhook.webhook_memory / 2)),
            verified: Arc::new(Semaphore::new(config.webhook.webhook_memory / 2)),
            webhook: config.webhook,
            erasures: Arc::new(ErasureCache::new(secret_keys.clone())),
            codec: Arc::default(),
            secret_keys,
            audit: config.audit,
            retention_days: config.retention.retention_days.0,
            silence_minutes: config.alarms.silence_alert_minutes.0,
            readiness: Arc::new(Readiness::default()),
            exports: Arc::default(),
            refusals: Arc::new(Refusals::default()),
            deliveries,
            rule_changes: Arc::new(AtomicU64::new(0)),
            stored: Arc::new(Notify::new()),
            outbox_filled: Arc::new(Notify::new()),
            metrics: telemetry::start_metrics()?,
            leaving: CancellationToken::new(),
        };
        Ok(Self {
            state: Arc::new(state),
            writing: db::pool(&config.database, "ingest-writing", Purpose::Work)?,
            background: config.owner.pool(&config.database, "ingest-background", Purpose::Migrating)?,
            queue,
            writers: usize::from(config.writers),
            partitions: config.partitions,
            key_window: config.key_window,
            expiry,
            listener: TcpListener::bind(config.listen).await?,
            connections: config.connections,
        })
    }

    /// Serves until `shutdown.stop` is cancelled. Then it accepts no more connections, finishes in-flight requests, commits queued deliveries,
    /// and publishes the outbox one last time.
    ///
    /// # Errors
    /// If the listener has no address. Failures of background work are logged where they occur.
    pub async fn run(self, shutdown: Shutdown) -> anyhow::Result<()> {
        let Shutdown { leaving, stop } = shutdown;
        let state = self.state;
        let (stop_writers, stop_background) = (CancellationToken::new(), CancellationToken::new());
        let (writers, tasks) = (TaskTracker::new(), TaskTracker::new());
        let (publisher, entries) = handoff::channel();
        let writer = Writer {
            pool: self.writing.clone(),
            sync_senders_from: OnceCell::new(),
            rules: RuleCache::new(Arc::clone(&state.rule_changes)),
            erasures: Arc::clone(&state.erasures),
            codec: Arc::clone(&state.codec),
            common_words: CommonWordsCache::default(),
            readiness: Arc::clone(&state.readiness),
            stored: Arc::clone(&state.stored),
            publisher,
        };
        queue::start(self.queue, self.writers, writer, &writers, &stop_writers);
        writers.close();
        let wake = Arc::clone(&state.outbox_filled);
        let publisher = Publisher {
            pool: self.writing.clone(),
            redis: state.redis.clone(),
            readiness: Arc::clone(&state.readiness),
            wake: Arc::clone(&wake),
        };
        tasks.spawn(publisher.run(entries, stop_background.clone()));
        tasks.spawn(publisher::listen_for_wakes(wake, state.redis.clone(), stop_background.clone()));
        let probes = Probes {
            writing: self.writing.clone(),
            redis: state.redis.clone(),
            erasures: Arc::clone(&state.erasures),
            readiness: Arc::clone(&state.readiness),
        };
        tasks.spawn(probes.run(stop_background.clone()));
        let pool = state.pool.clone();
        let alarms = Alarms {
            pool: pool.clone(),
            silence_minutes: state.silence_minutes,
            readiness: Arc::clone(&state.readiness),
            outbox_filled: Arc::clone(&state.outbox_filled),
        };
        tasks.spawn(alarms.run(stop_background.clone()));
        let owner = state.owner.clone().unwrap_or_else(|| pool.clone());
        tasks.spawn(actor_review::run(pool.clone(), Arc::clone(&state.outbox_filled), stop_background.clone()));
        tasks.spawn(upkeep::run(
            pool.clone(),
            owner,
            self.partitions,
            self.key_window,
            self.expiry.clone(),
            stop_background.clone(),
        ));
        tasks.spawn(gin_pending::run(pool.clone(), Arc::clone(&state.stored), stop_background.clone()));
        if let Some(replica) = state.reports.replica() {
            tasks.spawn(replica_lag::run(pool.clone(), Arc::clone(replica), stop_background.clone()));
        }
        tasks.spawn(audit_stream::run(pool.clone(), state.audit.clone(), stop_background.clone()));
        tasks.spawn(background::run(self.background.clone(), stop_background.clone()));
        tasks.spawn(refusals::run(pool, Arc::clone(&state.refusals), stop_background.clone()));
        tasks.close();
        tracing::info!(listen = %self.listener.local_addr()?, "ingest serves");
        tokio::spawn({
            let state = Arc::clone(&state);
            async move {
                leaving.cancelled().await;
                state.leaving.cancel();
            }
        });
        serve::run(self.listener, warp::service(router::all(Arc::clone(&state))), &self.connections, stop).await;
        let finished = async {
            stop_writers.cancel();
            writers.wait().await;
            stop_background.cancel();
            tasks.wait().await;
        };
        if tokio::time::timeout(SHUTDOWN_TIMEOUT, finished).await.is_err() {
            tracing::warn!("background work was stopped at the deadline; it continues at the next start");
        }
        let mut pools = vec![&state.pool, &state.reading, &self.writing, &self.background];
        pools.extend(&state.owner);
        pools.extend(state.reports.replica().map(|replica| replica.pool()));
        let closed = futures::future::join_all(pools.into_iter().map(PgPool::close));
        if tokio::time::timeout(SHUTDOWN_TIMEOUT, closed).await.is_err() {
            tracing::warn!("a statement was still running at the deadline; Postgres ends it");
        }
        tracing::info!("ingest stopped");
        Ok(())
    }
}
