//! One websocket: receives the client's messages until one side closes the connection.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use shared::feed::Cursor;
use shared::filter::{Filter, FilterError};
use shared::message::{Message, MessageError};
use shared::session::Caller;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::fanout::framing::Framing;
use crate::fanout::hub::ConnectionGuard;
use crate::fanout::protocol::{ClientFrame, Close, ServerFrame, Topic};
use crate::fanout::subscription::Subscription;
use crate::state::AppState;
use crate::transport::admission;
use crate::transport::websocket::{self, ClientMessage, Decoder};
use crate::transport::writer::ClientWriter;
use crate::user::rate_limit::RateLimit;

/// How long we wait for the client's close frame after ours.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// The same for a slow client, which may still have to read other data before our close frame.
const SLOW_CLOSE_TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum number of bytes read at a time. The buffer is on the stack, so an idle connection uses no memory for it.
const READ_BUFFER: usize = 4 << 10;

/// An open websocket.
pub struct WebSocketSession {
    pub state: Arc<AppState>,
    pub caller: Caller,
    pub guard: ConnectionGuard,
    pub writer: Arc<ClientWriter>,
    /// Initially contains the bytes that followed the handshake.
    pub decoder: Decoder,
    pub rate_limit: RateLimit,
}

impl WebSocketSession {
    /// Serves the connection until it is closed.
    pub async fn run(mut self) {
        let writer = Arc::clone(&self.writer);
        writer.send(Framing::WebSocket.frame(&admission::hello(&self.state, &self.guard), None));
        self.guard.join(Arc::clone(&writer), Framing::WebSocket).await;
        let close = tokio::select! {
            close = self.receive() => close,
            close = writer.close_signal.wait() => Some(close),
        };
        if let Some(close) = close {
            writer.close_signal.send(close);
            let (code, reason) = close.code_and_reason();
            writer.send_last(websocket::close(code, reason).into());
            let patience = if close == Close::TooSlow { SLOW_CLOSE_TIMEOUT } else { CLOSE_TIMEOUT };
            let _closed_or_not = timeout(patience, self.wait_for_close()).await;
        }
        self.guard.leave().await;
    }

    /// Handles the client's messages. Returns the reason to close the connection; `None` if the client has closed it.
    async fn receive(&mut self) -> Option<Close> {
        let writer = Arc::clone(&self.writer);
        let stream = writer.tcp_stream()?;
        loop {
            loop {
                match self.decoder.next_message() {
                    Ok(Some(ClientMessage::Close)) => {
                        writer.send(websocket::close(1000, "").into());
                        return None;
                    }
                    Ok(Some(message)) => {
                        if !self.rate_limit.take() {
                            return Some(Close::RateLimited);
                        }
                        self.handle(message).await;
                    }
                    Ok(None) => break,
                    Err(close) => return Some(close),
                }
            }
            if !read(stream, &mut self.decoder).await {
                return None;
            }
            writer.record_activity();
        }
    }

    async fn handle(&self, message: ClientMessage) {
        match message {
            ClientMessage::Text(text) => match serde_json::from_str(&text) {
                Ok(ClientFrame::Subscribe { topics, filter, after }) => self.subscribe(&topics, &filter, after).await,
                Ok(ClientFrame::Notify { to, title, body, r#ref }) => self.notify(&to, &title, &body, r#ref),
                Err(error) => self.send_error(None, "bad_frame", &format!("The frame is not valid: {error}.")),
            },
            ClientMessage::Ping(payload) => self.writer.send(websocket::pong(&payload).into()),
            ClientMessage::Pong | ClientMessage::Close => {}
        }
    }

    async fn subscribe(&self, topics: &[Topic], filter: &Map<String, Value>, after: Option<Cursor>) {
        match parse_filter(filter, &self.caller) {
            Ok(filter) => self.guard.subscribe(Subscription::new(topics, filter, self.caller.masking()), after).await,
            Err(error) => self.send_error(None, "bad_filter", &format!("{error}.")),
        }
    }

    /// Queues a message to other users. The client gets a reply once the message is stored.
    fn notify(&self, to: &str, title: &str, body: &str, r#ref: Option<String>) {
        let message = match Message::new(&self.caller, to, title, body) {
            Ok(message) => message,
            Err(error) => return self.send_error(r#ref.as_deref(), error.code(), &error.to_string()),
        };
        let writer = Arc::clone(&self.writer);
        self.state.messages.post(message, move |stored: Result<i64, MessageError>| {
            let r#ref = r#ref.as_deref();
            let answer = match &stored {
                Ok(id) => ServerFrame::Sent { r#ref, id: *id }.to_text(),
                Err(error) => ServerFrame::Error { r#ref, code: error.code(), detail: &error.to_string() }.to_text(),
            };
            writer.send(Framing::WebSocket.frame(&answer, None));
        });
    }

    fn send_error(&self, r#ref: Option<&str>, code: &'static str, detail: &str) {
        let frame = ServerFrame::Error { r#ref, code, detail };
        self.writer.send(Framing::WebSocket.frame(&frame.to_text(), None));
    }

    /// Waits for the client's close frame or the end of the connection. Other messages are read and discarded: if bytes were left
    /// unread, the kernel would reset the connection, and the client would not get our close frame.
    async fn wait_for_close(&mut self) {
        let Some(stream) = self.writer.tcp_stream() else { return };
        let mut decoder = std::mem::take(&mut self.decoder);
        let mut valid = true;
        while read(stream, &mut decoder).await {
            while valid {
                match decoder.next_message() {
                    Ok(Some(ClientMessage::Close)) => return,
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(_) => valid = false,
                }
            }
            if !valid {
                decoder = Decoder::default();
            }
        }
    }
}

/// Waits for bytes and passes them to the decoder. Returns false if the connection has ended.
async fn read(stream: &TcpStream, decoder: &mut Decoder) -> bool {
    loop {
        if stream.readable().await.is_err() {
            return false;
        }
        if let Some(open) = try_read(stream, decoder) {
            return open;
        }
    }
}

/// The same, but without waiting; `None` if no bytes are available.
fn try_read(stream: &TcpStream, decoder: &mut Decoder) -> Option<bool> {
    let mut bytes = [0; READ_BUFFER];
    match stream.try_read(&mut bytes) {
        Ok(0) => Some(false),
        Ok(count) => {
            decoder.push(&bytes[..count]);
            Some(true)
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
        Err(_) => Some(false),
    }
}

/// Parses a filter whose values are strings, or arrays of strings for repeated names.
fn parse_filter(filter: &Map<String, Value>, caller: &Caller) -> Result<Filter, FilterError> {
    let pairs: Vec<(&str, String)> =
        filter.iter().flat_map(|(name, value)| texts(value).into_iter().map(move |text| (name.as_str(), text))).collect();
    Filter::from_pairs(pairs.iter().map(|(name, value)| (*name, value.as_str())), caller)
}

fn texts(value: &Value) -> Vec<String> {
    let text = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match value {
        Value::Array(values) => values.iter().map(text).collect(),
        single => vec![text(single)],
    }
}
