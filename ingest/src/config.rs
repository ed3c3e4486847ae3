//! Settings of `ingest`: the command line, and the environment behind it.

use std::net::SocketAddr;

use clap::{Args, Parser, Subcommand};
use shared::config::{Connections, Database, Log, Public, Redis, Secret};
use shared::session::Role;

use crate::api::accounts::oidc::provider::Oidc;
use crate::commands::doctor::Doctor;
use crate::commands::webhook::WebhookCommand;
use crate::periodic::alarms::Alarms;
use crate::periodic::retention::Keep;
use crate::webhook::signature::{Keys, Urls};

/// Receives Mandrill's webhooks, stores every event in Postgres, relays them to Redis, and serves the API.
///
/// Every option can be given as a variable instead; all of them are listed below.
#[derive(Debug, Parser)]
#[command(name = "ingest", version)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What `ingest` can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serves the webhook and the API until SIGTERM.
    Serve(Box<Serve>),
    /// Applies the migrations and makes the partitions ahead; run it before a new version is started.
    Migrate(Migrate),
    /// Manages the people who may sign in.
    User(User),
    /// Makes API tokens.
    Token(Token),
    /// Posts signed sample batches of every kind to a webhook, as Mandrill would.
    Simulate(Simulate),
    /// Drops the months that are too old, now; a running service does so by itself.
    Retention(Retention),
    /// Looks at everything that an open webhook needs, and says what to do.
    Doctor(Box<Doctor>),
    /// Adds, lists and tests the webhook in Mandrill.
    Webhook(WebhookCommand),
    /// Prints the document that describes the API, in OpenAPI 3.1.
    Openapi(Openapi),
    /// Asks a running `ingest serve` whether it is ready; for container health checks.
    Healthcheck(Healthcheck),
}

impl Command {
    /// How this command logs.
    pub fn log(&self) -> &Log {
        match self {
            Self::Serve(config) => &config.log,
            Self::Migrate(config) => &config.log,
            Self::User(config) => &config.log,
            Self::Token(config) => &config.log,
            Self::Simulate(config) => &config.log,
            Self::Retention(config) => &config.log,
            Self::Doctor(config) => &config.log,
            Self::Webhook(config) => &config.log,
            Self::Openapi(config) => &config.log,
            Self::Healthcheck(config) => &config.log,
        }
    }
}

/// Settings of `ingest serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// Where to listen. Health (`/healthz`, `/readyz`) and `/metrics` are served there too, and not through nginx.
    #[arg(long, env = "LISTEN", default_value = "127.0.0.1:8081")]
    pub listen: SocketAddr,
    /// Tasks that commit deliveries, each on a connection of its own. Two to four are enough; more only queue in Postgres.
    #[arg(long, env = "WRITERS", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=32))]
    pub writers: u8,
    #[command(flatten)]
    /// What deliveries must prove.
    pub webhook: Webhook,
    #[command(flatten)]
    /// Postgres.
    pub database: Database,
    #[command(flatten)]
    /// Redis.
    pub redis: Redis,
    #[command(flatten)]
    /// Retention.
    pub keep: Keep,
    #[command(flatten)]
    /// Alarms.
    pub alarms: Alarms,
    #[command(flatten)]
    /// Origins.
    pub public: Public,
    #[command(flatten)]
    /// Single sign-on.
    pub oidc: Oidc,
    #[command(flatten)]
    /// Connections.
    pub connections: Connections,
    #[command(flatten)]
    /// Logs.
    pub log: Log,
}

/// What a delivery must prove, and how large it may be.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Webhook")]
pub struct Webhook {
    /// Keys that Mandrill signs with, separated by commas; each `KEY` or `LABEL=KEY`. None: deliveries are refused.
    #[arg(long, env = "WEBHOOK_KEYS", hide_env_values = true, default_value = "")]
    pub webhook_keys: Keys,

    /// The webhook's public addresses exactly as typed into Mandrill, separated by commas. They are part of what is signed.
    #[arg(long, env = "WEBHOOK_URLS", default_value = "")]
    pub webhook_urls: Urls,

    /// Largest delivery in bytes; a full batch is 2 to 3 MB, inbound mail with attachments more.
    #[arg(long, env = "WEBHOOK_MAX_BODY", default_value_t = 32 << 20)]
    pub webhook_max_body: usize,

