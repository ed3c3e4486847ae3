//! The service as a whole: `build` binds the address and wires the parts, and `run` serves until shutdown.

use std::sync::Arc;
use std::time::Duration;

use shared::redis::{Redis, RedisState};
use shared::shutdown::Shutdown;
use shared::{config, db, serve, telemetry};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::Serve;
use crate::fanout::command::{COMMAND_QUEUE, Command};
use crate::fanout::hub::Hub;
use crate::fanout::shard::Shard;
use crate::feed::subscriber::FeedSubscriber;
use crate::feed::write_probe;
use crate::router;
use crate::state::AppState;
use crate::user::messages::{self, Messages, QueuedMessage};
use crate::user::{presence, sessions};

/// How long connections, and then background tasks, have to finish after the drain period.
const GRACE: Duration = Duration::from_secs(5);

/// A service that is bound to its address.
pub struct App {
    state: Arc<AppState>,
    listener: TcpListener,
    connections: config::Connections,
    redis: Redis,
    /// Passes the outcome of the write probe to the readiness check.
    redis_state: watch::Sender<RedisState>,
    queued_messages: mpsc::Receiver<QueuedMessage>,
    /// One receiver for each shard.
    commands: Vec<mpsc::Receiver<Command>>,
}

impl App {
    /// Binds the address and prepares the pools, without connecting to Postgres or Redis.
    ///
    /// # Errors
    /// If the address cannot be bound or a URL is invalid.
    pub async fn build(config: Serve) -> anyhow::Result<Self> {
        let pool = db::pool(&config.database, "notifier", db::Purpose::Work)?;
        let redis = Redis::new(&config.redis)?;
        let (redis_state, observed) = watch::channel(RedisState::Unknown);
        let (messages, queued_messages) = Messages::new();
        // One shard per worker thread, since shards spend most of their time writing to sockets.
        let shards = Handle::current().metrics().num_workers();
        let (senders, commands) = (0..shards).map(|_| mpsc::channel(COMMAND_QUEUE)).unzip();
        let state = Arc::new(AppState {
            pool,
            origins: config.public.public_origins,
            hub: Arc::new(Hub::new(senders)),
            redis_state: observed,
            messages,
            limits: config.limits,
            tasks: TaskTracker::new(),
            metrics: telemetry::start_metrics()?,
            leaving: CancellationToken::new(),
            stop: CancellationToken::new(),
        });
        let listener = TcpListener::bind(config.listen).await?;
        Ok(Self { state, listener, connections: config.connections, redis, redis_state, queued_messages, commands })
    }

    /// Serves until `shutdown.stop`. After that, new connections are rejected, and open ones are closed with 1012 during the drain period.
    ///
    /// # Errors
    /// If the listening address cannot be read. Failures of individual parts are logged where they occur.
    pub async fn run(self, shutdown: Shutdown) -> anyhow::Result<()> {
        let Shutdown { leaving, stop } = shutdown;
        let Self { state, redis, .. } = self;
        let background = CancellationToken::new();
        let tasks = TaskTracker::new();
        let sessions_changed = Arc::new(Notify::new());
        let subscriber =
            FeedSubscriber { hub: Arc::clone(&state.hub), redis: redis.clone(), sessions_changed: Arc::clone(&sessions_changed) };
        tasks.spawn(subscriber.run(background.clone()));
        tasks.spawn(write_probe::run(redis.clone(), self.redis_state, background.clone()));
        tasks.spawn(sessions::watch(Arc::clone(&state.hub), state.pool.clone(), sessions_changed, background.clone()));
        tasks.spawn(messages::store_queued(self.queued_messages, state.pool.clone(), redis.clone(), background.clone()));
        let drain_time = Duration::from_secs(self.connections.drain_seconds);
        for commands in self.commands {
            let hub = Arc::clone(&state.hub);
            state.tasks.spawn(Shard::new(hub, commands, state.stop.clone(), drain_time).run());
        }
        tasks.spawn(presence::run(Arc::clone(&state.hub), redis, background.clone()));
        tasks.close();
        tracing::info!(listen = %self.listener.local_addr()?, "notifier is serving");
        tokio::spawn({
            let (state, stop) = (Arc::clone(&state), stop.clone());
            async move {
                leaving.cancelled().await;
                state.leaving.cancel();
                stop.cancelled().await;
                state.stop.cancel();
            }
        });
        serve::run(self.listener, warp::service(router::build(Arc::clone(&state))), &self.connections, stop).await;
        state.tasks.close();
        if tokio::time::timeout(drain_time + GRACE, state.tasks.wait()).await.is_err() {
            tracing::warn!(open = state.tasks.len(), "connections were still open at the drain deadline");
        }
        background.cancel();
        if tokio::time::timeout(GRACE, tasks.wait()).await.is_err() {
            tracing::warn!("background tasks did not finish in time");
        }
        tracing::info!("notifier stopped");
        Ok(())
    }
}
