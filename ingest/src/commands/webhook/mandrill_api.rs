//! Mandrill's own API, as far as webhooks need it: every call is a POST of JSON, with the API key in it.
//!
//! Source: `/webhooks/*` in OpenAPI 1.4.0 of the Mailchimp Transactional API. Refusals are told by their document and not by
//! the HTTP status, since Mandrill has changed its statuses more than once.

use std::time::Duration;

use reqwest::{Client, StatusCode, redirect};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use shared::config::Secret;

use crate::commands::webhook::http_response::Answer;
use crate::redact::printable;

const TIMEOUT: Duration = Duration::from_secs(30);

/// A webhook as Mandrill has it. Whatever is not needed to speak about it may be null or missing.
#[derive(Debug, Deserialize)]
pub struct Webhook {
    /// Its number.
    pub id: i64,
    /// Where batches are posted, and what they are signed for.
    pub url: String,
    /// What somebody called it.
    pub description: Option<String>,
    /// What batches are signed with.
    #[serde(default, deserialize_with = "secret")]
    pub auth_key: Option<Secret>,
    /// The kinds of events that it gets.
    #[serde(default, deserialize_with = "or_default")]
    pub events: Vec<String>,
    /// `YYYY-MM-DD HH:MM:SS.ffffff`, UTC.
    pub created_at: Option<String>,
    /// `YYYY-MM-DD HH:MM:SS`, UTC.
    pub last_sent_at: Option<String>,
    /// How many batches were posted.
    pub batches_sent: Option<i64>,
    /// How many events were in them.
    pub events_sent: Option<i64>,
    /// What went wrong the last time.
    pub last_error: Option<String>,
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// An empty key.
    #[error("MANDRILL_API_KEY is empty; copy a key from Mandrill, Settings → SMTP & API Info")]
    NoKey,
    /// No answer in time.
    #[error("Mandrill's API does not answer at {url}; look at this machine's way there, and at MANDRILL_API_URL")]
    Unreachable {
        /// What was called.
        url: String,
        /// What happened.
        source: reqwest::Error,
    },
    /// The API's own error document.
    #[error("{}; Mandrill answered {status}, {name}: {message}", advice(.name))]
    Refused {
        /// The HTTP status.
        status: StatusCode,
        /// The error's name.
        name: String,
        /// The error's text.
        message: String,
    },
    /// Something else.
    #[error("{url} answers {status}, and not as Mandrill's API does; look at MANDRILL_API_URL")]
    UnknownShape {
        /// What was called.
        url: String,
        /// The HTTP status.
        status: StatusCode,
    },
}

/// What to do about a refusal.
fn advice(name: &str) -> &'static str {
    match name {
        "Invalid_Key" => "MANDRILL_API_KEY is not a valid key; copy one that is active from Mandrill, Settings → SMTP & API Info",
        "PaymentRequired" => "the account's plan does not include this; look at Billing in Mandrill",
        "Unknown_Webhook" => "the webhook is gone, somebody has deleted it; run the command again",
        "ValidationError" => {
            "Mandrill does not take these values; the address must answer from the internet, which `ingest webhook test` tries"
        }
        "RequestLimitExceeded" => "there were too many calls; wait a minute and run the command again",
        "ServiceUnavailable" | "GeneralError" => "Mandrill itself has a fault; run the command again later",
        _ => "Mandrill refuses the call",
    }
}

/// The API of one account.
pub struct Api {
    client: Client,
    base_url: String,
    key: Secret,
}

impl Api {
    /// The API at `base_url`, such as `https://mandrillapp.com/api/1.0`.
    ///
    /// # Errors
    /// When the key is empty, or no client can be made.
    pub fn new(base_url: &str, key: Secret) -> Result<Self, CallError> {
        if key.reveal().is_empty() {
            return Err(CallError::NoKey);
        }
        let base_url = base_url.trim_end_matches('/').to_owned();
        // A redirect would carry the key elsewhere.
        let client = Client::builder()
            .timeout(TIMEOUT)
            .redirect(redirect::Policy::none())
            .user_agent(concat!("mandrill-listener/", env!("CARGO_PKG_VERSION")))
            .build();
        match client {
            Ok(client) => Ok(Self { client, base_url, key }),
            Err(source) => Err(CallError::Unreachable { url: printable(&base_url), source }),
        }
    }

