//! Clients for the live feed.

use std::collections::BTreeMap;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::api_client::ApiClient;
use crate::wait::{TIMEOUT, until};

/// An open websocket.
#[derive(Debug)]
pub struct Socket {
    /// The underlying stream, for frames that the helpers cannot send.
    pub stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Socket {
    /// Opens `/ws` with these headers.
    ///
    /// # Errors
    /// The HTTP status if the handshake is rejected, or 0 if there is no response.
    pub async fn open(address: &str, headers: &[(&'static str, &str)]) -> Result<Self, u16> {
        let mut request =
            format!("{}/ws", address.replace("http", "ws")).into_client_request().expect("the address should be valid");
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().expect("the header value should be valid"));
        }
        match tokio_tungstenite::connect_async(request).await {
            Ok((stream, _)) => Ok(Self { stream }),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(_) => Err(0),
        }
    }

    /// Opens `/ws` in the same way as the dashboard.
    ///
    /// # Errors
    /// Same as [`Socket::open`].
    pub async fn try_of(client: &ApiClient) -> Result<Self, u16> {
        Self::try_at(client, &client.address).await
    }

    /// Opens `/ws` at another address with the client's cookie or token, and the dashboard's Origin.
    ///
    /// # Errors
    /// Same as [`Socket::open`].
    pub async fn try_at(client: &ApiClient, address: &str) -> Result<Self, u16> {
        let bearer = client.token.as_ref().map(|token| format!("Bearer {token}"));
        let credential = match &bearer {
            Some(bearer) => ("authorization", bearer.as_str()),
            None => ("cookie", client.cookie.as_deref().unwrap_or_default()),
        };
        Self::open(address, &[credential, ("origin", &client.address)]).await
    }

    /// Opens `/ws` at another address with the dashboard's cookie and Origin. Panics if the handshake is rejected.
    pub async fn at(client: &ApiClient, address: &str) -> Self {
        Self::try_at(client, address).await.expect("the socket should open")
    }

    /// Opens `/ws` in the same way as the dashboard and reads `hello`. Panics if the handshake is rejected.
    pub async fn of(client: &ApiClient) -> Self {
        let mut socket = Self::try_of(client).await.expect("the socket should open");
        assert_eq!(socket.next().await["type"], "hello");
        socket
    }

    pub async fn send(&mut self, frame: &Value) {
        self.stream.send(Message::text(frame.to_string())).await.expect("the frame should be sent");
    }

    /// Subscribes to both topics without a filter and returns the `subscribed` frame.
    pub async fn subscribe(&mut self, after: Option<&str>) -> Value {
        self.send(&json!({"type": "subscribe", "topics": ["notifications", "events"], "after": after})).await;
        self.next_of("subscribed").await
    }

    /// Returns the next frame. Panics if the socket closes.
    pub async fn next(&mut self) -> Value {
        self.try_next().await.expect("the socket should stay open")
    }

    /// Skips frames of other types and returns the next frame of this type.
    pub async fn next_of(&mut self, kind: &str) -> Value {
        self.read_until(kind, |frame| frame["type"] == kind).await
    }

    /// Reads frames until `is_last` returns true for one, and returns that frame.
    ///
    /// # Panics
    /// If the socket closes, or if this takes more than a minute; `what` describes the expected frame in the message.
    pub async fn read_until(&mut self, what: &str, mut is_last: impl FnMut(&Value) -> bool) -> Value {
        let reading = async {
            loop {
                let frame = self.next().await;
                if is_last(&frame) {
                    return frame;
                }
            }
        };
        // Heartbeats keep arriving, so the deadline applies to the whole wait rather than to each frame.
        tokio::time::timeout(TIMEOUT, reading).await.unwrap_or_else(|_| panic!("timed out waiting for {what}"))
    }

    /// The next frame.
    ///
    /// # Errors
    /// The close code if the socket is closed, or 0 if the connection was lost.
    pub async fn try_next(&mut self) -> Result<Value, u16> {
        loop {
            let message = tokio::time::timeout(TIMEOUT, self.stream.next()).await.expect("a frame should arrive within a minute");
            match message {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).expect("the frame should be JSON")),
                Some(Ok(Message::Close(frame))) => return Err(frame.map_or(0, |frame| frame.code.into())),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(0),
            }
        }
    }

    /// Reads until the socket closes and returns the close code.
    ///
    /// # Panics
    /// If this takes more than a minute.
    pub async fn closed(&mut self) -> u16 {
        let reading = async {
            loop {
                if let Err(code) = self.try_next().await {
                    return code;
                }
            }
        };
        tokio::time::timeout(TIMEOUT, reading).await.expect("the socket should close within a minute")
    }
}

/// A client that follows the protocol: it resumes after every disconnect, refetches when required and drops duplicates by id.
#[derive(Debug)]
pub struct Follower {
    client: ApiClient,
    socket: Option<Socket>,
    cursor: Option<String>,
    /// Base URLs to connect to in rotation. Initially the client's own address.
    pub addresses: Vec<String>,
    /// The topics to subscribe to. Initially all.
    pub topics: Vec<&'static str>,
    /// The event filter. Initially empty.
    pub filter: Value,
    /// Received notifications, keyed by id.
    pub notifications: BTreeMap<i64, Value>,
    /// Received events, keyed by id.
    pub events: BTreeMap<i64, Value>,
    /// Number of frames with an id that had already been received. The protocol allows such duplicates.
    pub repeats: usize,
    /// Number of times the server required a refetch.
    pub refetches: usize,
    /// True if cursors never moved backwards within an epoch.
    pub is_in_order: bool,
}

