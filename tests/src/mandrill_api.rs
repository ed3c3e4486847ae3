//! Mandrill's API, as far as webhooks go: a server that speaks as the OpenAPI says, and keeps its webhooks in memory.

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

/// The one API key that the account has.
const API_KEY: &str = "m4ndrill-API-key_22chr";
/// How long an address may take to answer a check.
const CHECK_WITHIN: Duration = Duration::from_secs(10);

/// The running API of one account. Dropping it ends it.
#[derive(Debug)]
pub struct MandrillApi {
    /// Where it is, for `MANDRILL_API_URL`.
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
    /// An account without webhooks. It runs in a thread of its own, since tests wait for commands without yielding.
    pub fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        listener.set_nonblocking(true).expect("a listener that does not block");
        let url = format!("http://{}/api/1.0", listener.local_addr().expect("an address"));
        let state = Arc::<Mutex<State>>::default();
        let (stop, stopped) = oneshot::channel();
        let shared = Arc::clone(&state);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(serve(listener, shared, stopped));
        });
        Self { url, state, stop: Some(stop), thread: Some(thread) }
    }

    /// The variables with which a command finds it.
    pub fn environment(&self) -> [(&str, &str); 2] {
        [("MANDRILL_API_URL", &self.url), ("MANDRILL_API_KEY", API_KEY)]
    }

    /// The account's webhooks.
    pub fn webhooks(&self) -> Vec<Value> {
        lock(&self.state).webhooks.clone()
    }

    /// Changes the account's webhooks, as time and other people do.
    pub fn change(&self, change: impl FnOnce(&mut Vec<Value>)) {
        change(&mut lock(&self.state).webhooks);
    }

    /// Every call so far: its method, such as `add`, and its parameters.
    pub fn calls(&self) -> Vec<(String, Value)> {
        lock(&self.state).calls.clone()
    }

    /// Every check of an address so far: `HEAD` or `POST`, and the status of the answer, 0 when there was none.
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
    let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
    let calls = warp::path!("api" / "1.0" / "webhooks" / String)
        .and(warp::post())
        .and(warp::body::json())
        .then(move |method: String, parameters: Value| answer(Arc::clone(&state), method, parameters));
    tokio::select! {
        () = warp::serve(calls).incoming(listener).run() => {}
        _ = stopped => {}
    }
}

async fn answer(state: Arc<Mutex<State>>, method: String, parameters: Value) -> Response {
    let method = method.strip_suffix(".json").unwrap_or(&method);
    lock(&state).calls.push((method.to_owned(), parameters.clone()));
    match call(&state, method, &parameters).await {
        Ok(found) => warp::reply::json(&found).into_response(),
        Err(Refusal { status, code, name, message }) => {
            let document = json!({"status": "error", "code": code, "name": name, "message": message});
            warp::reply::with_status(warp::reply::json(&document), status).into_response()
        }
    }
}

/// What the API's error document says, and under which status.
struct Refusal {
    status: StatusCode,
    code: i32,
    name: &'static str,
    message: String,
}

impl Refusal {
    fn invalid(field: &str, why: &str) -> Self {
        let message = format!("Validation error: {}", json!({ field: why }));
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
            let place = place_of(state, parameters)?;
            Ok(lock(state).webhooks[place].clone())
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
            lay_over(&mut webhook, fields);
            state.webhooks.push(webhook.clone());
            Ok(webhook)
        }
        "update" => {
            let place = place_of(state, parameters)?;
            let fields = fields_of(parameters)?;
            check(state, parameters).await?;
            let mut state = lock(state);
            let webhook = &mut state.webhooks[place];
            lay_over(webhook, fields);
            Ok(webhook.clone())
        }
        _ => {
            let message = format!("Unknown method \"webhooks/{method}\"");
            Err(Refusal { status: StatusCode::INTERNAL_SERVER_ERROR, code: -1, name: "GeneralError", message })
        }
    }
}

/// Where the webhook lies that is named by `id`.
fn place_of(state: &Mutex<State>, parameters: &Value) -> Result<usize, Refusal> {
    let id = parameters["id"].as_i64().ok_or_else(|| Refusal::invalid("id", "Please enter a whole number"))?;
    lock(state).webhooks.iter().position(|webhook| webhook["id"] == id).ok_or_else(|| {
        let message = format!("Unknown hook ID {id}");
        Refusal { status: StatusCode::NOT_FOUND, code: 3, name: "Unknown_Webhook", message }
    })
}

/// What `add` and `update` take: `url`, and `description` and `events` where they are given.
fn fields_of(parameters: &Value) -> Result<Vec<(&'static str, Value)>, Refusal> {
    let mut fields = Vec::new();
    for name in ["url", "description", "events"] {
        let value = &parameters[name];
        let right = match name {
            "url" => value.as_str().is_some_and(|url| url.starts_with("http")),
            "description" => value.is_null() || value.is_string(),
            _ => value.is_null() || value.as_array().is_some_and(|events| events.iter().all(Value::is_string)),
        };
        if !right {
            return Err(Refusal::invalid(name, "Please enter a value of the right type"));
        }
        if !value.is_null() {
            fields.push((name, value.clone()));
        }
    }
    Ok(fields)
}

fn lay_over(webhook: &mut Value, fields: Vec<(&'static str, Value)>) {
    for (name, value) in fields {
        webhook[name] = value;
    }
}

/// Whether the address answers 200: to HEAD, or else to an empty batch signed with the key that is the same for everybody.
async fn check(state: &Mutex<State>, parameters: &Value) -> Result<(), Refusal> {
    let url = parameters["url"].as_str().unwrap_or_default();
    let http = Client::builder().timeout(CHECK_WITHIN).build().expect("a client");
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

/// 16 random bytes in the form of Mandrill's keys: 22 characters that are safe in URLs.
fn auth_key() -> String {
    let random = || RandomState::new().hash_one("a key").to_be_bytes();
    BASE64_URL_SAFE_NO_PAD.encode([random(), random()].concat())
}
