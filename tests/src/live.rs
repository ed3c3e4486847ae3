//! Following the live feed.

use std::collections::BTreeMap;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::api_client::ApiClient;
use crate::wait::{PATIENCE, until};

/// An open websocket.
#[derive(Debug)]
pub struct Socket {
    /// For what the helpers do not do.
    pub stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Socket {
    /// Opens `/ws` with these headers; the status if it was refused.
    ///
    /// # Errors
    /// The HTTP status of the refusal, or 0 when there was no answer.
    pub async fn open(address: &str, headers: &[(&'static str, &str)]) -> Result<Self, u16> {
        let mut request = format!("{}/ws", address.replace("http", "ws")).into_client_request().expect("a request");
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().expect("a value"));
        }
        match tokio_tungstenite::connect_async(request).await {
            Ok((stream, _)) => Ok(Self { stream }),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(_) => Err(0),
        }
    }

    /// Opens it as the dashboard does.
    ///
    /// # Errors
    /// As [`Socket::open`].
    pub async fn try_of(client: &ApiClient) -> Result<Self, u16> {
        Self::try_at(client, &client.address).await
    }

    /// Opens it at another address, with the dashboard's cookie and Origin.
    ///
    /// # Errors
    /// As [`Socket::open`].
    pub async fn try_at(client: &ApiClient, address: &str) -> Result<Self, u16> {
        let cookie = client.cookie.as_deref().unwrap_or_default();
        Self::open(address, &[("cookie", cookie), ("origin", &client.address)]).await
    }

    /// The same, which must work.
    pub async fn at(client: &ApiClient, address: &str) -> Self {
        Self::try_at(client, address).await.expect("an open socket")
    }

    /// Opens it as the dashboard does, and reads `hello`.
    pub async fn of(client: &ApiClient) -> Self {
        let mut socket = Self::try_of(client).await.expect("an open socket");
        assert_eq!(socket.next().await["type"], "hello");
        socket
    }

    /// Sends a frame.
    pub async fn send(&mut self, frame: &Value) {
        self.stream.send(Message::text(frame.to_string())).await.expect("the frame is sent");
    }

    /// Subscribes to everything.
    pub async fn subscribe(&mut self, after: Option<&str>) -> Value {
        self.send(&json!({"type": "subscribe", "topics": ["notifications", "events"], "after": after})).await;
        self.next_of("subscribed").await
    }

    /// The next frame.
    pub async fn next(&mut self) -> Value {
        self.try_next().await.expect("a frame")
    }

    /// Skips frames of other types and returns the next frame of this one.
    pub async fn next_of(&mut self, kind: &str) -> Value {
        self.read_until(kind, |frame| frame["type"] == kind).await
    }

    /// Reads frames until `is_last` accepts one, and returns it.
    ///
    /// # Panics
    /// If the socket closes, or if that takes more than a minute; `what` names the frame in the message.
    pub async fn read_until(&mut self, what: &str, mut is_last: impl FnMut(&Value) -> bool) -> Value {
        let reading = async {
            loop {
                let frame = self.next().await;
                if is_last(&frame) {
                    return frame;
                }
            }
        };
        // Heartbeats keep arriving, so the deadline covers the whole wait instead of each frame.
        tokio::time::timeout(PATIENCE, reading).await.unwrap_or_else(|_| panic!("timed out waiting for {what}"))
    }

    /// The next frame, or the code with which the socket was closed; 0 when it broke.
    ///
    /// # Errors
    /// When the socket has ended.
    pub async fn try_next(&mut self) -> Result<Value, u16> {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.stream.next()).await.expect("a frame within a minute");
            match message {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).expect("a frame of JSON")),
                Some(Ok(Message::Close(frame))) => return Err(frame.map_or(0, |frame| frame.code.into())),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(0),
            }
        }
    }

    /// Reads until the socket closes, and returns the close code.
    ///
    /// # Panics
    /// If that takes more than a minute.
    pub async fn closed(&mut self) -> u16 {
        let reading = async {
            loop {
                if let Err(code) = self.try_next().await {
                    return code;
                }
            }
        };
        tokio::time::timeout(PATIENCE, reading).await.expect("the socket should close within a minute")
    }
}

/// A client that behaves as the protocol asks: resumes after every cut, refetches when told to, drops repeats by id.
#[derive(Debug)]
pub struct Follower {
    client: ApiClient,
    socket: Option<Socket>,
    cursor: Option<String>,
    /// Where `/ws` is, each tried after the other; the client's own address at first.
    pub doors: Vec<String>,
    /// What is followed: all of it at first.
    pub topics: Vec<&'static str>,
    /// Which events: all of them at first.
    pub filter: Value,
    /// Notifications by id.
    pub notifications: BTreeMap<i64, Value>,
    /// Events by id.
    pub events: BTreeMap<i64, Value>,
    /// Ids that came in a frame more than once; repeats are allowed, but not silently.
    pub repeats: usize,
    /// How often the protocol demanded a refetch.
    pub refetches: usize,
    /// Whether the numbers of frames grew on each socket.
    pub is_in_order: bool,
}