    /// Bytes of deliveries held in memory: half for those not yet proved, half for those being stored. More wait 2 seconds and are then told to come back.
    #[arg(long, env = "WEBHOOK_MEMORY", default_value_t = 64 << 20)]
    pub webhook_memory: usize,

    /// Seconds that a client may take to send a body.
    #[arg(long, env = "BODY_TIMEOUT_SECONDS", default_value_t = 30)]
    pub body_timeout_seconds: u64,
}

/// Settings of `ingest migrate`.
#[derive(Debug, Args)]
pub struct Migrate {
    #[command(flatten)]
    /// Postgres.
    pub database: Database,
    #[command(flatten)]
    /// Logs.
    pub log: Log,
}

/// Settings of `ingest retention`.
#[derive(Debug, Args)]
pub struct Retention {
    /// Says what would be dropped, and drops nothing.
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    /// How long events are kept.
    pub keep: Keep,
    #[command(flatten)]
    /// Postgres.
    pub database: Database,
    #[command(flatten)]
    /// Logs.
    pub log: Log,
}

/// Settings of `ingest user`.
#[derive(Debug, Args)]
pub struct User {
    /// What to do.
    #[command(subcommand)]
    pub command: UserCommand,
    #[command(flatten)]
    /// Postgres.
    pub database: Database,
    #[command(flatten)]
    /// Logs.
    pub log: Log,
}

/// What can be done about people.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Adds a person.
    Add {
        /// The address to sign in with.
        email: String,
        /// What they may do: `viewer` or `admin`.
        #[arg(long, default_value_t = Role::Viewer)]
        role: Role,
        /// At least 10 characters. Better given by the variable than on the command line, where others can see it.
        #[arg(long, env = "USER_PASSWORD", hide_env_values = true)]
        password: Secret,
        /// What to do about a person who is there already.
        #[arg(long, value_enum, default_value_t = IfThere::Fail)]
        if_there: IfThere,
    },
}

/// What to do about a person who is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum IfThere {
    /// Say so, and change nothing.
    Fail,
    /// Leave them as they are.
    Keep,
    /// Give them this role and password, and sign them out if that changes anything.
    Replace,
}

/// Settings of `ingest token`.
#[derive(Debug, Args)]
pub struct Token {
    /// What to do.
    #[command(subcommand)]
    pub command: TokenCommand,
    #[command(flatten)]
    /// Postgres.
    pub database: Database,
    #[command(flatten)]
    /// Logs.
    pub log: Log,
}

/// What can be done about API tokens.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Makes a token and prints it, once.
    Add {
        /// What it is for.
        name: String,
        /// On whose behalf it acts: a person's address.
        #[arg(long)]
        user: String,
        /// `read` (events and the live feed) or `simulate` (post events); may be repeated.
        #[arg(long = "scope", required = true, value_parser = ["read", "simulate"])]
        scopes: Vec<String>,
    },
}

/// Settings of `ingest simulate`.
#[derive(Debug, Args)]
pub struct Simulate {
    /// Where to post, if not to the first of the webhook URLs; what is signed for is always the latter.
    #[arg(long)]
    pub to: Option<String>,
    /// How many rounds of batches.
    #[arg(long, default_value_t = 1)]
    pub rounds: u32,
    /// Keys, of which the first signs.
    #[arg(long, env = "WEBHOOK_KEYS", hide_env_values = true)]
    pub webhook_keys: Keys,
    /// Public addresses, of which the first is signed for.
    #[arg(long, env = "WEBHOOK_URLS")]
    pub webhook_urls: Urls,
    #[command(flatten)]
    /// Logs.
    pub log: Log,
}

/// Settings of `ingest openapi`.
#[derive(Debug, Args)]
pub struct Openapi {
    #[command(flatten)]
    /// Logs.
    pub log: Log,
}

/// Settings of `ingest healthcheck`.
#[derive(Debug, Args)]
pub struct Healthcheck {
    /// Where the service listens.
    #[arg(long, env = "LISTEN", default_value = "127.0.0.1:8081")]
    pub listen: SocketAddr,
    #[command(flatten)]
    /// Logs.
    pub log: Log,
}
