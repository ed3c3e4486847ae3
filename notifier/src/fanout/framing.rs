//! How a frame becomes bytes: as a websocket message or as a server-sent event.

use bytes::Bytes;
use shared::feed::Cursor;

use crate::transport::websocket;

/// How frames are put on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Framing {
    /// RFC 6455.
    WebSocket,
    /// Server-sent events, each with its cursor as id.
    EventStream,
}

impl Framing {
    /// Appends a frame.
    pub fn put(self, out: &mut Vec<u8>, text: &str, cursor: Option<&Cursor>) {
        match self {
            Self::WebSocket => websocket::put_text(out, text),
            Self::EventStream => {
                if let Some(cursor) = cursor {
                    out.extend_from_slice(format!("id: {cursor}\n").as_bytes());
                }
                // JSON as we write it has no line breaks.
                out.extend_from_slice(b"data: ");
                out.extend_from_slice(text.as_bytes());
                out.extend_from_slice(b"\n\n");
            }
        }
    }

    /// One frame alone.
    pub fn frame(self, text: &str, cursor: Option<&Cursor>) -> Bytes {
        let mut out = Vec::with_capacity(text.len() + 16);
        self.put(&mut out, text, cursor);
        out.into()
    }
}
