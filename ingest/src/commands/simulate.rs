//! `ingest simulate`: posts signed sample batches as Mandrill does.

mod samples;

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use reqwest::Client;
use serde_json::Value;
use shared::config::Log;
use shared::tls::AuthorityFile;
use time::OffsetDateTime;

use crate::commands::simulate::samples::Samples;
use crate::webhook::signature::{self, Key, Keys, Urls};

const TIMEOUT: Duration = Duration::from_secs(30);

/// Options for `ingest simulate`.
#[derive(Debug, Args)]
pub struct Simulate {
    /// Address to post to. Default: the first of WEBHOOK_URLS, which is always the address that is signed.
    #[arg(long)]
    pub to: Option<String>,
    /// Number of rounds; each round posts all batches.
    #[arg(long, default_value_t = 1)]
    pub rounds: u32,
    /// Keys of the webhook. The first one is used for signing.
    #[arg(long, env = "WEBHOOK_KEYS", hide_env_values = true)]
    pub webhook_keys: Keys,
    /// Public addresses of the webhook. The first one is signed.
    #[arg(long, env = "WEBHOOK_URLS")]
    pub webhook_urls: Urls,
    /// File with the certificate authorities (PEM) that sign the certificate of the address. If unset, the public authorities count.
    #[arg(long, env = "WEBHOOK_CA_FILE", default_value = "")]
    pub webhook_ca_file: AuthorityFile,
    #[command(flatten)]
    pub log: Log,
}

/// Posts the batches and prints each response.
///
/// # Errors
/// If there is no key or address, or a batch is not accepted.
pub async fn run(config: &Simulate) -> anyhow::Result<()> {
    let key = config.webhook_keys.first().context("WEBHOOK_KEYS contains no key to sign with")?;
    let url = config.webhook_urls.first().context("WEBHOOK_URLS contains no address to sign")?;
    let to = config.to.as_deref().unwrap_or(url);
    let client = config.webhook_ca_file.trusted_by(Client::builder().timeout(TIMEOUT))?.build()?;
    for round in 0..config.rounds {
        for (name, batch) in Samples::new(OffsetDateTime::now_utc(), round)?.batches() {
            let response = post(&client, to, key, url, &batch).await;
            let (status, body) = response.with_context(|| format!("no server answers at {to}; check that the stack is up"))?;
            if !status.is_success() {
                bail!("the {name} batch was rejected with {status}: {body}");
            }
            writeln!(std::io::stdout(), "{name:<9} {body}")?;
        }
    }
    Ok(())
}

/// Posts one batch to `to`, signed for `url`.
async fn post(client: &Client, to: &str, key: &Key, url: &str, batch: &Value) -> reqwest::Result<(reqwest::StatusCode, String)> {
    let value = batch.to_string();
    let signature = signature::sign(key, url, value.as_bytes());
    let form = form_urlencoded::Serializer::new(String::new()).append_pair("mandrill_events", &value).finish();
    let request = client
        .post(to)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("user-agent", "Mandrill-Webhook/1.0")
        .header("x-mandrill-signature", signature)
        .body(form);
    let response = request.send().await?;
    Ok((response.status(), response.text().await.unwrap_or_default()))
}
