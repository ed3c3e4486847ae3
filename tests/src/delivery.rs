//! Posts deliveries in the same way as Mandrill.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha1::Sha1;
use stack::Stack;

use crate::api_client::ApiResponse;

/// A Mandrill account with one webhook: its key and its URL.
#[derive(Debug, Clone)]
pub struct Mandrill {
    http: reqwest::Client,
    /// The address that requests are sent to. Differs from `url` in tests that bypass nginx.
    pub to: String,
    /// The URL used in the signature.
    pub url: String,
    /// The signing key.
    pub key: String,
}

impl Mandrill {
    /// An account that posts to `url` and signs with `key`.
    pub fn new(url: &str, key: &str) -> Self {
        Self { http: reqwest::Client::new(), to: url.to_owned(), url: url.to_owned(), key: key.to_owned() }
    }

    /// An account that posts through nginx, using the URL and key of `stack`.
    pub fn of(stack: &Stack) -> Self {
        Self::new(&stack.webhook_url(), &stack.settings().webhook_keys)
    }

    /// Opens a connection for each post. nginx closes idle ones when it reads its settings again, maybe just as the next post is sent.
    pub fn without_keep_alive(self) -> Self {
        let http = reqwest::Client::builder().pool_max_idle_per_host(0).build().expect("the HTTP client should build");
        Self { http, ..self }
    }

    /// Signs these form fields as specified in Mandrill's documentation.
    pub fn sign(&self, fields: &[(&str, &[u8])]) -> String {
        let mut fields = fields.to_vec();
        fields.sort_unstable();
        let mut mac = Hmac::<Sha1>::new_from_slice(self.key.as_bytes()).expect("HMAC accepts keys of any length");
        mac.update(self.url.as_bytes());
        for (name, value) in fields {
            mac.update(name.as_bytes());
            mac.update(value);
        }
        BASE64_STANDARD.encode(mac.finalize().into_bytes())
    }

    /// Posts elements as one signed batch.
    pub async fn deliver(&self, elements: &[Value]) -> ApiResponse {
        self.deliver_text(&Value::from(elements.to_vec()).to_string()).await
    }

    /// Posts text as the signed value of `mandrill_events`.
    pub async fn deliver_text(&self, value: &str) -> ApiResponse {
        self.deliver_bytes(value.as_bytes()).await
    }

    /// Posts bytes as the signed value of `mandrill_events`.
    pub async fn deliver_bytes(&self, value: &[u8]) -> ApiResponse {
        let escaped: String = form_urlencoded::byte_serialize(value).collect();
        self.post(format!("mandrill_events={escaped}"), Some(&self.sign(&[("mandrill_events", value)]))).await
    }

    /// Posts text as the signed value of `mandrill_events`. Returns true if the status is 200, and false if the status differs or
    /// the connection fails.
    pub async fn is_accepted(&self, value: &str) -> bool {
        let escaped: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
        let signature = self.sign(&[("mandrill_events", value.as_bytes())]);
        let response = ApiResponse::try_fetch(self.request(format!("mandrill_events={escaped}"), Some(&signature))).await;
        response.is_some_and(|response| response.status == 200)
    }

    /// Posts an arbitrary form, with an arbitrary signature or none.
    pub async fn post(&self, form: impl Into<reqwest::Body>, signature: Option<&str>) -> ApiResponse {
        ApiResponse::fetch(self.request(form, signature)).await
    }

    fn request(&self, form: impl Into<reqwest::Body>, signature: Option<&str>) -> reqwest::RequestBuilder {
        let mut request = self.http.post(&self.to).header("content-type", "application/x-www-form-urlencoded").body(form);
        if let Some(signature) = signature {
            request = request.header("x-mandrill-signature", signature);
        }
        request
    }
}

/// Builds a message event of this kind for message `id`, with a `ts` in the past.
pub fn event(kind: &str, id: &str) -> Value {
    json!({
        "event": kind, "ts": 1_700_000_000, "_id": id,
        "msg": {"_id": id, "email": format!("{id}@example.com"), "sender": "hello@shop.example.com", "subject": format!("Letter {id}"),
                "tags": ["welcome"], "metadata": {"customer": 7}, "state": "sent"}
    })
}
