//! `ingest token`: creates API tokens without a dashboard.

use std::io::Write;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use shared::config::{Database, Log};
use shared::db;
use shared::masking::Addresses;
use shared::session::{Hash, new_secret};

use crate::commands::sight::RestrictionArgs;
use crate::store::accounts::tokens::{self, TokenGrant};

/// Options for `ingest token`.
#[derive(Debug, Args)]
pub struct Token {
    #[command(subcommand)]
    pub command: TokenCommand,
    #[command(flatten)]
    pub database: Database,
    #[command(flatten)]
    pub log: Log,
}

#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Creates a token and prints it. It cannot be shown again.
    Add {
        /// Purpose of the token.
        name: String,
        /// E-mail address of the user on whose behalf the token acts.
        #[arg(long)]
        user: String,
        /// `read` (events and the live feed) or `simulate` (post events); can be repeated.
        #[arg(long = "scope", required = true, value_parser = ["read", "simulate"])]
        scopes: Vec<String>,
        #[command(flatten)]
        restriction: RestrictionArgs,
        /// Shows the token `a•••@example.com` in place of addresses.
        #[arg(long)]
        masked: bool,
    },
}

/// Runs `ingest token …`.
///
/// # Errors
/// If Postgres fails, or no active user has the address.
pub async fn run(config: &Token) -> anyhow::Result<()> {
    let TokenCommand::Add { name, user, scopes, restriction, masked } = &config.command;
    let restriction = restriction.restriction()?;
    let pool = db::pool(&config.database, "ingest-command", db::Purpose::Work).context("the database cannot be used")?;
    let secret = new_secret().map_err(|_| anyhow::anyhow!("the system's random number generator failed"))?;
    let (restriction, addresses) = (restriction.as_ref(), Addresses::masked_if(*masked));
    let token = TokenGrant { hash: Hash::of(&secret), name, scopes, restriction, addresses };
    if !tokens::add_for_email(&pool, user, &token).await? {
        bail!("no active user has the address {user}");
    }
    writeln!(std::io::stdout(), "{secret}")?;
    Ok(())
}
