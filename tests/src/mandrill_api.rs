//! The webhook endpoints of Mandrill's API: a server that follows Mandrill's OpenAPI document and keeps webhooks in memory.

use std::hash::{BuildHasher, RandomState};
use std::net::TcpListener;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use warp::Filter;
use warp::reply::{Reply, Response};

use crate::delivery::Mandrill;

/// The account's only API key.
const API_KEY: &str = "m4ndrill-API-key_22chr";
/// Timeout for each request that checks a webhook's URL.
const CHECK_TIMEOUT: Duration = Duration::from_secs(10);

/// A running API server with one account. Dropping it stops the server.
#[derive(Debug)]
pub struct MandrillApi {
    /// The base URL, for `MANDRILL_API_URL`.
    pub url: String,
    state: Arc<Mutex<State>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct State {
    webhooks: Vec<Value>,
    calls: Vec<(String, Value)>,
    checks: Vec<String>,
}

impl MandrillApi {
    /// Starts the server with no webhooks. It runs in its own thread, because tests block while a command runs.
    pub fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port should be free");
        listener.set_nonblocking(true).expect("the listener should become non-blocking");
        let url = format!("http://{}/api/1.0", listener.local_addr().expect("the listener should have an address"));
        let state = Arc::<Mutex<State>>::default();
        let (stop, stopped) = oneshot::channel();
        let shared = Arc::clone(&state);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("the runtime should start");
            runtime.block_on(serve(listener, shared, stopped));
        });
        Self { url, state, stop: Some(stop), thread: Some(thread) }
    }

    /// The environment variables that point a command at this API.
    pub fn environment(&self) -> [(&str, &str); 2] {
        [("MANDRILL_API_URL", &self.url), ("MANDRILL_API_KEY", API_KEY)]
    }

    pub fn webhooks(&self) -> Vec<Value> {
        lock(&self.state).webhooks.clone()
    }

    /// Changes the account's webhooks outside the API, as Mandrill or another user could.
    pub fn change(&self, change: impl FnOnce(&mut Vec<Value>)) {
        change(&mut lock(&self.state).webhooks);
    }

    /// All calls so far, each with its method (such as `add`) and parameters.
    pub fn calls(&self) -> Vec<(String, Value)> {
        lock(&self.state).calls.clone()
    }

    /// All URL checks so far: `HEAD` or `POST` and the response status, or 0 if there was no response.
    pub fn checks(&self) -> Vec<String> {
        lock(&self.state).checks.clone()
    }
}

impl Drop for MandrillApi {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(listener: TcpListener, state: Arc<Mutex<State>>, stopped: oneshot::Receiver<()>) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("the listener should be valid");
    let calls = warp::path!("api" / "1.0" / "webhooks" / String)
        .and(warp::post())
        .and(warp::body::json())
        .then(move |method: String, parameters: Value| respond(Arc::clone(&state), method, parameters));
    tokio::select! {
        () = warp::serve(calls).incoming(listener).run() => {}
        _ = stopped => {}
    }
}

async fn respond(state: Arc<Mutex<State>>, method: String, parameters: Value) -> Response {
    let method = method.strip_suffix(".json").unwrap_or(&method);
    lock(&state).calls.push((method.to_owned(), parameters.clone()));
    match call(&state, method, &parameters).await {
        Ok(result) => warp::reply::json(&result).into_response(),
        Err(Refusal { status, code, name, message }) => {
            let document = json!({"status": "error", "code": code, "name": name, "message": message});
            warp::reply::with_status(warp::reply::json(&document), status).into_response()
        }
    }
}

/// An error document and its HTTP status.
struct Refusal {
    status: StatusCode,
    code: i32,
    name: &'static str,
    message: String,
}

impl Refusal {
    fn invalid(field: &str, reason: &str) -> Self {
        let message = format!("Validation error: {}", json!({ field: reason }));
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, code: -2, name: "ValidationError", message }
    }
}

