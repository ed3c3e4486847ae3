//! The subset of RFC 6455 needed by a client that trusts its server.

/// A masked text frame of at most 65,535 bytes.
pub(super) fn text(payload: &str) -> Vec<u8> {
    frame(0x81, payload.as_bytes())
}

/// A masked pong frame.
pub(super) fn pong(payload: &[u8]) -> Vec<u8> {
    frame(0x8A, payload)
}

fn frame(head: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![head];
    match u8::try_from(payload.len()) {
        Ok(length @ 0..=125) => frame.push(0x80 | length),
        _ => {
            frame.push(0x80 | 126);
            frame.extend(u16::try_from(payload.len()).unwrap_or(u16::MAX).to_be_bytes());
        }
    }
    // The protocol allows an all-zero mask, which leaves the payload unchanged.
    frame.extend([0; 4]);
    frame.extend_from_slice(payload);
    frame
}

/// Splits off the first frame in `bytes`. Returns its opcode, its payload and the remaining bytes, or `None` if it is incomplete.
pub(super) fn split_frame(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let [head, second, rest @ ..] = bytes else { return None };
    let (length, rest) = match (second & 0x7F, rest) {
        (126, [a, b, rest @ ..]) => (usize::from(u16::from_be_bytes([*a, *b])), rest),
        (127, rest) => {
            let (length, rest) = rest.split_first_chunk::<8>()?;
            (usize::try_from(u64::from_be_bytes(*length)).ok()?, rest)
        }
        (126, _) => return None,
        (length, rest) => (usize::from(length), rest),
    };
    (rest.len() >= length).then(|| (head & 0x0F, &rest[..length], &rest[length..]))
}

/// Finds the marker `@seq:micros@` in a payload, which may be JSON. Returns the sequence number and due time.
pub(super) fn marker(payload: &[u8]) -> Option<(u64, u64)> {
    let start = memchr::memchr(b'@', payload)? + 1;
    let end = start + memchr::memchr(b'@', &payload[start..])?;
    let (seq, micros) = std::str::from_utf8(&payload[start..end]).ok()?.split_once(':')?;
    Some((seq.parse().ok()?, micros.parse().ok()?))
}

/// The `message_id` of a notification.
pub(super) fn message_id(payload: &[u8]) -> Option<&str> {
    const NAME: &[u8] = b"\"message_id\":\"";
    let start = memchr::memmem::find(payload, NAME)? + NAME.len();
    let end = start + memchr::memchr(b'"', &payload[start..])?;
    std::str::from_utf8(&payload[start..end]).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An unmasked frame, as sent by servers.
    fn unmasked(payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![0x81];
        match payload.len() {
            0..=125 => frame.extend([payload.len() as u8]),
            126..=0xFFFF => {
                frame.push(126);
                frame.extend((payload.len() as u16).to_be_bytes());
            }
            _ => {
                frame.push(127);
                frame.extend((payload.len() as u64).to_be_bytes());
            }
        }
        frame.extend(payload);
        frame
    }

    #[test]
    fn frames_of_every_length_are_split_and_incomplete_ones_are_not() {
        for length in [0, 1, 125, 126, 127, 0xFFFF, 0x1_0000, 70_000] {
            let payload = vec![b'x'; length];
            let frame = unmasked(&payload);
            for cut in (0..frame.len().min(20)).chain([frame.len() - 1]) {
                assert!(split_frame(&frame[..cut]).is_none(), "{length} bytes cut at {cut}");
            }
            let two = [&frame[..], b"\x89\x01"].concat();
            assert_eq!(split_frame(&two), Some((1, &payload[..], &b"\x89\x01"[..])), "{length} bytes");
        }
    }

    #[test]
    fn markers_are_found_in_text_and_json_only() {
        assert_eq!(marker(b"@7:1234@xxx"), Some((7, 1234)));
        assert_eq!(marker(br#"{"title":"@7:1234@","body":"x"}"#), Some((7, 1234)));
        for other in ["", "@", "@7:1@".trim_end_matches('@'), "bench@example.com", "a@b c@d", "@:@"] {
            assert_eq!(marker(other.as_bytes()), None, "{other}");
        }
    }
}
