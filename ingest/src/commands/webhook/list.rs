//! `ingest webhook list`.

use std::io::Write;

use crate::commands::webhook::mandrill_api::Webhook;
use crate::commands::webhook::{Account, Known};
use crate::redact::printable;

/// Prints a line for each webhook, and below it what there is to say about it. Keys are compared, and never shown.
///
/// # Errors
/// When Mandrill refuses or does not answer.
pub async fn run(account: &Account, known: &Known) -> anyhow::Result<()> {
    let webhooks = account.api()?.list().await?;
    let mut out = std::io::stdout();
    if webhooks.is_empty() {
        writeln!(out, "Mandrill has no webhook; `ingest webhook add` makes one")?;
        return Ok(());
    }
    writeln!(out, "{:>10}  {:>10}  {:>10}  {:<19}  url", "id", "batches", "events", "last sent (UTC)")?;
    for webhook in &webhooks {
        let (batches, events) = (number(webhook.batches_sent), number(webhook.events_sent));
        let sent = printable(webhook.last_sent_at.as_deref().unwrap_or("never"));
        writeln!(out, "{:>10}  {batches:>10}  {events:>10}  {sent:<19}  {}", webhook.id, printable(&webhook.url))?;
        for remark in remarks(webhook, known) {
            writeln!(out, "{:>12}{remark}", "")?;
        }
    }
    Ok(())
}

fn number(count: Option<i64>) -> String {
    count.map_or_else(|| "?".to_owned(), |count| count.to_string())
}

fn remarks(webhook: &Webhook, known: &Known) -> Vec<String> {
    let key = match &webhook.auth_key {
        Some(key) if known.webhook_keys.contains(key.reveal()) => "key in WEBHOOK_KEYS",
        Some(_) => "key not in WEBHOOK_KEYS",
        None => "key not told by Mandrill",
    };
    let url = if known.has_address(&webhook.url) { "url in WEBHOOK_URLS" } else { "url not in WEBHOOK_URLS" };
    let events = if webhook.events.is_empty() { "none".to_owned() } else { webhook.events.join(" ") };
    let mut remarks = vec![format!("gets: {}", printable(&events)), format!("{key}, {url}")];
    let error = webhook.last_error.as_deref().map(printable).filter(|error| !error.is_empty());
    remarks.extend(error.map(|error| format!("last error: {error}")));
    remarks
}
