//! The service as a whole: `build` binds and wires, `run` serves until told to stop.

use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;
use shared::db::Purpose;
use shared::origin::Origins;
use shared::{config, db, redis, serve, telemetry};
use sqlx::PgPool;
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::account::oidc::Provider;
use crate::config::{Serve, Webhook};
use crate::operate::{alarm, merge, upkeep};
use crate::receive::announce;
use crate::receive::refusal::Refusals;
use crate::receive::rules::InUse;
use crate::receive::signature::Verifier;
use crate::receive::writer::{self, Queue, Writers};
use crate::{relay, routes};

/// How long background work gets to finish once requests have drained.
const FINISH: Duration = Duration::from_secs(5);

/// What handlers share.
pub struct Context {
    /// Postgres.
    pub pool: PgPool,
    /// Postgres, for lists and searches.
    pub reading: PgPool,
    /// Postgres, for the writers and the relay, which never wait for anybody else's connection. There are few of them, so that each
    /// connection is used often, and what Postgres keeps for it is warm.
    pub writing: PgPool,
    /// Redis.
    pub redis: deadpool_redis::Pool,
    /// Keys and addresses.
    pub verifier: Verifier,
    /// Through whom people may sign in.
    pub oidc: Option<Provider>,
    /// Which pages are ours.
    pub origins: Origins,
    /// Limits of deliveries.
    pub webhook: Webhook,
    /// Bytes that deliveries not yet proved may still take: half of `WEBHOOK_MEMORY`.
    pub unproved: Arc<Semaphore>,
    /// Bytes that proved deliveries may still take: the other half.
    pub proved: Arc<Semaphore>,
    /// How long events are kept.
    pub retention_days: Option<u32>,
    /// Minutes of silence that are an alarm.
    pub silence_minutes: Option<u32>,
    /// Deliveries that were not accepted.
    pub refusals: Refusals,
    /// Commit what was proved.
    pub writers: Writers,
    /// Who is told of what.
    pub(crate) rules: Arc<InUse>,
    /// Wakes whoever merges the search index: something was stored.
    pub stored: Arc<Notify>,
    /// Wakes the relay.
    pub outbox_filled: Notify,
    /// Renders `/metrics`.
    pub metrics: PrometheusHandle,
    /// Cancelled when the service is asked to stop.
    pub stop: CancellationToken,
}

/// A bound service.
pub struct App {
    context: Arc<Context>,
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
        let context = Context {
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
            retention_days: config.keep.retention_days.0,
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
        Ok(Self { context: Arc::new(context), queue, writers, listener, connections: config.connections, redis: config.redis })
    }

    /// Serves until `stop`: then no new connections, requests in flight end, the outbox is relayed once more.
    ///
    /// # Errors
    /// None yet; a failure of a part is logged where it happens.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let context = self.context;
        let (writing, background) = (CancellationToken::new(), CancellationToken::new());
        let (writers, tasks) = (TaskTracker::new(), TaskTracker::new());
        let (announce, announced) = announce::queue();
        self.queue.start(self.writers, &context, &announce, &writers, &writing);
        writers.close();
        tasks.spawn(relay::run(Arc::clone(&context), announced, background.clone()));
        tasks.spawn(relay::listen_for_wakes(Arc::clone(&context), self.redis, background.clone()));
        tasks.spawn(alarm::run(Arc::clone(&context), background.clone()));
        tasks.spawn(upkeep::run(Arc::clone(&context), background.clone()));
        tasks.spawn(merge::run(Arc::clone(&context), background.clone()));
        tasks.spawn({
            let (context, background) = (Arc::clone(&context), background.clone());
            async move { context.refusals.write_until(&context.pool, background).await }
        });
        tasks.close();
        tracing::info!(listen = %self.listener.local_addr()?, "ingest serves");
        let stopping = stop.clone();
        tokio::spawn({
            let context = Arc::clone(&context);
            async move {
                stopping.cancelled().await;
                context.stop.cancel();
            }
        });
        serve::run(self.listener, warp::service(routes::all(Arc::clone(&context))), &self.connections, stop).await;
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
        let closed = async { tokio::join!(context.pool.close(), context.reading.close(), context.writing.close()) };
        if tokio::time::timeout(FINISH, closed).await.is_err() {
            tracing::warn!("a statement was still running; Postgres ends it");
        }
        tracing::info!("ingest stopped");
        Ok(())
    }
}
