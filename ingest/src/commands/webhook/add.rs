//! `ingest webhook add`.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;

use anyhow::Context;

use crate::commands::webhook::env_file::Stored;
use crate::commands::webhook::mandrill_api::{Api, CallError, Webhook};
use crate::commands::webhook::{Add, Known, env_file as store};
use crate::redact::printable;

/// The kinds of events that a webhook can get: those about messages, then those about the lists.
pub const EVENTS: [&str; 12] = [
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
const DESCRIPTION: &str = "Mandrill Listener";

/// Makes the webhook, or updates the one that has this very address, and says where its key belongs.
///
/// # Errors
/// When Mandrill refuses or does not answer, or the key cannot be stored.
pub async fn run(options: &Add, known: &Known) -> anyhow::Result<()> {
    let url = known.address(options.url.as_deref())?;
    let api = options.account.api()?;
    let there = api.list().await?.into_iter().find(|webhook| webhook.url == url);
    let (webhook, deed) = match there {
        Some(webhook) => update(&api, webhook, options).await?,
        None => (api.add(url, options.description.as_deref().unwrap_or(DESCRIPTION), &chosen(options)).await?, "added"),
    };
    let mut out = std::io::stdout();
    writeln!(out, "webhook {} {deed}: {}", webhook.id, printable(url))?;
    writeln!(out, "events  {}", printable(&webhook.events.join(" ")))?;
    if !known.has_address(url) {
        writeln!(out, "WEBHOOK_URLS does not hold this address; put it there, exactly as it was given")?;
    }
    let key = match webhook.auth_key {
        Some(key) => Some(key),
        None => api.info(webhook.id).await?.auth_key,
    };
    let key = key.context("Mandrill did not tell the webhook's key; copy it from Settings → Webhooks into WEBHOOK_KEYS")?;
    tell_key(&mut out, key.reveal(), options.store.as_deref(), known)
}

/// The kinds that were asked for.
fn chosen(options: &Add) -> Vec<String> {
    if options.events.is_empty() { EVENTS.map(str::to_owned).to_vec() } else { options.events.clone() }
}

/// Gives the webhook the events that were asked for, and says what was done. Where all were, those that are not known here
/// and that somebody chose in Mandrill stay.
async fn update(api: &Api, webhook: Webhook, options: &Add) -> Result<(Webhook, &'static str), CallError> {
    let mut events = chosen(options);
    if options.events.is_empty() {
        let others: Vec<String> = webhook.events.iter().filter(|event| !events.contains(event)).cloned().collect();
        events.extend(others);
    }
    let described = options.description.as_deref().or(webhook.description.as_deref());
    let set = |events: &[String]| events.iter().cloned().collect::<BTreeSet<_>>();
    if set(&events) == set(&webhook.events) && described == webhook.description.as_deref() {
        return Ok((webhook, "was there already, and stays as it is"));
    }
    let updated = api.update(webhook.id, &webhook.url, described.unwrap_or(DESCRIPTION), &events).await?;
    Ok((updated, "was there already, and is updated"))
}

fn tell_key(out: &mut impl Write, key: &str, store: Option<&Path>, known: &Known) -> anyhow::Result<()> {
    writeln!(out, "key     {}", printable(key))?;
    if let Some(file) = store {
        match store::put(file, key)? {
            Stored::Added => writeln!(out, "WEBHOOK_KEYS in {} holds the key now; restart ingest with it", file.display())?,
            Stored::AlreadyThere => writeln!(out, "WEBHOOK_KEYS in {} held the key already", file.display())?,
        }
    } else if known.webhook_keys.contains(key) {
        writeln!(out, "WEBHOOK_KEYS holds the key already")?;
    } else {
        let others = if known.webhook_keys.is_empty() { "" } else { "…," };
        let what = if others.is_empty() { "set this" } else { "put it after the others" };
        writeln!(out, "{what}, and restart ingest with it:\nWEBHOOK_KEYS={others}{}", printable(key))?;
    }
    Ok(())
}
