//! Settings shared by both services. There is one struct per concern, and each field has an environment variable.
//!
//! Values come from the command line or the environment. `--help` documents all of them.

use std::fmt;
use std::str::FromStr;

use clap::Args;
use ipnet::IpNet;

use crate::origin::Origins;

/// A value that must not be logged. `Debug` hides it, and there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Returns the value.
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

/// An optional whole number from 1 to 1,000,000. An empty variable counts as unset.
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

/// Error returned if a string is not a valid [`Count`].
#[derive(Debug, thiserror::Error)]
#[error("expected a whole number from 1 to 1,000,000, or an empty value")]
pub struct CountError;

/// Postgres settings.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Database")]
pub struct Database {
    /// Postgres, as `postgres://USER:PASSWORD@HOST:PORT/DATABASE`. The user is required.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: Secret,

    /// Maximum number of connections for this process, in addition to those for lists and searches and those that ingest uses for
    /// deliveries (one per writer, plus one).
    #[arg(long, env = "DATABASE_MAX_CONNECTIONS", default_value_t = 8)]
    pub database_max_connections: u32,

    /// Maximum number of connections for lists and searches.
    #[arg(long, env = "DATABASE_READ_CONNECTIONS", default_value_t = 4)]
    pub database_read_connections: u32,
}

/// Settings for the Redis (or Valkey) server that carries the live feed.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Redis")]
pub struct Redis {
    /// Redis or Valkey, as `redis://[USER:PASSWORD@]HOST:PORT`.
    #[arg(long, env = "REDIS_URL", hide_env_values = true, default_value = "redis://127.0.0.1:6379")]
    pub redis_url: Secret,
}

/// HTTP server limits. Each service defines its own listening address.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Listening")]
pub struct Connections {
    /// Maximum number of concurrent connections; further connections wait.
    #[arg(long, env = "MAX_CONNECTIONS", default_value_t = 1024)]
    pub max_connections: usize,

    /// Comma-separated networks of the proxies whose `X-Real-IP` header is trusted.
    #[arg(long, env = "TRUSTED_PROXIES", value_delimiter = ',', default_value = "127.0.0.0/8,::1/128")]
    pub trusted_proxies: Vec<IpNet>,

    /// Seconds allowed for in-flight requests and open sockets to finish after SIGTERM.
    #[arg(long, env = "DRAIN_SECONDS", default_value_t = 20)]
    pub drain_seconds: u64,
}

/// Where users open the dashboard.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Sign-in")]
pub struct Public {
    /// Comma-separated origins of the dashboard. The session cookie is named `__Host-sid` if all of them use https, otherwise `sid`.
    #[arg(long, env = "PUBLIC_ORIGINS", default_value = "http://127.0.0.1:8080,http://localhost:8080")]
    pub public_origins: Origins,
}

/// Logging settings.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Logging")]
pub struct Log {
    /// `text` for human readers, `json` for log collectors.
    #[arg(long, env = "LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,

    /// Filter in the syntax of tracing's `EnvFilter`, such as `info,ingest=debug`.
    #[arg(long, env = "LOG", default_value = "info")]
    pub log: String,
}

/// Format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// One human-readable line per record.
    Text,
    /// One JSON object per record.
    Json,
}
