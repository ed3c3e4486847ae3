//! One socket's life: a single loop over what the client says, what the hub delivers, and the clock.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use shared::feed::{Cursor, KEEP};
use shared::filter::Filter;
use shared::session::Caller;
use time::OffsetDateTime;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::app::Context;
use crate::frame::{ClientFrame, Close, ServerFrame, Topic};
use crate::hub::{Delivery, Place};
use crate::outgoing::{Outgoing, Subscription};
use crate::recent::Live;

/// Least time between two bursts of frames.
const FRAMES_EVERY: Duration = Duration::from_millis(100);
/// How often a heartbeat and a ping go out.
const HEARTBEAT: Duration = Duration::from_secs(25);
/// A client that has said nothing, not even a pong, for so long is gone.
const SILENCE: Duration = Duration::from_secs(60);
/// A write that takes longer has no reader.
const WRITE: Duration = Duration::from_secs(10);
/// How long a closed socket waits for the client to agree.
const FAREWELL: Duration = Duration::from_secs(2);
/// What a client may say at once, and how fast it may say more.
const BURST: u32 = 20;
const REFILL: Duration = Duration::from_millis(500);
/// Messages of one socket that may be on their way to Postgres.
const SENDING: usize = 8;

/// How a socket ended.
enum End {
    /// We close it, and say why.
    Close(Close),
    /// The client closed it, or the connection broke.
    Gone,
}

/// An open socket. Generic over its connection.
pub struct Socket<S> {
    context: Arc<Context>,
    caller: Caller,
    place: Place,
    stream: WebSocketStream<S>,
    subscription: Option<Subscription>,
    outgoing: Outgoing,
    /// Answers of messages being stored.
    answers: (mpsc::Sender<String>, mpsc::Receiver<String>),
    allowance: Allowance,
    heard: Instant,
    sent: Instant,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    /// A socket that was just upgraded.
    pub fn new(context: Arc<Context>, caller: Caller, place: Place, cursor: Cursor, stream: WebSocketStream<S>) -> Self {
        let now = Instant::now();
        Self {
            context,
            caller,
            place,
            stream,
            subscription: None,
            outgoing: Outgoing::new(cursor),
            answers: mpsc::channel(SENDING),
            allowance: Allowance { left: BURST, since: now },
            heard: now,
            sent: now.checked_sub(FRAMES_EVERY).unwrap_or(now),
        }
    }

    /// Serves the socket to its end, and closes it whatever the reason.
    pub async fn run(mut self) {
        let ending = Arc::clone(&self.place.ending);
        let context = Arc::clone(&self.context);
        let end = tokio::select! {
            end = self.serve() => end,
            close = ending.ended() => End::Close(close),
            () = context.draining() => End::Close(Close::Restarting),
        };
        if let End::Close(close) = end {
            let (code, reason) = close.code_and_reason();
            metrics::counter!("notifier_closes_total", "code" => code.to_string()).increment(1);
            let frame = CloseFrame { code: code.into(), reason: reason.into() };
            // The client's own close frame ends the stream; one that never comes is not waited for long.
            let farewell = async {
                let _ = self.stream.close(Some(frame)).await;
                while let Some(Ok(_)) = self.stream.next().await {}
                if close == Close::TooLarge {
                    // The rest of that frame: left unread, the system would reset the connection, and our close frame be lost.
                    let _ = tokio::io::copy(self.stream.get_mut(), &mut tokio::io::sink()).await;
                }
            };
            let _ = timeout(FAREWELL, farewell).await;
        }
    }

    async fn serve(&mut self) -> End {
        match self.talk().await {
            Ok(end) | Err(end) => end,
        }
    }