async fn call(state: &Mutex<State>, method: &str, parameters: &Value) -> Result<Value, Refusal> {
    if parameters["key"] != API_KEY {
        let message = "Invalid API key".to_owned();
        return Err(Refusal { status: StatusCode::UNAUTHORIZED, code: 401, name: "Invalid_Key", message });
    }
    match method {
        "list" => Ok(Value::from(lock(state).webhooks.clone())),
        "info" => {
            let index = index_of(state, parameters)?;
            Ok(lock(state).webhooks[index].clone())
        }
        "add" => {
            let fields = fields_of(parameters)?;
            check(state, parameters).await?;
            let mut state = lock(state);
            let mut webhook = json!({
                "id": 1001 + state.webhooks.len(), "url": null, "description": null, "auth_key": auth_key(), "events": [],
                "created_at": "2026-11-24 10:00:00.123456", "last_sent_at": null, "batches_sent": 0, "events_sent": 0,
                "last_error": null
            });
            apply_fields(&mut webhook, fields);
            state.webhooks.push(webhook.clone());
            Ok(webhook)
        }
        "update" => {
            let index = index_of(state, parameters)?;
            let fields = fields_of(parameters)?;
            check(state, parameters).await?;
            let mut state = lock(state);
            let webhook = &mut state.webhooks[index];
            apply_fields(webhook, fields);
            Ok(webhook.clone())
        }
        _ => {
            let message = format!("Unknown method \"webhooks/{method}\"");
            Err(Refusal { status: StatusCode::INTERNAL_SERVER_ERROR, code: -1, name: "GeneralError", message })
        }
    }
}

/// The index of the webhook identified by the `id` parameter.
fn index_of(state: &Mutex<State>, parameters: &Value) -> Result<usize, Refusal> {
    let id = parameters["id"].as_i64().ok_or_else(|| Refusal::invalid("id", "Please enter a whole number"))?;
    lock(state).webhooks.iter().position(|webhook| webhook["id"] == id).ok_or_else(|| {
        let message = format!("Unknown hook ID {id}");
        Refusal { status: StatusCode::NOT_FOUND, code: 3, name: "Unknown_Webhook", message }
    })
}

/// The parameters of `add` and `update`: `url`, and optionally `description` and `events`.
fn fields_of(parameters: &Value) -> Result<Vec<(&'static str, Value)>, Refusal> {
    let mut fields = Vec::new();
    for name in ["url", "description", "events"] {
        let value = &parameters[name];
        let is_valid = match name {
            "url" => value.as_str().is_some_and(|url| url.starts_with("http")),
            "description" => value.is_null() || value.is_string(),
            _ => value.is_null() || value.as_array().is_some_and(|events| events.iter().all(Value::is_string)),
        };
        if !is_valid {
            return Err(Refusal::invalid(name, "Please enter a value of the right type"));
        }
        if !value.is_null() {
            fields.push((name, value.clone()));
        }
    }
    Ok(fields)
}

fn apply_fields(webhook: &mut Value, fields: Vec<(&'static str, Value)>) {
    for (name, value) in fields {
        webhook[name] = value;
    }
}

/// Checks that the URL responds with 200 to a HEAD request or, failing that, to an empty batch signed with `test-webhook`, the
/// key shared by all accounts.
async fn check(state: &Mutex<State>, parameters: &Value) -> Result<(), Refusal> {
    let url = parameters["url"].as_str().unwrap_or_default();
    let http = Client::builder().timeout(CHECK_TIMEOUT).build().expect("the HTTP client should build");
    let head = status_of(http.head(url)).await;
    lock(state).checks.push(format!("HEAD {head}"));
    if head == 200 {
        return Ok(());
    }
    let signature = Mandrill::new(url, "test-webhook").sign(&[("mandrill_events", &b"[]"[..])]);
    let batch = http
        .post(url)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("x-mandrill-signature", signature)
        .body("mandrill_events=%5B%5D");
    let post = status_of(batch).await;
    lock(state).checks.push(format!("POST {post}"));
    if post == 200 { Ok(()) } else { Err(Refusal::invalid("url", "The URL does not answer")) }
}

async fn status_of(request: RequestBuilder) -> u16 {
    request.send().await.map_or(0, |response| response.status().as_u16())
}

/// Generates a random key in Mandrill's format: 16 bytes as 22 URL-safe base64 characters.
fn auth_key() -> String {
    let random = || RandomState::new().hash_one("a key").to_be_bytes();
    BASE64_URL_SAFE_NO_PAD.encode([random(), random()].concat())
}
