//! `ingest webhook`: the webhook as Mandrill has it, made, listed and tried from here.

pub mod add;
pub mod check;
pub mod env_file;
pub mod http_response;
pub mod list;
pub mod mandrill_api;

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use reqwest::Url;
use shared::config::{Log, Secret};

use crate::commands::webhook::mandrill_api::{Api, CallError};
use crate::redact::printable;
use crate::webhook::signature::{Keys, Urls};

/// Settings of `ingest webhook`.
#[derive(Debug, Args)]
pub struct WebhookCommand {
    /// What to do.
    #[command(subcommand)]
    pub command: Action,
    #[command(flatten)]
    /// What is configured.
    pub known: Known,
    #[command(flatten)]
    /// Logs.
    pub log: Log,
}

/// What can be done about webhooks.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Makes a webhook in Mandrill, or updates the one that posts to this address already, and prints its key.
    Add(Add),
    /// Lists the webhooks in Mandrill, and says whose key or address is not configured here.
    List(Account),
    /// Asks the address as Mandrill does: its check of a new address, then an empty batch signed with each key.
    Test {
        /// The address to ask, if not the first of the webhook URLs.
        #[arg(long)]
        url: Option<String>,
    },
}

/// Settings of `ingest webhook add`.
#[derive(Debug, Args)]
pub struct Add {
    /// The address to post to, if not the first of the webhook URLs.
    #[arg(long)]
    pub url: Option<String>,
    /// A kind of event to get; may be repeated. None: all of them.
    #[arg(long = "event", value_parser = add::EVENTS)]
    pub events: Vec<String>,
    /// What Mandrill's own list calls the webhook. None: `Mandrill Listener`, or what it is called already.
    #[arg(long)]
    pub description: Option<String>,
    /// An env file, such as `.env`, in whose line `WEBHOOK_KEYS=` the key is put, beside those that are there.
    #[arg(long, value_name = "FILE")]
    pub store: Option<PathBuf>,
    #[command(flatten)]
    /// The account.
    pub account: Account,
}

/// Whose webhooks they are.
#[derive(Debug, Args)]
#[command(next_help_heading = "Mandrill")]
pub struct Account {
    /// A key of Mandrill's API, for `ingest webhook add` and `list`; it is not the key that deliveries are signed with.
    #[arg(long, env = "MANDRILL_API_KEY", hide_env_values = true)]
    pub mandrill_api_key: Secret,

    /// Where Mandrill's API is.
    #[arg(long, env = "MANDRILL_API_URL", hide_env_values = true, default_value = "https://mandrillapp.com/api/1.0")]
    pub mandrill_api_url: String,
}

impl Account {
    /// Its API.
    ///
    /// # Errors
    /// When the key is empty, or no client can be made.
    pub fn api(&self) -> Result<Api, CallError> {
        Api::new(&self.mandrill_api_url, self.mandrill_api_key.clone())
    }
}

/// The keys and addresses that are configured, as for `ingest serve`.
#[derive(Debug, Args)]
#[command(next_help_heading = "Webhook")]
pub struct Known {
    /// Keys that Mandrill signs with, separated by commas; each `KEY` or `LABEL=KEY`.
    #[arg(long, env = "WEBHOOK_KEYS", hide_env_values = true, default_value = "")]
    pub webhook_keys: Keys,

    /// The webhook's public addresses, separated by commas.
    #[arg(long, env = "WEBHOOK_URLS", hide_env_values = true, default_value = "")]
    pub webhook_urls: Urls,
}

impl Known {
    /// The address that is meant: the given one, or the first that is configured.
    ///
    /// # Errors
    /// When there is none, or it is not one that can be posted to.
    pub fn address<'a>(&'a self, given: Option<&'a str>) -> anyhow::Result<&'a str> {
        let url = given.or(self.webhook_urls.first()).context("no address is given; set WEBHOOK_URLS, or use --url")?;
        let can_be_posted_to = |parsed: Url| matches!(parsed.scheme(), "http" | "https") && parsed.has_host();
        if url.contains(|character: char| character.is_whitespace() || character.is_control())
            || !Url::parse(url).is_ok_and(can_be_posted_to)
        {
            bail!("`{}` is not an http or https address", printable(url));
        }
        Ok(url)
    }

    /// True when this very address is configured.
    pub fn has_address(&self, url: &str) -> bool {
        self.webhook_urls.iter().any(|known| known == url)
    }
}

/// `ingest webhook …`.
///
/// # Errors
/// When Mandrill's API refuses or does not answer, a key cannot be stored, or an address does not answer as it should.
pub async fn run(config: &WebhookCommand) -> anyhow::Result<()> {
    match &config.command {
        Action::Add(options) => add::run(options, &config.known).await,
        Action::List(account) => list::run(account, &config.known).await,
        Action::Test { url } => check::run(url.as_deref(), &config.known).await,
    }
}
