//! `ingest webhook`: adds, lists and tests the webhook in Mandrill.

mod account;
mod add;
mod check;
mod configured;
mod env_file;
mod http_response;
mod list;
mod mandrill_api;

use clap::{Args, Subcommand};
use shared::config::Log;

use crate::commands::webhook::account::Account;
use crate::commands::webhook::add::Add;
use crate::commands::webhook::configured::ConfiguredWebhook;

/// Options for `ingest webhook`.
#[derive(Debug, Args)]
pub struct Webhook {
    #[command(subcommand)]
    pub command: WebhookCommand,
    #[command(flatten)]
    pub configured: ConfiguredWebhook,
    #[command(flatten)]
    pub log: Log,
}

#[derive(Debug, Subcommand)]
pub enum WebhookCommand {
    /// Adds the webhook in Mandrill, or updates the one that already posts to this address, and prints its key.
    Add(Add),
    /// Lists the webhooks in Mandrill, and reports keys and addresses that are not configured here.
    List(Account),
    /// Sends the same requests as Mandrill: the validation request for a new webhook URL, then an empty batch signed with each key.
    Test {
        /// Address to test. Default: the first of WEBHOOK_URLS.
        #[arg(long)]
        url: Option<String>,
    },
}

/// Runs `ingest webhook …`.
///
/// # Errors
/// If Mandrill's API rejects the call or does not respond, a key cannot be stored, or a test fails.
pub async fn run(config: &Webhook) -> anyhow::Result<()> {
    match &config.command {
        WebhookCommand::Add(options) => add::run(options, &config.configured).await,
        WebhookCommand::List(account) => list::run(account, &config.configured).await,
        WebhookCommand::Test { url } => check::run(url.as_deref(), &config.configured).await,
    }
}