impl Follower {
    /// Not yet connected.
    pub fn new(client: ApiClient) -> Self {
        let (notifications, events) = (BTreeMap::new(), BTreeMap::new());
        let (doors, topics, filter) = (vec![client.address.clone()], vec!["notifications", "events"], json!({}));
        Self {
            client,
            socket: None,
            cursor: None,
            doors,
            topics,
            filter,
            notifications,
            events,
            repeats: 0,
            refetches: 0,
            is_in_order: true,
        }
    }

    /// Connects, subscribes after the last cursor, and refetches if the server demands it, as it does for a first subscription.
    ///
    /// # Panics
    /// If that takes more than five minutes.
    pub async fn connect(&mut self) {
        tokio::time::timeout(5 * PATIENCE, self.subscribe()).await.expect("a subscription within five minutes");
    }

    async fn subscribe(&mut self) {
        self.doors.rotate_left(1);
        let (client, doors) = (&self.client, &self.doors);
        let mut socket = until("a socket opens", || async {
            for door in doors {
                if let Ok(socket) = Socket::try_at(client, door).await {
                    return Some(socket);
                }
            }
            None
        })
        .await;
        let subscribe = json!({"type": "subscribe", "topics": self.topics, "filter": self.filter, "after": self.cursor});
        // A socket that is cut before it answers is opened again by whoever follows.
        if socket.stream.send(Message::text(subscribe.to_string())).await.is_err() {
            return;
        }
        self.socket = Some(socket);
        let mut subscribed = false;
        while !subscribed && let Some(socket) = &mut self.socket {
            match socket.try_next().await {
                Ok(frame) => {
                    subscribed = frame["type"] == "subscribed";
                    self.take(&frame).await;
                }
                Err(_) => self.socket = None,
            }
        }
    }

    /// Follows until `enough` says so.
    ///
    /// # Panics
    /// When that takes more than five minutes.
    pub async fn follow_until(&mut self, enough: impl FnMut(&Self) -> bool) {
        let following = tokio::time::timeout(5 * PATIENCE, self.follow(enough)).await;
        if following.is_err() {
            panic!("followed in vain: {} notifications, {} events", self.notifications.len(), self.events.len());
        }
    }

    async fn follow(&mut self, mut enough: impl FnMut(&Self) -> bool) {
        while !enough(self) {
            let Some(socket) = &mut self.socket else {
                self.connect().await;
                continue;
            };
            match socket.try_next().await {
                Ok(frame) => self.take(&frame).await,
                Err(_) => self.socket = None,
            }
        }
    }

    async fn take(&mut self, frame: &Value) {
        match frame["type"].as_str() {
            Some("subscribed") => {
                self.cursor = frame["cursor"].as_str().map(str::to_owned);
                if frame["recovered"] == false {
                    self.refetch().await;
                }
            }
            Some("reset") => self.refetch().await,
            Some("notification") => {
                self.advance(&frame["cursor"]);
                let id = frame["id"].as_i64().expect("an id");
                self.repeats += usize::from(self.notifications.insert(id, frame.clone()).is_some());
            }
            Some("events") => {
                self.advance(&frame["cursor"]);
                for item in frame["items"].as_array().expect("items") {
                    let id = item["id"].as_i64().expect("an id");
                    self.repeats += usize::from(self.events.insert(id, item.clone()).is_some());
                }
                if frame["skipped"].as_i64().unwrap_or(0) > 0 {
                    self.refetch().await;
                }
            }
            _ => {}
        }
    }

    /// The list of the events that are followed.
    pub fn events_at(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in self.filter.as_object().expect("a filter") {
            let values = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
            let values: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
            query.append_pair(name, &values.join(","));
        }
        format!("/api/events?{}", query.finish())
    }

    /// Notes the cursor of a frame. Within an epoch it never goes back.
    fn advance(&mut self, cursor: &Value) {
        let place =
            |cursor: &str| cursor.rsplit_once('.').map(|(epoch, seq)| (epoch.to_owned(), seq.parse::<u64>().unwrap_or(0)));
        let cursor = cursor.as_str().expect("a cursor").to_owned();
        if let (Some((before, last)), Some((epoch, next))) = (self.cursor.as_deref().and_then(place), place(&cursor)) {
            self.is_in_order &= before != epoch || last <= next;
        }
        self.cursor = Some(cursor);
    }

    /// Asks until the API answers, as a page would.
    async fn refetch(&mut self) {
        self.refetches += 1;
        let client = &self.client;
        let (events_at, wants_notifications) = (self.events_at(), self.topics.contains(&"notifications"));
        let notifications = if wants_notifications { client.all_in_the_end("/api/notifications").await } else { Vec::new() };
        let events = client.all_in_the_end(&events_at).await;
        let by_id = |items: Vec<Value>| items.into_iter().map(|item| (item["id"].as_i64().expect("an id"), item));
        self.notifications.extend(by_id(notifications));
        self.events.extend(by_id(events));
    }
}
