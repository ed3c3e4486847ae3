//! A websocket client that sends exactly the bytes given by the test, including invalid ones.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::api_client::ApiClient;
use crate::wait::TIMEOUT;

/// An open websocket.
#[derive(Debug)]
pub struct RawSocket {
    stream: TcpStream,
    read: Vec<u8>,
}

/// Builds a masked frame with this first byte (flags and opcode).
pub fn masked(head: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [0xA1, 0xB2, 0xC3, 0xD4];
    let mut frame = vec![head];
    match u8::try_from(payload.len()) {
        Ok(length @ 0..=125) => frame.push(0x80 | length),
        _ => {
            frame.push(0x80 | 126);
            frame.extend(u16::try_from(payload.len()).expect("the payload should be below 64 KiB").to_be_bytes());
        }
    }
    frame.extend(mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

impl RawSocket {
    /// Opens `/ws` at `address` with the client's cookie and Origin, and reads `hello`.
    pub async fn open(client: &ApiClient, address: &str) -> Self {
        let host = address.trim_start_matches("http://");
        let mut stream = TcpStream::connect(host).await.expect("the server should accept the connection");
        let (cookie, origin) = (client.cookie.as_deref().unwrap_or_default(), &client.address);
        let key = BASE64_STANDARD.encode([7; 16]);
        let request = format!(
            "GET /ws HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: {key}\r\nOrigin: {origin}\r\nCookie: {cookie}\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.expect("the request should be sent");
        let mut socket = Self { stream, read: Vec::new() };
        let head = loop {
            if let Some(end) = socket.read.windows(4).position(|four| four == b"\r\n\r\n") {
                break String::from_utf8_lossy(&socket.read.drain(..end + 4).collect::<Vec<_>>()).into_owned();
            }
            assert!(socket.read_more().await, "the server closed the connection before its response");
        };
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");
        assert_eq!(socket.text().await["type"], "hello");
        socket
    }

    /// Sends raw bytes. Errors are ignored, because the server may already have closed the connection.
    pub async fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).await;
    }

    async fn read_more(&mut self) -> bool {
        let mut bytes = vec![0; 64 << 10];
        let count =
            tokio::time::timeout(TIMEOUT, self.stream.read(&mut bytes)).await.expect("data should arrive within a minute");
        let count = count.unwrap_or(0);
        self.read.extend_from_slice(&bytes[..count]);
        count > 0
    }

    /// The opcode and payload of the next frame, or `None` at the end of the stream.
    pub async fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        loop {
            if let [head, second, rest @ ..] = self.read.as_slice() {
                assert_eq!(second & 0x80, 0, "a server must not mask frames");
                let (length, start) = match (second & 0x7F, rest) {
                    (126, [a, b, ..]) => (Some(usize::from(u16::from_be_bytes([*a, *b]))), 4),
                    (127, [_, _, _, _, a, b, c, d, ..]) => (Some(u32::from_be_bytes([*a, *b, *c, *d]) as usize), 10),
                    (126 | 127, _) => (None, 0),
                    (length, _) => (Some(usize::from(length)), 2),
                };
                if let Some(length) = length.filter(|length| self.read.len() >= start + length) {
                    let opcode = head & 0x0F;
                    let payload = self.read[start..start + length].to_vec();
                    self.read.drain(..start + length);
                    return Some((opcode, payload));
                }
            }
            if !self.read_more().await {
                return None;
            }
        }
    }

    /// The next text frame.
    pub async fn text(&mut self) -> Value {
        loop {
            let (opcode, payload) = self.frame().await.expect("the stream should not end before a text frame");
            if opcode == 1 {
                return serde_json::from_slice(&payload).expect("the frame should be JSON");
            }
        }
    }

    /// Skips text frames of other types and returns the next one of this type.
    ///
    /// # Panics
    /// If this takes more than a minute.
    pub async fn next_of(&mut self, kind: &str) -> Value {
        let reading = async {
            loop {
                let frame = self.text().await;
                if frame["type"] == kind {
                    return frame;
                }
            }
        };
        tokio::time::timeout(TIMEOUT, reading).await.unwrap_or_else(|_| panic!("timed out waiting for {kind}"))
    }

    /// Reads until the server closes the connection. Returns the close code, or 0 if the stream ends without a close frame.
    ///
    /// # Panics
    /// If this takes more than a minute.
    pub async fn closed(&mut self) -> u16 {
        let reading = async {
            while let Some((opcode, payload)) = self.frame().await {
                if opcode == 8 {
                    return payload.first_chunk::<2>().map_or(0, |code| u16::from_be_bytes(*code));
                }
            }
            0
        };
        tokio::time::timeout(TIMEOUT, reading).await.expect("the server should close within a minute")
    }
}