    /// Every webhook of the account.
    ///
    /// # Errors
    /// When the call fails.
    pub async fn list(&self) -> Result<Vec<Webhook>, CallError> {
        self.call("list", Parameters::default()).await
    }

    /// One webhook.
    ///
    /// # Errors
    /// When the call fails, or there is no such webhook.
    pub async fn info(&self, id: i64) -> Result<Webhook, CallError> {
        self.call("info", Parameters { id: Some(id), ..Parameters::default() }).await
    }

    /// Makes a webhook, after Mandrill has checked that the address answers.
    ///
    /// # Errors
    /// When the call fails, or the address does not answer Mandrill.
    pub async fn add(&self, url: &str, description: &str, events: &[String]) -> Result<Webhook, CallError> {
        let parameters =
            Parameters { url: Some(url), description: Some(description), events: Some(events), ..Parameters::default() };
        self.call("add", parameters).await
    }

    /// Gives a webhook these values in place of those that it has.
    ///
    /// # Errors
    /// As [`Api::add`], or when there is no such webhook.
    pub async fn update(&self, id: i64, url: &str, description: &str, events: &[String]) -> Result<Webhook, CallError> {
        let parameters =
            Parameters { id: Some(id), url: Some(url), description: Some(description), events: Some(events), key: "" };
        self.call("update", parameters).await
    }

    async fn call<T: DeserializeOwned>(&self, method: &str, parameters: Parameters<'_>) -> Result<T, CallError> {
        let url = format!("{}/webhooks/{method}.json", self.base_url);
        let key = self.key.reveal();
        let request = self.client.post(&url).json(&Parameters { key, ..parameters });
        let answer = Answer::of(request).await.map_err(|source| CallError::Unreachable { url: printable(&url), source })?;
        let status = answer.status;
        if let Ok(refusal) = serde_json::from_slice::<Refusal>(&answer.body)
            && refusal.status == "error"
        {
            let message = printable(&refusal.message.replace(key, "[hidden]"));
            return Err(CallError::Refused { status, name: printable(&refusal.name), message });
        }
        match serde_json::from_slice(&answer.body) {
            Ok(result) if status.is_success() => Ok(result),
            _ => Err(CallError::UnknownShape { url: printable(&url), status }),
        }
    }
}

/// What a call may carry.
#[derive(Default, Serialize)]
struct Parameters<'a> {
    key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    events: Option<&'a [String]>,
}

/// The API's error document, whose `status` is the word `error`.
#[derive(Deserialize)]
struct Refusal {
    status: String,
    #[serde(default, deserialize_with = "or_default")]
    name: String,
    #[serde(default, deserialize_with = "or_default")]
    message: String,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    let key = Option::<String>::deserialize(deserializer)?.filter(|key| !key.is_empty());
    Ok(key.and_then(|key| key.parse().ok()))
}

fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_is_read_leniently_and_does_not_show_its_key() {
        let full = r#"{"id": 7, "url": "https://example.com/webhook/", "description": null, "auth_key": "k3y-One_22chars_abcdEF",
            "events": ["open", "sms_open"], "created_at": "2026-11-24 10:00:00.123456", "last_sent_at": null, "batches_sent": 42,
            "events_sent": 1365, "last_error": "POST failed", "brand_new": {"a": [1]}}"#;
        let webhook: Webhook = serde_json::from_str(full).expect("a webhook");
        assert_eq!(webhook.auth_key.as_ref().map(Secret::reveal), Some("k3y-One_22chars_abcdEF"));
        assert_eq!(webhook.events, ["open", "sms_open"]);
        assert!(!format!("{webhook:?}").contains("k3y"));
        for brief in [r#"{"id": 7, "url": ""}"#, r#"{"id": 7, "url": "", "auth_key": "", "events": null, "batches_sent": null}"#]
        {
            let webhook: Webhook = serde_json::from_str(brief).expect("a webhook");
            assert!(webhook.auth_key.is_none() && webhook.events.is_empty() && webhook.batches_sent.is_none());
        }
    }

    #[test]
    fn an_empty_key_is_no_key() {
        let api = Api::new("https://example.com", "".parse().expect("a secret"));
        assert!(matches!(api, Err(CallError::NoKey)));
    }
}
