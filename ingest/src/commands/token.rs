//! `ingest token`: creates API tokens without a dashboard.

use std::io::Write;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use shared::config::{Database, Log};
use shared::db;
use shared::masking::Addresses;
use shared::session::{Hash, new_secret};
use shared::visibility::Restriction;

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
        /// Limits the token to events of this subaccount; can be repeated. With several limits, any of them suffices.
        #[arg(long = "subaccount", value_name = "NAME")]
        subaccounts: Vec<String>,
        /// Limits the token to events with this tag; can be repeated.
        #[arg(long = "tag", value_name = "TAG")]
        tags: Vec<String>,
        /// Limits the token to events whose sender has an address of this domain; can be repeated.
        #[arg(long = "domain", value_name = "DOMAIN")]
        domains: Vec<String>,
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
    let TokenCommand::Add { name, user, scopes, subaccounts, tags, domains, masked } = &config.command;
    let restriction = Restriction { subaccounts: subaccounts.clone(), tags: tags.clone(), domains: domains.clone() };
    let restriction = Some(restriction.normalize()?).filter(|restriction| *restriction != Restriction::default());
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
