//! Validates the webhook's settings: keys, URLs and size limits.

use std::collections::HashSet;

use crate::api::system::report::Finding;
use crate::config::Webhook;
use crate::redact::printable;

/// Minimum number of bytes that a limit must allow. A full batch from Mandrill is 2 to 3 MB.
const FULL_BATCH: usize = 4 << 20;

pub(crate) fn findings(webhook: &Webhook) -> Vec<Finding> {
    let mut findings = vec![keys(webhook), urls(webhook)];
    findings.extend(size_limits(webhook));
    findings
}

fn keys(webhook: &Webhook) -> Finding {
    let keys = &webhook.webhook_keys;
    let labels: HashSet<&str> = keys.iter().map(|key| key.label.as_str()).collect();
    match keys.iter().len() {
        0 => Finding::fail(
            "keys",
            "No webhook key is configured, so every delivery is refused.",
            "Copy the key from Mandrill (Settings → Webhooks) into WEBHOOK_KEYS, or run `ingest webhook add`. Then restart.",
        ),
        count if labels.len() < count => Finding::warn(
            "keys",
            "Two webhook keys have the same label.",
            "Give each key its own label in WEBHOOK_KEYS: LABEL=KEY,OTHER=KEY.",
        ),
        1 => Finding::ok("keys", "1 key is configured."),
        count => Finding::ok("keys", format!("{count} keys are configured.")),
    }
}

fn urls(webhook: &Webhook) -> Finding {
    let urls: Vec<&str> = webhook.webhook_urls.iter().collect();
    let unencrypted = urls.iter().find(|url| url.starts_with("http://") && !is_local(url));
    let not_http = urls.iter().find(|url| !url.starts_with("http://") && !url.starts_with("https://"));
    match (urls.is_empty(), not_http, unencrypted) {
        (true, _, _) => Finding::fail(
            "urls",
            "No webhook URL is configured, so every delivery is refused.",
            "Set WEBHOOK_URLS to the URL exactly as entered in Mandrill.",
        ),
        (_, Some(url), _) => Finding::fail(
            "urls",
            format!("`{}` is not an HTTP URL.", printable(url)),
            "Use the form https://HOST/webhook/ in WEBHOOK_URLS.",
        ),
        (_, _, Some(url)) => Finding::warn(
            "urls",
            format!("{} does not use https, so events travel unencrypted.", printable(url)),
            "Put a TLS proxy in front, and use its https URL in Mandrill and in WEBHOOK_URLS.",
        ),
        _ => Finding::ok("urls", urls.iter().map(|url| printable(url)).collect::<Vec<_>>().join(", ")),
    }
}

fn is_local(url: &str) -> bool {
    let host = url.split("://").nth(1).unwrap_or_default();
    ["127.", "localhost", "[::1]"].iter().any(|local| host.starts_with(local))
}

/// Returns a finding only if a full batch would not fit.
fn size_limits(webhook: &Webhook) -> Option<Finding> {
    let limit = webhook.webhook_max_body.min(webhook.webhook_memory / 2);
    (limit < FULL_BATCH).then(|| {
        Finding::warn(
            "bounds",
            format!("Deliveries larger than {limit} bytes are refused, but a full batch is 2 to 3 MB."),
            "Raise WEBHOOK_MAX_BODY to 33554432 and WEBHOOK_MEMORY to twice that.",
        )
    })
}
