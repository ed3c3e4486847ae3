//! The service as a whole: `build` binds and wires, `run` serves until told to stop.

use std::sync::Arc;
use std::time::Duration;

use shared::{config, db, redis, serve, telemetry};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::Serve;
use crate::fanout::command::{COMMAND_QUEUE, Command};
use crate::fanout::hub::Hub;
use crate::fanout::shard::Shard;
use crate::feed::subscriber::FeedSubscriber;
use crate::router;
use crate::state::AppState;
use crate::user::messages::{self, Messages, QueuedMessage};
use crate::user::presence;
use crate::user::sessions;

/// How long sockets and background work get beyond the drain time.
const FINISH: Duration = Duration::from_secs(5);

/// A bound service.
pub struct App {
    state: Arc<AppState>,
    listener: TcpListener,
    connections: config::Connections,
    redis: config::Redis,
    queued_messages: mpsc::Receiver<QueuedMessage>,
    commands: Vec<mpsc::Receiver<Command>>,
}

impl App {
    /// Binds the address and prepares the pools; nothing is connected yet.
    ///
    /// # Errors
    /// When the address is taken, or a URL cannot be used.
    pub async fn build(config: Serve) -> anyhow::Result<Self> {
        let pool = db::pool(&config.database, "notifier", db::Purpose::Work)?;
        let redis = redis::pool(&config.redis)?;
        let (messages, queued_messages) = Messages::new();
        // A shard for each thread: what they do is send.
        let shards = Handle::current().metrics().num_workers();
        let (senders, commands) = (0..shards).map(|_| mpsc::channel(COMMAND_QUEUE)).unzip();
        let state = AppState {
            messages,
            pool,
            redis,
            origins: config.public.public_origins,
            hub: Arc::new(Hub::new(senders)),
            limits: config.limits,
            tasks: TaskTracker::new(),
            metrics: telemetry::start_metrics()?,
            stop: CancellationToken::new(),
        };
        let listener = TcpListener::bind(config.listen).await?;
        Ok(Self {
            state: Arc::new(state),
            listener,
            connections: config.connections,
            redis: config.redis,
            queued_messages,
            commands,
        })
    }

    /// Serves until `stop`: then no new connections, and open sockets are closed with 1012, spread over the drain time.
    ///
    /// # Errors
    /// None yet; a failure of a part is logged where it happens.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let state = self.state;
        let background = CancellationToken::new();
        let tasks = TaskTracker::new();
        let sessions_changed = Arc::new(Notify::new());
        let subscriber = FeedSubscriber {
            hub: Arc::clone(&state.hub),
            pool: state.redis.clone(),
            config: self.redis,
            sessions_changed: Arc::clone(&sessions_changed),
        };
        tasks.spawn(subscriber.run(background.clone()));
        tasks.spawn(sessions::watch(Arc::clone(&state.hub), state.pool.clone(), sessions_changed, background.clone()));
        tasks.spawn(messages::store_queued(self.queued_messages, state.pool.clone(), state.redis.clone(), background.clone()));
        let drain = Duration::from_secs(self.connections.drain_seconds);
        for commands in self.commands {
            let hub = Arc::clone(&state.hub);
            state.tasks.spawn(Shard::new(hub, commands, state.stop.clone(), drain).run());
        }
        tasks.spawn(presence::run(Arc::clone(&state.hub), state.redis.clone(), background.clone()));
        tasks.close();
        tracing::info!(listen = %self.listener.local_addr()?, "notifier serves");
        tokio::spawn({
            let (state, stop) = (Arc::clone(&state), stop.clone());
            async move {
                stop.cancelled().await;
                state.stop.cancel();
            }
        });
        serve::run(self.listener, warp::service(router::build(Arc::clone(&state))), &self.connections, stop).await;
        state.tasks.close();
        if tokio::time::timeout(drain + FINISH, state.tasks.wait()).await.is_err() {
            tracing::warn!(open = state.tasks.len(), "sockets were still open at the drain deadline");
        }
        background.cancel();
        if tokio::time::timeout(FINISH, tasks.wait()).await.is_err() {
            tracing::warn!("background work was cut off");
        }
        tracing::info!("notifier stopped");
        Ok(())
    }
}
