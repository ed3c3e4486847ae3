//! `ingest webhook test`.

use std::io::Write;
use std::time::Duration;

use anyhow::bail;
use reqwest::{Client, RequestBuilder, StatusCode, redirect};
use serde_json::Value;

use crate::commands::webhook::configured::ConfiguredWebhook;
use crate::commands::webhook::http_response::HttpResponse;
use crate::redact::printable;
use crate::webhook::signature::{Key, sign, url_check_key};

const TIMEOUT: Duration = Duration::from_secs(30);
/// The empty batch.
const BATCH: &[u8] = b"[]";
/// The form body that contains the empty batch.
const FORM: &str = "mandrill_events=%5B%5D";

/// A request that Mandrill sends to a webhook.
enum Probe<'a> {
    /// The check of a new address.
    Head,
    /// The check that follows a failed HEAD.
    UrlCheck,
    /// A delivery, signed with this key.
    Batch(&'a Key),
}

impl Probe<'_> {
    fn name(&self) -> String {
        match self {
            Self::Head => "HEAD".to_owned(),
            Self::UrlCheck => "POST [], signed with test-webhook".to_owned(),
            Self::Batch(key) => format!("POST [], signed with key `{}`", key.label),
        }
    }

    fn request(&self, client: &Client, url: &str) -> RequestBuilder {
        let signature = match self {
            Self::Head => return client.head(url),
            Self::UrlCheck => sign(&url_check_key(), url, BATCH),
            Self::Batch(key) => sign(key, url, BATCH),
        };
        client
            .post(url)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("x-mandrill-signature", signature)
            .body(FORM)
    }

    /// Advice for a status other than 200.
    fn advice(&self, status: StatusCode) -> &'static str {
        match (self, status.as_u16()) {
            (Self::Head, 401) => "a proxy in front requires a password; Mandrill sends one only if it is part of the address",
            (Self::UrlCheck, 401) => {
                "the WEBHOOK_URLS of the service do not contain this address, character by character (scheme, slash, query); \
                 restart the service after a change"
            }
            (Self::Batch(_), 401) => {
                "the service does not know this key or this address; compare its WEBHOOK_KEYS and WEBHOOK_URLS, and restart it \
                 after a change"
            }
            (_, 200..=299) => "Mandrill accepts only 200; a server other than ingest answers",
            (_, 300..=399) => "the address redirects; enter its target in Mandrill and in WEBHOOK_URLS",
            (_, 500..=599) => "the proxy cannot reach the service, or the service cannot reach Postgres; check their logs",
            _ => "a server other than ingest answers; check the path and the proxy in front",
        }
    }
}

/// Sends every probe, prints each result, and gives advice on failures.
///
/// # Errors
/// If a probe gets no response, or a status other than 200.
pub(crate) async fn run(given: Option<&str>, configured: &ConfiguredWebhook) -> anyhow::Result<()> {
    let url = configured.address(given)?;
    // Mandrill is not known to follow redirects.
    let client = Client::builder().timeout(TIMEOUT).redirect(redirect::Policy::none()).user_agent("Mandrill-Webhook/1.0");
    let client = configured.webhook_ca_file.trusted_by(client)?.build()?;
    let mut probes = vec![Probe::Head, Probe::UrlCheck];
    probes.extend(configured.webhook_keys.iter().map(Probe::Batch));
    let mut out = std::io::stdout();
    writeln!(out, "testing {} from this machine; Mandrill's requests come from the internet", printable(url))?;
    let mut failed = 0;
    for probe in &probes {
        let (result, advice) = match HttpResponse::fetch(probe.request(&client, url)).await {
            Ok(response) if response.status == StatusCode::OK => (summary(&response), None),
            Ok(response) => (summary(&response), Some(probe.advice(response.status))),
            Err(error) => {
                let result = format!("no answer: {}", printable(&format!("{:#}", anyhow::Error::from(error))));
                (result, Some("no server answers; check that the stack is up, the host name, the certificate and the firewall"))
            }
        };
        writeln!(out, "{:<40}  {result}", probe.name())?;
        if let Some(advice) = advice {
            failed += 1;
            writeln!(out, "    {advice}")?;
        }
    }
    if configured.webhook_keys.is_empty() {
        writeln!(out, "WEBHOOK_KEYS is empty, so deliveries will be refused; run `ingest webhook add` to get the key")?;
    }
    if failed > 0 {
        bail!("{failed} of {} requests failed", probes.len());
    }
    Ok(())
}

/// The status, and the error code if the body is a problem document.
fn summary(response: &HttpResponse) -> String {
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let code = body["code"].as_str().unwrap_or_default();
    format!("{} {}", response.status, printable(code)).trim_end().to_owned()
}