    async fn talk(&mut self) -> Result<End, End> {
        self.hello().await?;
        let mut heartbeat = tokio::time::interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let flush_at = self.sent + FRAMES_EVERY;
            tokio::select! {
                message = self.stream.next() => self.hear(message).await?,
                delivery = self.place.queue.recv() => match delivery {
                    Some(delivery) => self.deliver(delivery).await?,
                    None => return Ok(End::Gone),
                },
                Some(answer) = self.answers.1.recv() => self.write(answer).await?,
                () = sleep_until(flush_at), if !self.outgoing.is_empty() => self.flush().await?,
                _ = heartbeat.tick() => {
                    if self.heard.elapsed() > SILENCE {
                        return Ok(End::Close(Close::Silent));
                    }
                    let cursor = self.subscription.as_ref().and_then(|_| self.outgoing.cursor());
                    let frame = ServerFrame::Heartbeat { cursor }.to_text();
                    self.write(frame).await?;
                    self.send(Message::Ping(Default::default())).await?;
                }
            }
        }
    }

    async fn hello(&mut self) -> Result<(), End> {
        let cursor = self.outgoing.cursor().cloned().ok_or(End::Gone)?;
        let hello = ServerFrame::Hello {
            connection: self.place.connection,
            user: &self.caller.user,
            cursor: &cursor,
            server_time: OffsetDateTime::now_utc(),
            build: env!("CARGO_PKG_VERSION"),
            online: self.context.hub.online(),
        };
        let hello = hello.to_text();
        self.write(hello).await
    }

    async fn hear(&mut self, message: Option<Result<Message, Error>>) -> Result<(), End> {
        self.heard = Instant::now();
        match message {
            Some(Ok(Message::Text(text))) => {
                if !self.allowance.spend() {
                    return Err(End::Close(Close::TooMuch));
                }
                match serde_json::from_str(&text) {
                    Ok(frame) => self.obey(frame).await,
                    Err(error) => self.complain(None, "bad_frame", &format!("The frame was not understood: {error}.")).await,
                }
            }
            // Answering a ping is tungstenite's work; what is left is to send the answer.
            Some(Ok(Message::Ping(_))) => within_time(self.stream.flush()).await,
            Some(Ok(Message::Pong(_))) => Ok(()),
            Some(Ok(Message::Binary(_) | Message::Frame(_))) => Err(End::Close(Close::Unsupported)),
            Some(Err(Error::Capacity(_))) => Err(End::Close(Close::TooLarge)),
            Some(Ok(Message::Close(_)) | Err(_)) | None => Err(End::Gone),
        }
    }

    async fn obey(&mut self, frame: ClientFrame) -> Result<(), End> {
        match frame {
            ClientFrame::Subscribe { topics, filter, after } => self.subscribe(topics, &filter, after).await,
            ClientFrame::Notify { to, title, body, r#ref } => {
                let answers = self.answers.0.clone();
                let Ok(permit) = answers.try_reserve_owned() else {
                    return self.complain(r#ref.as_deref(), "too_many", "Wait for the answers to what you sent.").await;
                };
                let (messages, caller) = (self.context.messages.clone(), self.caller.clone());
                tokio::spawn(async move {
                    let sent = messages.send(&caller.user, &caller.credential, &to, &title, &body).await;
                    let r#ref = r#ref.as_deref();
                    permit.send(match sent {
                        Ok(id) => ServerFrame::Sent { r#ref, id }.to_text(),
                        Err(error) => {
                            if let crate::messages::MessageError::Database(source) = &error {
                                tracing::error!(%source, "a message could not be stored");
                            }
                            ServerFrame::Error { r#ref, code: error.code(), detail: &error.to_string() }.to_text()
                        }
                    });
                });
                Ok(())
            }
        }
    }

    /// Subscribes anew. A replay is all of what was missed, or `recovered: false`; it is no backlog of a slow client.
    async fn subscribe(
        &mut self,
        topics: Vec<Topic>,
        filter: &serde_json::Map<String, serde_json::Value>,
        after: Option<Cursor>,
    ) -> Result<(), End> {
        let pairs: Vec<(&str, String)> =
            filter.iter().flat_map(|(name, value)| texts(value).map(move |text| (name.as_str(), text))).collect();
        let filter = match Filter::from_pairs(pairs.iter().map(|(name, value)| (*name, value.as_str()))) {
            Ok(filter) => filter,
            Err(error) => return self.complain(None, "bad_filter", &format!("{error}.")).await,
        };
        self.flush().await?;
        let Some((now, replay)) = self.place.subscribe(after.as_ref()) else { return Err(End::Close(Close::TooSlow)) };
        let recovered = replay.is_some();
        let cursor = after.filter(|_| recovered).unwrap_or(now);
        self.outgoing = Outgoing::new(cursor.clone());
        metrics::counter!("notifier_subscriptions_total", "recovered" => recovered.to_string()).increment(1);
        let subscribed = ServerFrame::Subscribed { cursor: &cursor, recovered }.to_text();
        self.subscription = Some(Subscription { topics, filter });
        self.write(subscribed).await?;
        // What arrives meanwhile is no backlog of a slow client, and waits here.
        let mut meanwhile = VecDeque::new();
        for live in replay.unwrap_or_default() {
            self.select(&live);
            if self.outgoing.is_full() {
                self.flush().await?;
                while let Ok(delivery) = self.place.queue.try_recv() {
                    meanwhile.push_back(delivery);
                }
                if meanwhile.len() > KEEP {
                    return Err(End::Close(Close::TooSlow));
                }
            }
        }
        self.flush().await?;
        for delivery in meanwhile {
            self.deliver(delivery).await?;
        }
        Ok(())
    }

    /// Keeps the entry for sending, if the subscription selects it.
    fn select(&mut self, live: &Arc<Live>) {
        if let Some(subscription) = &self.subscription {
            self.outgoing.push(live, subscription, &self.caller.user);
        }
    }

    async fn deliver(&mut self, delivery: Delivery) -> Result<(), End> {
        match delivery {
            Delivery::Entry(live) => {
                self.select(&live);
                if !self.outgoing.is_empty() && self.sent.elapsed() >= FRAMES_EVERY {
                    self.flush().await?;
                }
                Ok(())
            }
            Delivery::Reset(reason) => {
                self.flush().await?;
                self.write(ServerFrame::Reset { reason }.to_text()).await
            }
            Delivery::Presence(online) => self.write(ServerFrame::Presence { online }.to_text()).await,
        }
    }

    /// Sends all that waits.
    async fn flush(&mut self) -> Result<(), End> {
        for frame in self.outgoing.take_frames() {
            self.write(frame).await?;
        }
        self.sent = Instant::now();
        Ok(())
    }

    async fn complain(&mut self, r#ref: Option<&str>, code: &'static str, detail: &str) -> Result<(), End> {
        self.write(ServerFrame::Error { r#ref, code, detail }.to_text()).await
    }

    async fn write(&mut self, text: String) -> Result<(), End> {
        self.send(Message::Text(text.into())).await
    }

    async fn send(&mut self, message: Message) -> Result<(), End> {
        within_time(self.stream.send(message)).await
    }
}

/// A write that takes too long has no reader.
async fn within_time(write: impl Future<Output = Result<(), Error>>) -> Result<(), End> {
    match timeout(WRITE, write).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(End::Gone),
        Err(_) => Err(End::Close(Close::TooSlow)),
    }
}

/// A filter's value as texts: itself, or each of an array's.
fn texts(value: &serde_json::Value) -> impl Iterator<Item = String> {
    let text = |value: &serde_json::Value| match value {
        serde_json::Value::Null => String::new(),
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match value {
        serde_json::Value::Array(values) => values.iter().map(text).collect::<Vec<_>>(),
        one => vec![text(one)],
    }
    .into_iter()
}

/// How much a client may still say: a bucket that refills slowly.
struct Allowance {
    left: u32,
    since: Instant,
}

impl Allowance {
    fn spend(&mut self) -> bool {
        let refilled = u32::try_from(self.since.elapsed().as_millis() / REFILL.as_millis()).unwrap_or(u32::MAX);
        if refilled > 0 {
            self.left = self.left.saturating_add(refilled).min(BURST);
            self.since = Instant::now();
        }
        self.left = match self.left.checked_sub(1) {
            Some(left) => left,
            None => return false,
        };
        true
    }
}
