//! Publishes messages to a contender through the interface that its users would normally use.

use anyhow::{Context, ensure};
use bytes::Bytes;
use clap::{Args, Command, FromArgMatches};
use hmac::{Hmac, KeyInit, Mac};
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use shared::config;
use shared::feed::{self, EncodedBatch, FeedItem};
use shared::notification::{Audience, Notification};
use shared::redis::{Connection, Redis};
use time::OffsetDateTime;
use tokio::net::TcpStream;

const MESSAGE_BYTES: usize = 256;

/// A publishing target that is not yet connected.
#[derive(Debug, Clone)]
pub(super) enum Target {
    /// The URL of our stack's Redis.
    Feed(String),
    /// The address of a server with `POST /publish`.
    Plain(String),
    /// The address of a server that implements Pusher's API.
    Pusher(String),
}

impl Target {
    /// Connects from the current thread's runtime.
    pub(super) async fn open(&self) -> anyhow::Result<Publisher> {
        Ok(match self {
            Self::Feed(url) => {
                let options = config::Redis::augment_args(Command::new("publisher"));
                let matches = options.try_get_matches_from(["publisher", "--redis-url", url])?;
                let redis = Redis::new(&config::Redis::from_arg_matches(&matches)?)?;
                Publisher::Feed(redis.get().await.context("cannot connect to Valkey")?)
            }
            Self::Plain(address) => Publisher::Plain(Http::open(address).await?),
            Self::Pusher(address) => Publisher::Pusher(Http::open(address).await?),
        })
    }
}

/// A connection to a [`Target`].
pub(super) enum Publisher {
    /// Runs the same script as ingest's publisher.
    Feed(Connection),
    Plain(Http),
    Pusher(Http),
}

impl Publisher {
    /// Publishes message number `seq`, which is due `micros` microseconds after the start.
    pub(super) async fn publish(&mut self, seq: u64, micros: u64) -> anyhow::Result<()> {
        let marker = format!("@{seq}:{micros}@");
        match self {
            Self::Feed(redis) => {
                let notification = Notification {
                    id: i64::try_from(unique())?,
                    kind: "message".to_owned(),
                    title: marker,
                    body: "x".repeat(12),
                    event_id: None,
                    message_id: None,
                    recipient: None,
                    from: None,
                    to: Audience::All,
                    actor: None,
                    actor_reason: None,
                    at: OffsetDateTime::now_utc(),
                };
                let item = FeedItem::<String> { notification: Some(notification), ..FeedItem::default() };
                Ok(feed::append(redis, &EncodedBatch::of(&item)?).await?)
            }
            Self::Plain(http) => http.post("/publish", format!("{marker:x<MESSAGE_BYTES$}")).await,
            Self::Pusher(http) => {
                let body = serde_json::json!({"name": "m", "channel": "bench", "data": format!("{marker:x<MESSAGE_BYTES$}")})
                    .to_string();
                http.post(&signed(&body)?, body).await
            }
        }
    }
}

/// A notification id that is unique across calls and runs, because the notifier drops repeated ids.
fn unique() -> u64 {
    use std::sync::LazyLock;
    static BASE: LazyLock<u64> =
        LazyLock::new(|| u64::try_from(OffsetDateTime::now_utc().unix_timestamp()).unwrap_or_default() << 24);
    static CALLS: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    *BASE + CALLS.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}

/// The path and signed query string for a request to Pusher's API.
fn signed(body: &str) -> anyhow::Result<String> {
    use md5::{Digest, Md5};
    let at = OffsetDateTime::now_utc().unix_timestamp();
    let md5 = hex(&Md5::digest(body.as_bytes()));
    let query = format!("auth_key=bench-key&auth_timestamp={at}&auth_version=1.0&body_md5={md5}");
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(b"bench-secret")?;
    mac.update(format!("POST\n/apps/bench/events\n{query}").as_bytes());
    Ok(format!("/apps/bench/events?{query}&auth_signature={}", hex(&mac.finalize().into_bytes())))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A persistent connection.
pub(super) struct Http {
    host: String,
    open: SendRequest<Full<Bytes>>,
}

impl Http {
    async fn open(address: &str) -> anyhow::Result<Self> {
        let host = address.trim_start_matches("http://").to_owned();
        let open = connect(&host).await?;
        Ok(Self { host, open })
    }

    async fn post(&mut self, path: &str, body: String) -> anyhow::Result<()> {
        let request = Request::post(path)
            .header("host", &self.host)
            .header("content-type", "application/json")
            .body(Full::new(body.into()))?;
        // Some servers close a connection after a number of requests.
        if self.open.ready().await.is_err() {
            self.open = connect(&self.host).await?;
            self.open.ready().await?;
        }
        let response = self.open.send_request(request).await?;
        let status = response.status();
        response.into_body().collect().await?;
        ensure!(status.is_success(), "the server answered a publish request with {status}");
        Ok(())
    }
}

async fn connect(host: &str) -> anyhow::Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(host).await.with_context(|| format!("cannot connect to {host}"))?;
    stream.set_nodelay(true)?;
    let (open, driver) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(driver);
    Ok(open)
}
