//! Settings for deliveries, shared by the service and several commands.

use clap::Args;
use shared::config::{Database, Secret, SettingError};
use shared::db::{self, Address, Purpose};
use sqlx::PgPool;

use crate::webhook::signature::{Keys, Urls};

/// Keys, addresses and limits of the webhook.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Webhook")]
pub struct Webhook {
    /// Keys that Mandrill signs with, separated by commas; each is `KEY` or `LABEL=KEY`. If unset, every delivery is rejected.
    #[arg(long, env = "WEBHOOK_KEYS", hide_env_values = true, default_value = "")]
    pub webhook_keys: Keys,

    /// Public addresses of the webhook, exactly as entered in Mandrill, separated by commas. Mandrill also signs the address.
    #[arg(long, env = "WEBHOOK_URLS", default_value = "")]
    pub webhook_urls: Urls,

    /// Maximum size of a delivery in bytes. A full batch is 2 to 3 MB; inbound mail with attachments is larger.
    #[arg(long, env = "WEBHOOK_MAX_BODY", default_value_t = 32 << 20)]
    pub webhook_max_body: usize,

    /// Maximum number of bytes of deliveries held in memory: half for deliveries not yet verified, half for deliveries being
    /// stored. Further deliveries wait up to 2 seconds and are then rejected with 503.
    #[arg(long, env = "WEBHOOK_MEMORY", default_value_t = 64 << 20)]
    pub webhook_memory: usize,

    /// Time limit for a client to send a body, in seconds.
    #[arg(long, env = "BODY_TIMEOUT_SECONDS", default_value_t = 30)]
    pub body_timeout_seconds: u64,
}

/// The owner of the tables.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Database")]
pub struct Owner {
    /// Postgres as the owner of the tables, who migrates them, drops expired months and builds indexes. If set, the role of DATABASE_URL needs
    /// none of these rights, and `ingest migrate` creates it. If unset, that role must own the tables, or `ingest upkeep` must run by timer.
    #[arg(long, env = "DATABASE_OWNER_URL", hide_env_values = true, default_value = "")]
    pub database_owner_url: Secret,

    /// Password for an owner's address that contains none.
    #[arg(long, env = "DATABASE_OWNER_PASSWORD", hide_env_values = true, default_value = "")]
    pub database_owner_password: Secret,
}

impl Owner {
    /// Whether the owner has an address.
    pub fn is_set(&self) -> bool {
        !self.database_owner_url.reveal().is_empty()
    }

    /// Connections to the owner's address, or to `DATABASE_URL` if there is none.
    ///
    /// # Errors
    /// If the address is malformed.
    pub fn pool(&self, database: &Database, name: &str, purpose: Purpose) -> Result<PgPool, SettingError> {
        db::pool_at(self.address(database), database, name, purpose)
    }

    /// Like [`Owner::pool`], but `None` if the owner has no address.
    ///
    /// # Errors
    /// If the address is malformed.
    pub fn own_pool(&self, database: &Database, name: &str, purpose: Purpose) -> Result<Option<PgPool>, SettingError> {
        self.is_set().then(|| self.pool(database, name, purpose)).transpose()
    }

    /// The owner's address, or `DATABASE_URL` if there is none.
    pub fn address<'a>(&'a self, database: &'a Database) -> Address<'a> {
        if self.is_set() {
            let (url, password) = (&self.database_owner_url, &self.database_owner_password);
            Address { setting: "DATABASE_OWNER_URL", url, password }
        } else {
            Address::of_service(database)
        }
    }
}

/// The read replica.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Database")]
pub struct Replica {
    /// A streaming replica of Postgres for exports and statistics. It must be one server. Lists and searches stay with DATABASE_URL, whose
    /// password counts if this address contains none.
    #[arg(long, env = "DATABASE_READ_URL", hide_env_values = true, default_value = "")]
    pub database_read_url: Secret,

    /// How old the data of the replica may be, in seconds, at most an hour. While it is older, the primary is read.
    #[arg(long, env = "READ_MAX_LAG_SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub read_max_lag_seconds: u64,
}
