//! The subset of RFC 6455 framing that this service needs.
//!
//! Frames that we send are unmasked, so the same bytes can be sent to every client. Frames from clients are small and rare, and
//! are parsed strictly.

use crate::fanout::protocol::Close;

/// The maximum size of a message from a client, in bytes, across all its frames.
const MAX_MESSAGE: usize = 4 << 10;
/// The maximum payload size of a control frame, in bytes (RFC 6455, section 5.5).
const MAX_CONTROL: usize = 125;

const CONTINUATION: u8 = 0x0;
const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xA;
const FINAL: u8 = 0x80;
const MASKED: u8 = 0x80;

/// A ping without a payload.
pub const PING_FRAME: [u8; 2] = [FINAL | PING, 0];

/// Appends a text frame.
pub fn put_text(out: &mut Vec<u8>, text: &str) {
    put(out, TEXT, text.as_bytes());
}

/// The pong that answers a ping.
pub fn pong(payload: &[u8]) -> Vec<u8> {
    frame(PONG, payload)
}

/// A close frame. The reason must not exceed 123 bytes.
pub fn close(code: u16, reason: &str) -> Vec<u8> {
    frame(CLOSE, &[&code.to_be_bytes(), reason.as_bytes()].concat())
}

fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(payload.len() + 10);
    put(&mut out, opcode, payload);
    out
}