impl Follower {
    /// Creates a follower that is not yet connected.
    pub fn new(client: ApiClient) -> Self {
        let (notifications, events) = (BTreeMap::new(), BTreeMap::new());
        let (addresses, topics, filter) = (vec![client.address.clone()], vec!["notifications", "events"], json!({}));
        Self {
            client,
            socket: None,
            cursor: None,
            addresses,
            topics,
            filter,
            notifications,
            events,
            repeats: 0,
            refetches: 0,
            is_in_order: true,
        }
    }

    /// Connects, subscribes from the last cursor, and refetches if the server requires it, as it does for a first subscription.
    ///
    /// # Panics
    /// If this takes more than five minutes.
    pub async fn connect(&mut self) {
        tokio::time::timeout(5 * TIMEOUT, self.subscribe())
            .await
            .expect("the subscription should be confirmed within five minutes");
    }

    async fn subscribe(&mut self) {
        self.addresses.rotate_left(1);
        let (client, addresses) = (&self.client, &self.addresses);
        let mut socket = until("a socket opens", || async {
            for address in addresses {
                if let Ok(socket) = Socket::try_at(client, address).await {
                    return Some(socket);
                }
            }
            None
        })
        .await;
        let subscribe = json!({"type": "subscribe", "topics": self.topics, "filter": self.filter, "after": self.cursor});
        // `follow` reconnects if the connection is lost here.
        if socket.stream.send(Message::text(subscribe.to_string())).await.is_err() {
            return;
        }
        self.socket = Some(socket);
        let mut subscribed = false;
        while !subscribed && let Some(socket) = &mut self.socket {
            match socket.try_next().await {
                Ok(frame) => {
                    subscribed = frame["type"] == "subscribed";
                    self.handle(&frame).await;
                }
                Err(_) => self.socket = None,
            }
        }
    }

    /// Follows the feed until `enough` returns true.
    ///
    /// # Panics
    /// If this takes more than five minutes.
    pub async fn follow_until(&mut self, enough: impl FnMut(&Self) -> bool) {
        let following = tokio::time::timeout(5 * TIMEOUT, self.follow(enough)).await;
        if following.is_err() {
            panic!("timed out with {} notifications and {} events", self.notifications.len(), self.events.len());
        }
    }

    async fn follow(&mut self, mut enough: impl FnMut(&Self) -> bool) {
        while !enough(self) {
            let Some(socket) = &mut self.socket else {
                self.connect().await;
                continue;
            };
            match socket.try_next().await {
                Ok(frame) => self.handle(&frame).await,
                Err(_) => self.socket = None,
            }
        }
    }

    async fn handle(&mut self, frame: &Value) {
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
                let id = frame["id"].as_i64().expect("id should be an integer");
                // Alarms depend on the speed of the machine.
                if frame["kind"] != "alert" {
                    self.repeats += usize::from(self.notifications.insert(id, frame.clone()).is_some());
                }
            }
            Some("events") => {
                self.advance(&frame["cursor"]);
                for item in frame["items"].as_array().expect("items should be an array") {
                    let id = item["id"].as_i64().expect("id should be an integer");
                    self.repeats += usize::from(self.events.insert(id, item.clone()).is_some());
                }
                if frame["skipped"].as_i64().unwrap_or(0) > 0 {
                    self.refetch().await;
                }
            }
            _ => {}
        }
    }

    /// The path of the event list, including the follower's filter.
    pub fn events_path(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in self.filter.as_object().expect("filter should be an object") {
            let values = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
            let values: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
            query.append_pair(name, &values.join(","));
        }
        format!("/api/events?{}", query.finish())
    }

    /// Stores the cursor from a frame and checks that it does not move backwards within an epoch.
    fn advance(&mut self, cursor: &Value) {
        let parse =
            |cursor: &str| cursor.rsplit_once('.').map(|(epoch, seq)| (epoch.to_owned(), seq.parse::<u64>().unwrap_or(0)));
        let cursor = cursor.as_str().expect("cursor should be a string").to_owned();
        if let (Some((before, last)), Some((epoch, next))) = (self.cursor.as_deref().and_then(parse), parse(&cursor)) {
            self.is_in_order &= before != epoch || last <= next;
        }
        self.cursor = Some(cursor);
    }

    /// Reads both lists through the API, retrying until it responds, like the dashboard.
    async fn refetch(&mut self) {
        self.refetches += 1;
        let client = &self.client;
        let (events_path, wants_notifications) = (self.events_path(), self.topics.contains(&"notifications"));
        let notifications = if wants_notifications { client.all_with_retry("/api/notifications").await } else { Vec::new() };
        let events = client.all_with_retry(&events_path).await;
        let by_id =
            |items: Vec<Value>| items.into_iter().map(|item| (item["id"].as_i64().expect("id should be an integer"), item));
        // What is no longer stored disappears, as on the page.
        self.notifications = by_id(notifications).filter(|(_, one)| one["kind"] != "alert").collect();
        self.events = by_id(events).collect();
    }
}
