//! Settings shared by both services. There is one struct per concern, and each field has an environment variable.
//!
//! Values come from the command line or the environment. `--help` documents all of them.

use std::fmt;
use std::str::FromStr;

use clap::Args;
use ipnet::IpNet;

use crate::origin::Origins;
use crate::tls::{AuthorityFile, CertificateFile, PrivateKeyFile};

/// A setting that cannot be used. The message names it and never contains its value.
#[derive(Debug, thiserror::Error)]
#[error("{setting}: {problem}")]
pub struct SettingError {
    setting: &'static str,
    problem: String,
}

impl SettingError {
    /// `problem` must not contain the value, which may be secret.
    pub fn new(setting: &'static str, problem: impl Into<String>) -> Self {
        Self { setting, problem: problem.into() }
    }
}

/// A value that must not be logged. `Debug` hides it, and there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Returns the value.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Self(value)
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
    /// Postgres, as `postgres://USER[:PASSWORD]@HOST[:PORT]/DATABASE[?sslmode=MODE]`, with a mode of libpq: `disable`, `allow`, `prefer` (if
    /// none is set), `require`, `verify-ca` or `verify-full`.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: Secret,

    /// Password for an address that contains none.
    #[arg(long, env = "DATABASE_PASSWORD", hide_env_values = true, default_value = "")]
    pub database_password: Secret,

    /// File with the certificate authorities (PEM) that sign the certificate of Postgres, as `sslrootcert` in the address.
    #[arg(long, env = "DATABASE_CA_FILE", default_value = "")]
    pub database_ca_file: AuthorityFile,

    /// File with our certificate for Postgres (PEM), as `sslcert` in the address.
    #[arg(long, env = "DATABASE_CLIENT_CERT_FILE", default_value = "")]
    pub database_client_cert_file: CertificateFile,

    /// File with the private key of our certificate (PEM), as `sslkey` in the address.
    #[arg(long, env = "DATABASE_CLIENT_KEY_FILE", default_value = "")]
    pub database_client_key_file: PrivateKeyFile,

    /// Maximum number of connections for this process, in addition to those for lists and searches and those that ingest uses for
    /// deliveries (one per writer, plus one).
    #[arg(long, env = "DATABASE_MAX_CONNECTIONS", default_value_t = 8)]
    pub database_max_connections: u32,

    /// Maximum number of connections for lists and searches.
    #[arg(long, env = "DATABASE_READ_CONNECTIONS", default_value_t = 4)]
    pub database_read_connections: u32,
}

/// Settings for Redis (or Valkey), which carries the live feed.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Redis")]
pub struct Redis {
    /// One server: `redis://[USER:PASSWORD@]HOST:PORT[/DATABASE]`, with TLS `rediss://…`, or `redis+unix:///PATH`. If neither this nor
    /// REDIS_SENTINELS nor REDIS_CLUSTER is set, it is `redis://127.0.0.1:6379`.
    #[arg(long, env = "REDIS_URL", hide_env_values = true, default_value = "")]
    pub redis_url: Secret,

    /// Sentinels that watch a master, separated by commas: `HOST[:PORT]`, or with TLS to the sentinels and the master `rediss://HOST[:PORT]`.
    #[arg(long, env = "REDIS_SENTINELS", hide_env_values = true, default_value = "")]
    pub redis_sentinels: Secret,

    /// Name under which the sentinels know the master.
    #[arg(long, env = "REDIS_SENTINEL_MASTER", default_value = "")]
    pub redis_sentinel_master: String,

    /// User for the sentinels themselves.
    #[arg(long, env = "REDIS_SENTINEL_USERNAME", default_value = "")]
    pub redis_sentinel_username: String,

    /// Password for the sentinels themselves.
    #[arg(long, env = "REDIS_SENTINEL_PASSWORD", hide_env_values = true, default_value = "")]
    pub redis_sentinel_password: Secret,

    /// Nodes of a cluster, separated by commas: `HOST[:PORT]`, or with TLS `rediss://HOST[:PORT]`. The others are found through them.
    #[arg(long, env = "REDIS_CLUSTER", hide_env_values = true, default_value = "")]
    pub redis_cluster: Secret,

    /// User for addresses that contain none.
    #[arg(long, env = "REDIS_USERNAME", default_value = "")]
    pub redis_username: String,

    /// Password for addresses that contain none.
    #[arg(long, env = "REDIS_PASSWORD", hide_env_values = true, default_value = "")]
    pub redis_password: Secret,

    /// File with the certificate authorities (PEM) that sign the certificates of Redis. If unset, the public authorities count.
    #[arg(long, env = "REDIS_CA_FILE", default_value = "")]
    pub redis_ca_file: AuthorityFile,

    /// File with our certificate for Redis (PEM).
    #[arg(long, env = "REDIS_CLIENT_CERT_FILE", default_value = "")]
    pub redis_client_cert_file: CertificateFile,

    /// File with the private key of our certificate (PEM).
    #[arg(long, env = "REDIS_CLIENT_KEY_FILE", default_value = "")]
    pub redis_client_key_file: PrivateKeyFile,

    /// Number of items that the feed keeps, and so how far a client that was away can resume: 100 to 1,000,000. Redis and each notifier
    /// need about 1 kB for each.
    #[arg(long, env = "FEED_KEEP", default_value = "10000", value_parser = parse_feed_keep)]
    pub feed_keep: usize,
}

fn parse_feed_keep(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|count| (100..=1_000_000).contains(count))
        .ok_or_else(|| "expected a whole number from 100 to 1,000,000".to_owned())
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

    /// Seconds after SIGTERM in which the service is not ready but still takes requests, so that load balancers notice before it closes its
    /// port. A second signal ends them.
    #[arg(long, env = "SHUTDOWN_DELAY_SECONDS", default_value_t = 5)]
    pub shutdown_delay_seconds: u64,

    /// Seconds allowed for in-flight requests and open sockets to finish after that.
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

    /// Lets the system write a core dump of this process after a crash, and debuggers attach to it. Its memory contains secrets.
    #[arg(long, env = "ALLOW_CORE_DUMPS", default_value_t = false, action = clap::ArgAction::Set)]
    pub allow_core_dumps: bool,
}

/// Format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// One human-readable line per record.
    Text,
    /// One JSON object per record.
    Json,
}
