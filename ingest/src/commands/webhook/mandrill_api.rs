//! Client for Mandrill's webhook API. Every call is a POST request with a JSON body that contains the API key.
//!
//! Source: `/webhooks/*` in OpenAPI 1.4.0 of the Mailchimp Transactional API. The client recognises an error by the error
//! document rather than the HTTP status, because Mandrill has changed its statuses more than once.

use std::time::Duration;

use reqwest::{Client, StatusCode, redirect};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use shared::config::Secret;

use crate::commands::webhook::http_response::HttpResponse;
use crate::redact::printable;

const TIMEOUT: Duration = Duration::from_secs(30);

/// A webhook in Mandrill. Fields other than the id and the URL may be null or missing.
#[derive(Debug, Deserialize)]
pub(crate) struct RegisteredWebhook {
    pub(crate) id: i64,
    /// The URL that batches are posted to. Signatures cover it.
    pub(crate) url: String,
    pub(crate) description: Option<String>,
    /// The key that signs batches.
    #[serde(default, deserialize_with = "secret")]
    pub(crate) auth_key: Option<Secret>,
    /// Event types that the webhook receives.
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) events: Vec<String>,
    /// `YYYY-MM-DD HH:MM:SS`, UTC.
    pub(crate) last_sent_at: Option<String>,
    pub(crate) batches_sent: Option<i64>,
    pub(crate) events_sent: Option<i64>,
    pub(crate) last_error: Option<String>,
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    #[error("MANDRILL_API_KEY is empty; copy a key from Mandrill, Settings → SMTP & API Info")]
    NoKey,
    /// No response arrived in time.
    #[error("Mandrill's API does not answer at {url}; check this machine's network and MANDRILL_API_URL")]
    Unreachable { url: String, source: reqwest::Error },
    /// The API returned its error document.
    #[error("{}; Mandrill answered {status}, {name}: {message}", advice(.name))]
    Refused { status: StatusCode, name: String, message: String },
    #[error("{url} answered {status}, which is not a response of Mandrill's API; check MANDRILL_API_URL")]
    UnknownShape { url: String, status: StatusCode },
}

/// Advice for the error `name`.
fn advice(name: &str) -> &'static str {
    match name {
        "Invalid_Key" => "MANDRILL_API_KEY is not a valid key; copy an active key from Mandrill, Settings → SMTP & API Info",
        "PaymentRequired" => "the account's plan does not include this; check Billing in Mandrill",
        "Unknown_Webhook" => "the webhook was deleted in Mandrill; run the command again",
        "ValidationError" => {
            "Mandrill rejected these values; the address must answer from the internet (check it with `ingest webhook test`)"
        }
        "RequestLimitExceeded" => "too many calls; wait a minute and run the command again",
        "ServiceUnavailable" | "GeneralError" => "Mandrill reports an internal error; run the command again later",
        _ => "Mandrill rejected the call",
    }
}

/// The API of one account.
pub(crate) struct MandrillApi {
    client: Client,
    base_url: String,
    key: Secret,
}

impl MandrillApi {
    /// `base_url` is the base URL, such as `https://mandrillapp.com/api/1.0`.
    ///
    /// # Errors
    /// If the key is empty, or the HTTP client cannot be created.
    pub(crate) fn new(base_url: &str, key: Secret) -> Result<Self, CallError> {
        if key.reveal().is_empty() {
            return Err(CallError::NoKey);
        }
        let base_url = base_url.trim_end_matches('/').to_owned();
        // Following a redirect would send the key to another server.
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

    /// Lists the webhooks of the account.
    ///
    /// # Errors
    /// If the call fails.
    pub(crate) async fn list(&self) -> Result<Vec<RegisteredWebhook>, CallError> {
        self.call("list", Parameters::default()).await
    }

    /// Returns one webhook.
    ///
    /// # Errors
    /// If the call fails, or the webhook does not exist.
    pub(crate) async fn info(&self, id: i64) -> Result<RegisteredWebhook, CallError> {
        self.call("info", Parameters { id: Some(id), ..Parameters::default() }).await
    }

    /// Creates a webhook. Mandrill first checks that the address responds.
    ///
    /// # Errors
    /// If the call fails, or the address does not respond to Mandrill.
    pub(crate) async fn add(&self, url: &str, description: &str, events: &[String]) -> Result<RegisteredWebhook, CallError> {
        let parameters =
            Parameters { url: Some(url), description: Some(description), events: Some(events), ..Parameters::default() };
        self.call("add", parameters).await
    }

    /// Replaces the address, description and events of a webhook.
    ///
    /// # Errors
    /// Same as for [`Self::add`], or if the webhook does not exist.
    pub(crate) async fn update(
        &self,
        id: i64,
        url: &str,
        description: &str,
        events: &[String],
    ) -> Result<RegisteredWebhook, CallError> {
        let parameters =
            Parameters { id: Some(id), url: Some(url), description: Some(description), events: Some(events), key: "" };
        self.call("update", parameters).await
    }

    async fn call<T: DeserializeOwned>(&self, method: &str, parameters: Parameters<'_>) -> Result<T, CallError> {
        let url = format!("{}/webhooks/{method}.json", self.base_url);
        let key = self.key.reveal();
        let request = self.client.post(&url).json(&Parameters { key, ..parameters });
        let response =
            HttpResponse::fetch(request).await.map_err(|source| CallError::Unreachable { url: printable(&url), source })?;
        let status = response.status;
        if let Ok(error) = serde_json::from_slice::<ErrorDocument>(&response.body)
            && error.status == "error"
        {
            let message = printable(&error.message.replace(key, "[hidden]"));
            return Err(CallError::Refused { status, name: printable(&error.name), message });
        }
        match serde_json::from_slice(&response.body) {
            Ok(result) if status.is_success() => Ok(result),
            _ => Err(CallError::UnknownShape { url: printable(&url), status }),
        }
    }
}

/// Parameters of all calls; each call sends only the ones it needs.
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

/// The API's error document. Its `status` is `error`.
#[derive(Deserialize)]
struct ErrorDocument {
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
    fn webhooks_parse_leniently_and_hide_their_key() {
        let full = r#"{"id": 7, "url": "https://example.com/webhook/", "description": null, "auth_key": "k3y-One_22chars_abcdEF",
            "events": ["open", "sms_open"], "created_at": "2026-11-24 10:00:00.123456", "last_sent_at": null, "batches_sent": 42,
            "events_sent": 1365, "last_error": "POST failed", "brand_new": {"a": [1]}}"#;
        let webhook: RegisteredWebhook = serde_json::from_str(full).expect("the webhook should parse");
        assert_eq!(webhook.auth_key.as_ref().map(Secret::reveal), Some("k3y-One_22chars_abcdEF"));
        assert_eq!(webhook.events, ["open", "sms_open"]);
        assert!(!format!("{webhook:?}").contains("k3y"));
        for brief in [r#"{"id": 7, "url": ""}"#, r#"{"id": 7, "url": "", "auth_key": "", "events": null, "batches_sent": null}"#]
        {
            let webhook: RegisteredWebhook = serde_json::from_str(brief).expect("the webhook should parse");
            assert!(webhook.auth_key.is_none() && webhook.events.is_empty() && webhook.batches_sent.is_none());
        }
    }

    #[test]
    fn an_empty_key_is_refused() {
        let api = MandrillApi::new("https://example.com", "".parse().expect("the secret should parse"));
        assert!(matches!(api, Err(CallError::NoKey)));
    }
}
