//! The command line of `notifier`. Every option can also be set with an environment variable.

use std::net::SocketAddr;

use clap::{Args, Parser, Subcommand};
use shared::config::{Connections, Database, Log, Public, Redis};

/// Relays events and notifications from Redis to signed-in browsers over websockets and event streams.
///
/// Every option can also be set with an environment variable. All variables are listed below.
#[derive(Debug, Parser)]
#[command(name = "notifier", version)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serves websockets and event streams until SIGTERM.
    Serve(Box<Serve>),
    /// Checks that a running `notifier serve` is ready. Intended for container health checks.
    Healthcheck {
        /// Address of the running service.
        #[arg(long, env = "LISTEN", default_value = "127.0.0.1:8082")]
        listen: SocketAddr,
    },
}

/// Options of `notifier serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// Address to listen on. It also serves health (`/healthz`, `/readyz`) and `/metrics`, which nginx does not expose.
    #[arg(long, env = "LISTEN", default_value = "127.0.0.1:8082")]
    pub listen: SocketAddr,
    #[command(flatten)]
    pub limits: ConnectionLimits,
    #[command(flatten)]
    pub database: Database,
    #[command(flatten)]
    pub redis: Redis,
    #[command(flatten)]
    pub public: Public,
    #[command(flatten)]
    pub connections: Connections,
    #[command(flatten)]
    pub log: Log,
}

/// Limits on the number of open websockets and event streams.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Websockets")]
pub struct ConnectionLimits {
    /// Maximum number of open websockets and event streams in this process. Additional clients get 503.
    #[arg(long, env = "MAX_SOCKETS", default_value_t = 10_000)]
    pub max_sockets: usize,

    /// Maximum number of open websockets and event streams per user. Additional ones get 429.
    #[arg(long, env = "MAX_SOCKETS_PER_USER", default_value_t = 50)]
    pub max_sockets_per_user: usize,

    /// Maximum number of open websockets and event streams per IP address, which a whole office may share. Additional ones get 429.
    #[arg(long, env = "MAX_SOCKETS_PER_ADDRESS", default_value_t = 1_000)]
    pub max_sockets_per_address: usize,
}
