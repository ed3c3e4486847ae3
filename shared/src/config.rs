//! Settings that both services share: one struct per concern, each field with its variable and default.
//!
//! Values come from the command line or the environment; `--help` documents every one of them.

use std::fmt;
use std::str::FromStr;

use clap::Args;
use ipnet::IpNet;

use crate::origin::Origins;

/// A value that must not reach a log: `Debug` and `Display` hide it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The value itself, for the one place that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl FromStr for Secret {
    type Err = std::convert::Infallible;

    fn from_str(value: &str) -> Result<Self, Self::Err> {
        Ok(Self(value.to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

/// A whole number from 1, or nothing: an empty variable is as good as none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count(pub Option<u32>);

impl FromStr for Count {
    type Err = CountError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim() {
            "" => Ok(Self(None)),
            text => {
                text.parse().ok().filter(|count| (1..=1_000_000).contains(count)).map(|count| Self(Some(count))).ok_or(CountError)
            }
        }
    }
}

/// The text is no such number.
#[derive(Debug, thiserror::Error)]
#[error("a whole number from 1 to 1,000,000 is wanted, or nothing")]
pub struct CountError;

/// The Postgres database.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Database")]
pub struct Database {
    /// Postgres, as `postgres://USER:PASSWORD@HOST:PORT/DATABASE`; the user must be named.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: Secret,

    /// Most connections held open by this process, besides those for lists and searches, and ingest's for deliveries: one for each
    /// writer, and one.
    #[arg(long, env = "DATABASE_MAX_CONNECTIONS", default_value_t = 8)]
    pub database_max_connections: u32,

    /// Most connections held open for lists and searches.
    #[arg(long, env = "DATABASE_READ_CONNECTIONS", default_value_t = 4)]
    pub database_read_connections: u32,
}

/// The Redis (or Valkey) server that carries the live feed.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Redis")]
pub struct Redis {
    /// Redis or Valkey, as `redis://[USER:PASSWORD@]HOST:PORT`.
    #[arg(long, env = "REDIS_URL", hide_env_values = true, default_value = "redis://127.0.0.1:6379")]
    pub redis_url: Secret,
}

/// How connections are taken; the address itself is the service's own setting.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Listening")]
pub struct Connections {
    /// Most connections served at once; further ones wait.
    #[arg(long, env = "MAX_CONNECTIONS", default_value_t = 1024)]
    pub max_connections: usize,

    /// Proxies whose `X-Real-IP` is believed, as networks separated by commas.
    #[arg(long, env = "TRUSTED_PROXIES", value_delimiter = ',', default_value = "127.0.0.0/8,::1/128")]
    pub trusted_proxies: Vec<IpNet>,

    /// Seconds that requests in flight (and sockets) get to end after SIGTERM.
    #[arg(long, env = "DRAIN_SECONDS", default_value_t = 20)]
    pub drain_seconds: u64,
}

/// The addresses at which people open the dashboard.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Sign-in")]
pub struct Public {
    /// Origins that count as ours, separated by commas. All https: the cookie is `__Host-sid`, else `sid`.
    #[arg(long, env = "PUBLIC_ORIGINS", default_value = "http://127.0.0.1:8080,http://localhost:8080")]
    pub public_origins: Origins,
}

/// What is logged, and how.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Logging")]
pub struct Log {
    /// `text` for people, `json` for collectors.
    #[arg(long, env = "LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,

    /// Filter in the form of tracing's `EnvFilter`, such as `info,ingest=debug`.
    #[arg(long, env = "LOG", default_value = "info")]
    pub log: String,
}

/// Form of the log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// One readable line per record.
    Text,
    /// One JSON object per record.
    Json,
}
