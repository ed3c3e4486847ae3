//! `ingest webhook add`.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;

use crate::commands::webhook::account::Account;
use crate::commands::webhook::configured::ConfiguredWebhook;
use crate::commands::webhook::env_file::{self, KeyStatus};
use crate::commands::webhook::mandrill_api::{CallError, MandrillApi, RegisteredWebhook};
use crate::redact::printable;

/// Event types of a webhook: message events, then list changes.
const EVENTS: [&str; 12] = [
    "send",
    "deferral",
    "hard_bounce",
    "soft_bounce",
    "delivered",
    "open",
    "click",
    "spam",
    "unsub",
    "reject",
    "blacklist",
    "whitelist",
];
const DEFAULT_DESCRIPTION: &str = "Mandrill Listener";

/// Options for `ingest webhook add`.
#[derive(Debug, Args)]
pub struct Add {
    /// Address to post to. Default: the first of WEBHOOK_URLS.
    #[arg(long)]
    pub url: Option<String>,
    /// Event type to receive; can be repeated. Default: all types.
    #[arg(long = "event", value_parser = EVENTS)]
    pub events: Vec<String>,
    /// Name of the webhook in Mandrill's list. Default: the existing name, or `Mandrill Listener`.
    #[arg(long)]
    pub description: Option<String>,
    /// Env file, such as `.env`, in which the key is added to the `WEBHOOK_KEYS=` line. The other keys are kept.
    #[arg(long, value_name = "FILE")]
    pub store: Option<PathBuf>,
    #[command(flatten)]
    pub account: Account,
}

/// Adds the webhook, or updates the one with exactly this address, and prints where to put its key.
///
/// # Errors
/// If Mandrill rejects a call or does not respond, or the key cannot be stored.
pub(crate) async fn run(options: &Add, configured: &ConfiguredWebhook) -> anyhow::Result<()> {
    let url = configured.address(options.url.as_deref())?;
    let api = options.account.api()?;
    let existing = api.list().await?.into_iter().find(|webhook| webhook.url == url);
    let (webhook, outcome) = match existing {
        Some(webhook) => update(&api, webhook, options).await?,
        None => {
            let description = options.description.as_deref().unwrap_or(DEFAULT_DESCRIPTION);
            (api.add(url, description, &requested_events(options)).await?, "added")
        }
    };
    let mut out = std::io::stdout();
    writeln!(out, "webhook {} {outcome}: {}", webhook.id, printable(url))?;
    writeln!(out, "events  {}", printable(&webhook.events.join(" ")))?;
    if !configured.has_address(url) {
        writeln!(out, "WEBHOOK_URLS does not contain this address; add it exactly as given")?;
    }
    let key = match webhook.auth_key {
        Some(key) => Some(key),
        None => api.info(webhook.id).await?.auth_key,
    };
    let key = key.context("Mandrill did not return the webhook's key; copy it from Settings → Webhooks into WEBHOOK_KEYS")?;
    print_key(&mut out, key.reveal(), options.store.as_deref(), configured)
}

fn requested_events(options: &Add) -> Vec<String> {
    if options.events.is_empty() { EVENTS.map(str::to_owned).to_vec() } else { options.events.clone() }
}

/// Updates the webhook's events and description, and returns it with the outcome to print. Without `--event`, it keeps
/// event types that are selected in Mandrill but unknown here.
async fn update(
    api: &MandrillApi,
    webhook: RegisteredWebhook,
    options: &Add,
) -> Result<(RegisteredWebhook, &'static str), CallError> {
    let mut events = requested_events(options);
    if options.events.is_empty() {
        let others: Vec<String> = webhook.events.iter().filter(|event| !events.contains(event)).cloned().collect();
        events.extend(others);
    }
    let description = options.description.as_deref().or(webhook.description.as_deref());
    let set = |events: &[String]| events.iter().cloned().collect::<BTreeSet<_>>();
    if set(&events) == set(&webhook.events) && description == webhook.description.as_deref() {
        return Ok((webhook, "unchanged"));
    }
    let updated = api.update(webhook.id, &webhook.url, description.unwrap_or(DEFAULT_DESCRIPTION), &events).await?;
    Ok((updated, "updated"))
}

fn print_key(out: &mut impl Write, key: &str, store: Option<&Path>, configured: &ConfiguredWebhook) -> anyhow::Result<()> {
    writeln!(out, "key     {}", printable(key))?;
    if let Some(file) = store {
        match env_file::add_key(file, key)? {
            KeyStatus::Added => {
                writeln!(out, "the key was added to WEBHOOK_KEYS in {}; restart ingest to use it", file.display())?
            }
            KeyStatus::AlreadyPresent => writeln!(out, "WEBHOOK_KEYS in {} already contains the key", file.display())?,
        }
    } else if configured.webhook_keys.contains(key) {
        writeln!(out, "WEBHOOK_KEYS already contains the key")?;
    } else {
        let (action, others) =
            if configured.webhook_keys.is_empty() { ("set it", "") } else { ("add it after the other keys", "…,") };
        writeln!(out, "{action}, and restart ingest to use it:\nWEBHOOK_KEYS={others}{}", printable(key))?;
    }
    Ok(())
}