fn put(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    out.push(FINAL | opcode);
    let length = payload.len();
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(length @ 0..=125), _) => out.push(length),
        (_, Ok(length)) => {
            out.push(126);
            out.extend(length.to_be_bytes());
        }
        _ => {
            out.push(127);
            out.extend((length as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(payload);
}

/// A message or control frame from a client.
#[derive(Debug, PartialEq, Eq)]
pub enum ClientMessage {
    /// A complete message.
    Text(String),
    /// A ping with its payload, which the pong must echo.
    Ping(Vec<u8>),
    Pong,
    Close,
}

/// Decodes the bytes from a client. Holds no memory between messages.
#[derive(Debug, Default)]
pub struct Decoder {
    bytes: Vec<u8>,
    /// The payload received so far for a fragmented message.
    message: Option<Vec<u8>>,
}

impl Decoder {
    /// Adds bytes that were read from the socket.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Returns the next message or control frame; `None` until all its bytes have been added.
    ///
    /// # Errors
    /// The close code to use, if the client violates RFC 6455 or our limits.
    pub fn next_message(&mut self) -> Result<Option<ClientMessage>, Close> {
        loop {
            let Some((head, payload)) = self.next_frame()? else {
                if self.bytes.is_empty() {
                    self.bytes = Vec::new();
                }
                return Ok(None);
            };
            let is_final = head & FINAL != 0;
            match head & 0x0F {
                TEXT if self.message.is_none() && is_final => return text(payload).map(Some),
                TEXT if self.message.is_none() => self.message = Some(payload),
                CONTINUATION => {
                    let mut message = self.message.take().ok_or(Close::Violation)?;
                    if message.len() + payload.len() > MAX_MESSAGE {
                        return Err(Close::TooLarge);
                    }
                    message.extend(payload);
                    if is_final {
                        return text(message).map(Some);
                    }
                    self.message = Some(message);
                }
                PING => return Ok(Some(ClientMessage::Ping(payload))),
                PONG => return Ok(Some(ClientMessage::Pong)),
                CLOSE => return parse_close(&payload).map(Some),
                BINARY => return Err(Close::Unsupported),
                _ => return Err(Close::Violation),
            }
        }
    }

    /// The first byte and unmasked payload of the next frame. The header is validated as soon as it has arrived.
    fn next_frame(&mut self) -> Result<Option<(u8, Vec<u8>)>, Close> {
        let [head, second, rest @ ..] = self.bytes.as_slice() else { return Ok(None) };
        let (opcode, is_control) = (head & 0x0F, head & 0x08 != 0);
        let reserved = head & 0x70 != 0 || matches!(opcode, 0x3..=0x7 | 0xB..=0xF);
        if reserved || second & MASKED == 0 || (is_control && head & FINAL == 0) {
            return Err(Close::Violation);
        }
        let (length, rest) = match (second & 0x7F, rest) {
            (126, [a, b, rest @ ..]) => {
                let length = usize::from(u16::from_be_bytes([*a, *b]));
                if length < 126 {
                    return Err(Close::Violation);
                }
                (length, rest)
            }
            (126, _) => return Ok(None),
            // A 64-bit length is only used for payloads far above our limit.
            (127, _) => return Err(if is_control { Close::Violation } else { Close::TooLarge }),
            (length, rest) => (usize::from(length), rest),
        };
        if is_control && length > MAX_CONTROL {
            return Err(Close::Violation);
        }
        if length > MAX_MESSAGE {
            return Err(Close::TooLarge);
        }
        let Some((mask, rest)) = rest.split_first_chunk::<4>() else { return Ok(None) };
        let Some(masked) = rest.get(..length) else { return Ok(None) };
        let payload: Vec<u8> = masked.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
        let (head, used) = (*head, self.bytes.len() - rest.len() + length);
        self.bytes.drain(..used);
        Ok(Some((head, payload)))
    }
}

fn text(payload: Vec<u8>) -> Result<ClientMessage, Close> {
    String::from_utf8(payload).map(ClientMessage::Text).map_err(|_| Close::NotUtf8)
}

/// Validates the code and reason of a close frame.
fn parse_close(payload: &[u8]) -> Result<ClientMessage, Close> {
    let Some((code, reason)) = payload.split_first_chunk::<2>() else {
        return if payload.is_empty() { Ok(ClientMessage::Close) } else { Err(Close::Violation) };
    };
    match u16::from_be_bytes(*code) {
        1000..=1003 | 1007..=1014 | 3000..=4999 if std::str::from_utf8(reason).is_ok() => Ok(ClientMessage::Close),
        _ => Err(Close::Violation),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A masked frame, as sent by a client.
    fn masked(head: u8, payload: &[u8]) -> Vec<u8> {
        let mask = [0x12, 0x34, 0x56, 0x78];
        let mut out = vec![head];
        match payload.len() {
            length @ 0..=125 => out.push(MASKED | length as u8),
            length => {
                out.push(MASKED | 126);
                out.extend((length as u16).to_be_bytes());
            }
        }
        out.extend(mask);
        out.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        out
    }

    fn decode(bytes: &[u8]) -> Result<Vec<ClientMessage>, Close> {
        let mut decoder = Decoder::default();
        decoder.push(bytes);
        let mut messages = Vec::new();
        while let Some(message) = decoder.next_message()? {
            messages.push(message);
        }
        Ok(messages)
    }

    #[test]
    fn valid_frames_are_decoded() {
        let text = |text: &str| ClientMessage::Text(text.to_owned());
        assert_eq!(decode(&masked(0x81, b"hello")), Ok(vec![text("hello")]));
        assert_eq!(decode(&masked(0x81, &[b'x'; MAX_MESSAGE])).map(|messages| messages.len()), Ok(1));
        let parts = [masked(0x01, "gr\u{fc}".as_bytes()), masked(0x89, b"?"), masked(0x00, b""), masked(0x80, b"n")].concat();
        assert_eq!(
            decode(&parts),
            Ok(vec![ClientMessage::Ping(b"?".to_vec()), text("gr\u{fc}n")]),
            "a ping may interrupt a fragmented message"
        );
        assert_eq!(decode(&masked(0x8A, b"")), Ok(vec![ClientMessage::Pong]));
        for payload in [&b""[..], &[3, 232], &[15, 160, b'x']] {
            assert_eq!(decode(&masked(0x88, payload)), Ok(vec![ClientMessage::Close]), "{payload:?}");
        }
    }

    #[test]
    fn invalid_and_oversized_frames_close_the_connection() {
        let table: [(&str, Vec<u8>, Close); 16] = [
            ("unmasked", vec![0x81, 1, b'x'], Close::Violation),
            ("a reserved bit", masked(0xC1, b"x"), Close::Violation),
            ("a reserved opcode", masked(0x83, b"x"), Close::Violation),
            ("a reserved control opcode", masked(0x8B, b""), Close::Violation),
            ("a fragmented ping", masked(0x09, b""), Close::Violation),
            ("a ping of 126 bytes", masked(0x89, &[0; 126]), Close::Violation),
            ("a continuation without a message", masked(0x80, b"x"), Close::Violation),
            ("a message inside a fragmented message", [masked(0x01, b"x"), masked(0x81, b"y")].concat(), Close::Violation),
            ("a 16-bit length for a short payload", vec![0x81, MASKED | 126, 0, 5, 0, 0, 0, 0], Close::Violation),
            ("binary", masked(0x82, b"x"), Close::Unsupported),
            ("invalid UTF-8", masked(0x81, &[0xC3, 0x28]), Close::NotUtf8),
            ("too large according to its header", vec![0x81, MASKED | 126, 0x10, 1], Close::TooLarge),
            ("far too large", vec![0x81, MASKED | 127, 0, 0, 0, 1, 0, 0, 0, 0], Close::TooLarge),
            ("too large across fragments", [masked(0x01, &[b'x'; 4000]), masked(0x80, &[b'x'; 97])].concat(), Close::TooLarge),
            ("a close frame with a one-byte payload", masked(0x88, &[3]), Close::Violation),
            ("a reserved close code", masked(0x88, &[3, 237]), Close::Violation),
        ];
        for (case, bytes, expected) in table {
            assert_eq!(decode(&bytes), Err(expected), "{case}");
        }
    }

    #[test]
    fn sent_frames_have_the_shortest_header() {
        for (length, header) in [(0, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10)] {
            let mut out = Vec::new();
            put_text(&mut out, &"x".repeat(length));
            assert_eq!((out[0], out.len()), (0x81, header + length));
        }
        assert_eq!(close(4408, "slow"), [0x88, 6, 17, 56, b's', b'l', b'o', b'w']);
    }

    proptest! {
        #[test]
        fn messages_are_decoded_regardless_of_how_their_bytes_are_split(
            texts in prop::collection::vec("\\PC{0,200}", 1..8),
            cuts in prop::collection::vec(0..50_usize, 0..200)
        ) {
            let bytes: Vec<u8> = texts.iter().flat_map(|text| masked(0x81, text.as_bytes())).collect();
            let (mut decoder, mut messages, mut rest) = (Decoder::default(), Vec::new(), bytes.as_slice());
            for cut in cuts.into_iter().chain([usize::MAX]) {
                let (now, later) = rest.split_at(cut.min(rest.len()));
                rest = later;
                decoder.push(now);
                while let Some(message) = decoder.next_message().expect("the frames should be valid") {
                    messages.push(message);
                }
            }
            prop_assert_eq!(messages, texts.into_iter().map(ClientMessage::Text).collect::<Vec<_>>());
            prop_assert_eq!(decoder.bytes.capacity(), 0, "no memory is held between messages");
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = decode(&bytes);
        }
    }
}
