//! Options for `ingest serve`. `App` runs it.

use std::net::SocketAddr;

use clap::Args;
use shared::config::{Connections, Database, Log, Public, Redis};

use crate::api::accounts::oidc::provider::Oidc;
use crate::archive::storage::ArchiveArgs;
use crate::audit::AuditArgs;
use crate::config::{Owner, Replica, Webhook};
use crate::erasure::keys::SecretKeyArgs;
use crate::periodic::alarms::AlarmArgs;
use crate::periodic::key_window::KeyWindowArgs;
use crate::periodic::retention::RetentionArgs;
use crate::store::partitions::PartitionWidth;

/// Options for `ingest serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// Address and port to listen on. It also serves `/healthz`, `/readyz` and `/metrics`, which nginx does not forward.
    #[arg(long, env = "LISTEN", default_value = "127.0.0.1:8081")]
    pub listen: SocketAddr,
    /// Number of tasks that commit deliveries, each with its own connection. Two to four are enough; more would only queue in Postgres.
    #[arg(long, env = "WRITERS", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=32))]
    pub writers: u8,
    #[command(flatten)]
    pub webhook: Webhook,
    #[command(flatten)]
    pub database: Database,
    #[command(flatten)]
    pub owner: Owner,
    #[command(flatten)]
    pub replica: Replica,
    #[command(flatten)]
    pub redis: Redis,
    #[command(flatten)]
    pub retention: RetentionArgs,
    #[command(flatten)]
    pub archive: ArchiveArgs,
    /// What one table of events covers: day, week or month. Retention drops whole tables.
    #[arg(long, env = "PARTITIONS", default_value = "month")]
    pub partitions: PartitionWidth,
    #[command(flatten)]
    pub key_window: KeyWindowArgs,
    #[command(flatten)]
    pub secret_keys: SecretKeyArgs,
    #[command(flatten)]
    pub alarms: AlarmArgs,
    #[command(flatten)]
    pub audit: AuditArgs,
    #[command(flatten)]
    pub public: Public,
    #[command(flatten)]
    pub oidc: Oidc,
    #[command(flatten)]
    pub connections: Connections,
    #[command(flatten)]
    pub log: Log,
}
