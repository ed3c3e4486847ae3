//! Settings of `notifier`: the command line, and the environment behind it.

use std::net::SocketAddr;

use clap::{Args, Parser, Subcommand};
use shared::config::{Connections, Database, Log, Public, Redis};

/// Relays events and notifications from Redis to signed-in browsers over websockets.
///
/// Every option can be given as a variable instead; all of them are listed below.
#[derive(Debug, Parser)]
#[command(name = "notifier", version)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What `notifier` can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serves websockets until SIGTERM.
    Serve(Box<Serve>),
    /// Asks a running `notifier serve` whether it is ready; for container health checks.
    Healthcheck {
        /// Where the service listens.
        #[arg(long, env = "LISTEN", default_value = "127.0.0.1:8082")]
        listen: SocketAddr,
    },
}

/// Settings of `notifier serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// Where to listen. Health (`/healthz`, `/readyz`) and `/metrics` are served there too, and not through nginx.
    #[arg(long, env = "LISTEN", default_value = "127.0.0.1:8082")]
    pub listen: SocketAddr,
    #[command(flatten)]
    /// ConnectionLimits.
    pub limits: ConnectionLimits,
    #[command(flatten)]
    /// Postgres.
    pub database: Database,
    #[command(flatten)]
    /// Redis.
    pub redis: Redis,
    #[command(flatten)]
    /// Origins.
    pub public: Public,
    #[command(flatten)]
    /// Connections.
    pub connections: Connections,
    #[command(flatten)]
    /// Logs.
    pub log: Log,
}

/// How many sockets are held.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Websockets")]
pub struct ConnectionLimits {
    /// Most websockets and event streams held open by this process; further ones are told to come back.
    #[arg(long, env = "MAX_SOCKETS", default_value_t = 10_000)]
    pub max_sockets: usize,

    /// Most of them of one user.
    #[arg(long, env = "MAX_SOCKETS_PER_USER", default_value_t = 50)]
    pub max_sockets_per_user: usize,

    /// Most of them from one address: a whole office may share one.
    #[arg(long, env = "MAX_SOCKETS_PER_ADDRESS", default_value_t = 1_000)]
    pub max_sockets_per_address: usize,
}
