//! One websocket's life: what its client says, until one side ends it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use shared::filter::Filter;
use shared::message::Message;
use shared::session::Caller;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::fanout::framing::Framing;
use crate::fanout::hub::ConnectionGuard;
use crate::fanout::protocol::{ClientFrame, Close, ServerFrame};
use crate::fanout::subscription::Subscription;
use crate::state::AppState;
use crate::transport::admission;
use crate::transport::websocket::{self, ClientMessage, Decoder};
use crate::transport::writer::ClientWriter;
use crate::user::rate_limit::RateLimit;

/// How long a closed socket waits for the client to agree; one that did not read gets longer to come to the reason.
const FAREWELL: Duration = Duration::from_secs(2);
const LONG_FAREWELL: Duration = Duration::from_secs(10);
/// Bytes read at once. They lie on the stack, and only while they are read.
const READ: usize = 4 << 10;

/// An open websocket.
pub struct Socket {
    /// What everybody shares.
    pub state: Arc<AppState>,
    /// Who opened it.
    pub caller: Caller,
    /// Its place in the hub.
    pub guard: ConnectionGuard,
    /// The way back.
    pub writer: Arc<ClientWriter>,
    /// With what came behind the handshake.
    pub decoder: Decoder,
    /// How much the client may still say.
    pub rate_limit: RateLimit,
}

impl Socket {
    /// Serves it to its end, and closes it whatever the reason.
    pub async fn run(mut self) {
        let writer = Arc::clone(&self.writer);
        writer.send(Framing::WebSocket.frame(&admission::hello(&self.state, &self.guard), None));
        self.guard.join(Arc::clone(&writer), Framing::WebSocket).await;
        let end = tokio::select! {
            end = self.listen() => end,
            close = writer.close_signal.wait() => Some(close),
        };
        if let Some(close) = end {
            writer.close_signal.send(close);
            let (code, reason) = close.code_and_reason();
            writer.send_last(websocket::close(code, reason).into());
            let patience = if close == Close::TooSlow { LONG_FAREWELL } else { FAREWELL };
            let _agreed_or_not = timeout(patience, self.see_off()).await;
        }
        self.guard.leave().await;
    }

    /// Hears the client out. None when it has left, else why it is to be closed.
    async fn listen(&mut self) -> Option<Close> {
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
                        self.answer(message).await;
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

    async fn answer(&self, message: ClientMessage) {
        match message {
            ClientMessage::Text(text) => match serde_json::from_str(&text) {
                Ok(frame) => self.handle(frame).await,
                Err(error) => self.complain(None, "bad_frame", &format!("The frame was not understood: {error}.")),
            },
            ClientMessage::Ping(payload) => self.writer.send(websocket::pong(&payload).into()),
            ClientMessage::Pong | ClientMessage::Close => {}
        }
    }

    async fn handle(&self, frame: ClientFrame) {
        match frame {
            ClientFrame::Subscribe { topics, filter, after } => {
                let pairs: Vec<(&str, String)> =
                    filter.iter().flat_map(|(name, value)| texts(value).map(move |text| (name.as_str(), text))).collect();
                match Filter::from_pairs(pairs.iter().map(|(name, value)| (*name, value.as_str()))) {
                    Ok(filter) => self.guard.subscribe(Subscription::new(&topics, filter), after).await,
                    Err(error) => self.complain(None, "bad_filter", &format!("{error}.")),
                }
            }
            ClientFrame::Notify { to, title, body, r#ref } => {
                let message = match Message::new(&self.caller, &to, &title, &body) {
                    Ok(message) => message,
                    Err(error) => return self.complain(r#ref.as_deref(), error.code(), &error.to_string()),
                };
                let writer = Arc::clone(&self.writer);
                self.state.messages.post(message, move |stored| {
                    let r#ref = r#ref.as_deref();
                    let answer = match &stored {
                        Ok(id) => ServerFrame::Sent { r#ref, id: *id }.to_text(),
                        Err(error) => ServerFrame::Error { r#ref, code: error.code(), detail: &error.to_string() }.to_text(),
                    };
                    writer.send(Framing::WebSocket.frame(&answer, None));
                });
            }
        }
    }

    fn complain(&self, r#ref: Option<&str>, code: &'static str, detail: &str) {
        let frame = ServerFrame::Error { r#ref, code, detail };
        self.writer.send(Framing::WebSocket.frame(&frame.to_text(), None));
    }

    /// Waits for the client's own close frame or its end. What else it still says is read and dropped: left unread, the system
    /// would reset the connection, and our close frame be lost.
    async fn see_off(&mut self) {
        let Some(stream) = self.writer.tcp_stream() else { return };
        let mut decoder = std::mem::take(&mut self.decoder);
        let mut understood = true;
        while read(stream, &mut decoder).await {
            while understood {
                match decoder.next_message() {
                    Ok(Some(ClientMessage::Close)) => return,
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(_) => understood = false,
                }
            }
            if !understood {
                decoder = Decoder::default();
            }
        }
    }
}

/// Waits for bytes, and gives them to the decoder. False when none will come.
async fn read(stream: &TcpStream, decoder: &mut Decoder) -> bool {
    loop {
        if stream.readable().await.is_err() {
            return false;
        }
        if let Some(alive) = take(stream, decoder) {
            return alive;
        }
    }
}

/// None when there was nothing to read after all.
fn take(stream: &TcpStream, decoder: &mut Decoder) -> Option<bool> {
    let mut bytes = [0; READ];
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
