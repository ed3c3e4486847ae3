//! Encodes frames as websocket messages or server-sent events.

use bytes::Bytes;
use shared::feed::Cursor;

use crate::transport::websocket;

/// How a connection's frames are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Framing {
    /// RFC 6455.
    WebSocket,
    /// Server-sent events. The id of each event is its cursor.
    EventStream,
}

impl Framing {
    /// Appends an encoded frame to `out`.
    pub fn put(self, out: &mut Vec<u8>, text: &str, cursor: Option<&Cursor>) {
        match self {
            Self::WebSocket => websocket::put_text(out, text),
            Self::EventStream => {
                if let Some(cursor) = cursor {
                    out.extend_from_slice(format!("id: {cursor}\n").as_bytes());
                }
                // A single data line is sufficient because serde_json writes no line breaks.
                out.extend_from_slice(b"data: ");
                out.extend_from_slice(text.as_bytes());
                out.extend_from_slice(b"\n\n");
            }
        }
    }

    /// Encodes one frame.
    pub fn frame(self, text: &str, cursor: Option<&Cursor>) -> Bytes {
        let mut out = Vec::with_capacity(text.len() + 16);
        self.put(&mut out, text, cursor);
        out.into()
    }
}
