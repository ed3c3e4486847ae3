//! The command line of `ingest`. Each command defines its own options.

use clap::{Parser, Subcommand};
use shared::config::Log;

use crate::commands::archive::Archive;
use crate::commands::dictionary::DictionaryArgs;
use crate::commands::doctor::Doctor;
use crate::commands::healthcheck::Healthcheck;
use crate::commands::import::Import;
use crate::commands::migrate::Migrate;
use crate::commands::openapi::Openapi;
use crate::commands::retention::Retention;
use crate::commands::serve::Serve;
use crate::commands::simulate::Simulate;
use crate::commands::token::Token;
use crate::commands::upkeep::Upkeep;
use crate::commands::user::User;
use crate::commands::webhook::Webhook;

/// Receives Mandrill's webhooks, stores every event in Postgres, publishes it to Redis, and serves the API.
///
/// Every option can also be set through an environment variable. All variables are listed below.
#[derive(Debug, Parser)]
#[command(name = "ingest", version)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serves the webhook and the API until SIGTERM.
    Serve(Box<Serve>),
    /// Applies the migrations and creates partitions ahead of time. Run it before you start a new version.
    Migrate(Migrate),
    /// Manages the users who can sign in.
    User(User),
    /// Creates API tokens.
    Token(Token),
    /// Posts signed sample batches with every event type to a webhook, as Mandrill would.
    Simulate(Simulate),
    /// Drops expired partitions now. A running service drops them automatically.
    Retention(Retention),
    /// Creates partitions, builds indexes, runs background jobs and drops expired partitions, once. Needed by timer if no service has
    /// DATABASE_OWNER_URL and their role does not own the tables.
    Upkeep(Upkeep),
    /// Lists, checks, restores and drops archived partitions.
    Archive(Archive),
    /// Stores events from a file, such as those of another receiver. Those that are stored already are recognised.
    Import(Import),
    /// Makes dictionaries with which payloads are compressed.
    Dictionary(DictionaryArgs),
    /// Checks everything that a working webhook needs, and explains how to fix each problem.
    Doctor(Box<Doctor>),
    /// Adds, lists and tests the webhook in Mandrill.
    Webhook(Webhook),
    /// Prints the OpenAPI 3.1 document of the API.
    Openapi(Openapi),
    /// Checks that a running `ingest serve` is ready; for container health checks.
    Healthcheck(Healthcheck),
}

impl Command {
    pub fn log(&self) -> &Log {
        match self {
            Self::Serve(config) => &config.log,
            Self::Migrate(config) => &config.log,
            Self::User(config) => &config.log,
            Self::Token(config) => &config.log,
            Self::Simulate(config) => &config.log,
            Self::Retention(config) => &config.log,
            Self::Upkeep(config) => &config.log,
            Self::Archive(config) => &config.log,
            Self::Import(config) => &config.log,
            Self::Dictionary(config) => &config.log,
            Self::Doctor(config) => &config.log,
            Self::Webhook(config) => &config.log,
            Self::Openapi(config) => &config.log,
            Self::Healthcheck(config) => &config.log,
        }
    }
}
