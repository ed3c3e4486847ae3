//! `ingest webhook list`.

use std::io::Write;

use crate::commands::webhook::account::Account;
use crate::commands::webhook::configured::ConfiguredWebhook;
use crate::commands::webhook::mandrill_api::RegisteredWebhook;
use crate::redact::printable;

/// Prints one line per webhook, followed by remarks. Keys are compared but never printed.
///
/// # Errors
/// If Mandrill rejects the call or does not respond.
pub(crate) async fn run(account: &Account, configured: &ConfiguredWebhook) -> anyhow::Result<()> {
    let webhooks = account.api()?.list().await?;
    let mut out = std::io::stdout();
    if webhooks.is_empty() {
        writeln!(out, "Mandrill has no webhook; run `ingest webhook add` to add one")?;
        return Ok(());
    }
    writeln!(out, "{:>10}  {:>10}  {:>10}  {:<19}  url", "id", "batches", "events", "last sent (UTC)")?;
    for webhook in &webhooks {
        let (batches, events) = (count_or_unknown(webhook.batches_sent), count_or_unknown(webhook.events_sent));
        let sent = printable(webhook.last_sent_at.as_deref().unwrap_or("never"));
        writeln!(out, "{:>10}  {batches:>10}  {events:>10}  {sent:<19}  {}", webhook.id, printable(&webhook.url))?;
        for remark in remarks(webhook, configured) {
            writeln!(out, "{:>12}{remark}", "")?;
        }
    }
    Ok(())
}

fn count_or_unknown(count: Option<i64>) -> String {
    count.map_or_else(|| "?".to_owned(), |count| count.to_string())
}

fn remarks(webhook: &RegisteredWebhook, configured: &ConfiguredWebhook) -> Vec<String> {
    let key = match &webhook.auth_key {
        Some(key) if configured.webhook_keys.contains(key.reveal()) => "key in WEBHOOK_KEYS",
        Some(_) => "key not in WEBHOOK_KEYS",
        None => "key not reported by Mandrill",
    };
    let url = if configured.has_address(&webhook.url) { "url in WEBHOOK_URLS" } else { "url not in WEBHOOK_URLS" };
    let events = if webhook.events.is_empty() { "none".to_owned() } else { webhook.events.join(" ") };
    let mut remarks = vec![format!("receives: {}", printable(&events)), format!("{key}, {url}")];
    let error = webhook.last_error.as_deref().map(printable).filter(|error| !error.is_empty());
    remarks.extend(error.map(|error| format!("last error: {error}")));
    remarks
}
