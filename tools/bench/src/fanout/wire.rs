//! As much of RFC 6455 as a client needs that trusts its server.

/// A masked text frame, short.
pub(super) fn text(payload: &str) -> Vec<u8> {
    frame(0x81, payload.as_bytes())
}

/// A masked pong.
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
    // A mask of zeroes masks nothing, and is allowed.
    frame.extend([0; 4]);
    frame.extend_from_slice(payload);
    frame
}

/// The first frame in `bytes`: its opcode, its payload, and what follows. None while it is not whole.
pub(super) fn split(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
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

/// Sequence number and moment of the message in this payload, `@seq:micros@`; also where it is part of some JSON.
pub(super) fn mark(payload: &[u8]) -> Option<(u64, u64)> {
    let start = memchr::memchr(b'@', payload)? + 1;
    let end = start + memchr::memchr(b'@', &payload[start..])?;
    let (seq, micros) = std::str::from_utf8(&payload[start..end]).ok()?.split_once(':')?;
    Some((seq.parse().ok()?, micros.parse().ok()?))
}

/// The message that a notification of ours is about.
pub(super) fn message_id(payload: &[u8]) -> Option<&str> {
    const NAME: &[u8] = b"\"message_id\":\"";
    let start = memchr::memmem::find(payload, NAME)? + NAME.len();
    let end = start + memchr::memchr(b'"', &payload[start..])?;
    std::str::from_utf8(&payload[start..end]).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame as servers send it.
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
    fn frames_of_every_length_are_split_however_they_are_cut() {
        for length in [0, 1, 125, 126, 127, 0xFFFF, 0x1_0000, 70_000] {
            let payload = vec![b'x'; length];
            let frame = unmasked(&payload);
            for cut in (0..frame.len().min(20)).chain([frame.len() - 1]) {
                assert!(split(&frame[..cut]).is_none(), "{length} bytes cut at {cut}");
            }
            let two = [&frame[..], b"\x89\x01"].concat();
            assert_eq!(split(&two), Some((1, &payload[..], &b"\x89\x01"[..])), "{length} bytes");
        }
    }

    #[test]
    fn a_mark_is_found_in_text_and_in_json_and_nowhere_else() {
        assert_eq!(mark(b"@7:1234@xxx"), Some((7, 1234)));
        assert_eq!(mark(br#"{"title":"@7:1234@","body":"x"}"#), Some((7, 1234)));
        for other in ["", "@", "@7:1@".trim_end_matches('@'), "bench@example.com", "a@b c@d", "@:@"] {
            assert_eq!(mark(other.as_bytes()), None, "{other}");
        }
    }
}
