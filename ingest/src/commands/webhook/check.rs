//! `ingest webhook test`.

use std::io::Write;
use std::time::Duration;

use anyhow::bail;
use reqwest::{Client, RequestBuilder, StatusCode, redirect};
use serde_json::Value;

use crate::commands::webhook::Known;
use crate::commands::webhook::http_response::Answer;
use crate::redact::printable;
use crate::webhook::signature::{Key, sign, url_check_key};

const TIMEOUT: Duration = Duration::from_secs(30);
/// The empty batch, and the form that carries it.
const BATCH: &[u8] = b"[]";
const FORM: &str = "mandrill_events=%5B%5D";

/// What Mandrill asks an address.
enum Question<'a> {
    /// Whether it is there.
    Head,
    /// The same, where HEAD was not enough.
    UrlCheck,
    /// A delivery, by the key of a webhook.
    Batch(&'a Key),
}

impl Question<'_> {
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

    /// What to do about an answer that is not 200.
    fn advice(&self, status: StatusCode) -> &'static str {
        match (self, status.as_u16()) {
            (Self::Head, 401) => "something in front asks for a password; Mandrill sends one where it is part of the address",
            (Self::UrlCheck, 401) => {
                "the WEBHOOK_URLS of the service that answers do not hold this address, character by character (scheme, slash, \
                 query); restart it after a change"
            }
            (Self::Batch(_), 401) => {
                "the service that answers does not know this key or this address; compare its WEBHOOK_KEYS and WEBHOOK_URLS, and \
                 restart it after a change"
            }
            (_, 200..=299) => "Mandrill takes 200 alone for an answer; something else than ingest answers",
            (_, 300..=399) => "the address leads elsewhere; give Mandrill and WEBHOOK_URLS the one that it leads to",
            (_, 500..=599) => "the proxy does not reach the service, or the service does not reach Postgres; look at their logs",
            _ => "something else than ingest answers; look at the path, and at the proxy in front",
        }
    }
}

/// Asks everything, prints each answer, and says what to do about those that are not 200.
///
/// # Errors
/// When one of them is not.
pub async fn run(given: Option<&str>, known: &Known) -> anyhow::Result<()> {
    let url = known.address(given)?;
    // Mandrill is not known to follow redirects.
    let client =
        Client::builder().timeout(TIMEOUT).redirect(redirect::Policy::none()).user_agent("Mandrill-Webhook/1.0").build()?;
    let mut questions = vec![Question::Head, Question::UrlCheck];
    questions.extend(known.webhook_keys.iter().map(Question::Batch));
    let mut out = std::io::stdout();
    writeln!(out, "asking {} from this machine; Mandrill asks from the internet", printable(url))?;
    let mut failed = 0;
    for question in &questions {
        let (said, advice) = match Answer::of(question.request(&client, url)).await {
            Ok(answer) if answer.status == StatusCode::OK => (summary(&answer), None),
            Ok(answer) => (summary(&answer), Some(question.advice(answer.status))),
            Err(error) => {
                let said = format!("no answer: {}", printable(&format!("{:#}", anyhow::Error::from(error))));
                (said, Some("nobody answers; look at whether the stack is up, the name, the certificate and the firewall"))
            }
        };
        writeln!(out, "{:<40}  {said}", question.name())?;
        if let Some(advice) = advice {
            failed += 1;
            writeln!(out, "    {advice}")?;
        }
    }
    if known.webhook_keys.is_empty() {
        writeln!(out, "WEBHOOK_KEYS is empty, so deliveries will be refused; `ingest webhook add` prints the key")?;
    }
    if failed > 0 {
        bail!("{failed} of {} answers are not what Mandrill needs", questions.len());
    }
    Ok(())
}

/// The status, and the code of a problem.
fn summary(answer: &Answer) -> String {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let code = body["code"].as_str().unwrap_or_default();
    format!("{} {}", answer.status, printable(code)).trim_end().to_owned()
}
