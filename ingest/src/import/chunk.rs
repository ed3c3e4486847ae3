//! Groups the elements of a file, so that each group is stored in one transaction.

use std::io::{self, BufRead};
use std::ops::Range;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::split::{Piece, Splitter};

/// A chunk ends once it has as many elements, or bytes. Counts by hour are changed once for each chunk, which costs as much as the events if chunks are
/// four times smaller.
const CHUNK_ELEMENTS: u64 = 4_000;
const CHUNK_BYTES: usize = 8 << 20;

/// Elements that follow each other in the file.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    /// A JSON array of the elements that look like objects.
    pub(super) array: Vec<u8>,
    /// Where these elements are in `array`.
    pub(super) elements: Vec<Range<usize>>,
    /// Bytes that are not elements, and why.
    pub(super) broken: Vec<(Vec<u8>, &'static str)>,
    /// Number of test events and of erased events, which an export of ours contains and which are not imported.
    pub(super) left_out: u64,
    /// Number of elements of all kinds from the start of the file to the end of the chunk.
    pub(super) end: u64,
    /// Bytes of the file that have been read so far.
    pub(super) read_bytes: u64,
}

impl Chunk {
    /// Number of elements of all kinds.
    pub(super) fn len(&self) -> u64 {
        self.elements.len() as u64 + self.broken.len() as u64 + self.left_out
    }

    fn is_full(&self) -> bool {
        self.len() >= CHUNK_ELEMENTS || self.array.len() >= CHUNK_BYTES
    }

    fn add(&mut self, start: usize, piece: Piece) {
        match piece {
            Piece::Broken(problem) => self.broken.push((self.array.split_off(start), problem)),
            Piece::Object => match Exported::read(&self.array[start..]) {
                None => self.push(start),
                Some(Ok(payload)) => {
                    self.array.truncate(start);
                    self.array.extend_from_slice(payload.get().as_bytes());
                    self.push(start);
                }
                Some(Err(NoPayload::LeftOut)) => {
                    self.array.truncate(start);
                    self.left_out += 1;
                }
                Some(Err(NoPayload::Missing)) => {
                    let problem = "The event was exported without its payload. Export with `payload=true`.";
                    self.broken.push((self.array.split_off(start), problem));
                }
            },
        }
    }

    fn push(&mut self, start: usize) {
        self.elements.push(start..self.array.len());
        self.array.push(b',');
    }

    /// Closes the array.
    fn finish(&mut self) {
        match self.array.last_mut() {
            Some(last) if !self.elements.is_empty() => *last = b']',
            _ => self.array.push(b']'),
        }
    }
}

/// A line of our export: the fields that tell what to do with it.
#[derive(Deserialize)]
struct Exported {
    simulated: bool,
    erased_at: Option<Box<RawValue>>,
    payload: Option<Box<RawValue>>,
}

/// The reason that a line of our export is not imported.
enum NoPayload {
    /// It was exported without payloads.
    Missing,
    /// It is a test event, or its personal data was erased.
    LeftOut,
}

impl Exported {
    /// Returns `None` if the element is not a line of our export, whose first field is the event's id.
    fn read(element: &[u8]) -> Option<Result<Box<RawValue>, NoPayload>> {
        let first = element.strip_prefix(b"{")?.trim_ascii_start();
        if !first.starts_with(br#""id""#) {
            return None;
        }
        let Self { simulated, erased_at, payload } = serde_json::from_slice(element).ok()?;
        Some(match payload {
            _ if simulated || erased_at.is_some() => Err(NoPayload::LeftOut),
            None => Err(NoPayload::Missing),
            Some(payload) => Ok(payload),
        })
    }
}

/// Reads a file from the element at `skipped` on.
pub(super) struct ChunkReader<R> {
    splitter: Splitter<R>,
    read: u64,
    skipped: u64,
}

impl<R: BufRead> ChunkReader<R> {
    pub(super) fn new(input: R, skipped: u64) -> Self {
        Self { splitter: Splitter::new(input), read: 0, skipped }
    }

    /// Returns `None` at the end of the file.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(super) fn next(&mut self) -> io::Result<Option<Chunk>> {
        let mut chunk = Chunk { array: vec![b'['], ..Chunk::default() };
        while !chunk.is_full() {
            let start = chunk.array.len();
            let Some(piece) = self.splitter.next(&mut chunk.array)? else { break };
            self.read += 1;
            if self.read <= self.skipped {
                chunk.array.truncate(start);
            } else {
                chunk.add(start, piece);
            }
        }
        chunk.finish();
        chunk.end = self.read;
        Ok((chunk.len() > 0).then_some(chunk))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunks(file: &str, skipped: u64) -> Vec<Chunk> {
        let mut reader = ChunkReader::new(file.as_bytes(), skipped);
        std::iter::from_fn(|| reader.next().expect("memory can be read")).collect()
    }

    #[test]
    fn chunks_are_arrays_of_limited_length_and_continue_anywhere() {
        let file: String = (0..9_500).map(|n| format!("{{\"event\":\"e{n}\"}}\n")).collect();
        for skipped in [0, 1, 3_999, 4_000, 9_499, 9_500, 10_000] {
            let found = chunks(&file, skipped);
            let elements: Vec<String> = found
                .iter()
                .flat_map(|chunk| {
                    let array: Vec<serde_json::Value> = serde_json::from_slice(&chunk.array).expect("an array");
                    assert_eq!(array.len(), chunk.elements.len());
                    assert!(chunk.len() <= CHUNK_ELEMENTS);
                    chunk.elements.iter().map(|range| String::from_utf8_lossy(&chunk.array[range.clone()]).into_owned())
                })
                .collect();
            let expected: Vec<String> = (skipped..9_500).map(|n| format!("{{\"event\":\"e{n}\"}}")).collect();
            assert_eq!(elements, expected);
            assert!(found.last().is_none_or(|last| last.end == 9_500));
        }
    }

    #[test]
    fn lines_of_an_export_are_their_payloads() {
        let file = r#"{"id":1,"simulated":false,"payload":{"event":"open"}}
            { "id":2,"simulated":true,"payload":{"event":"open"}}
            {"id":3,"simulated":false,"erased_at":"2026-01-01T00:00:00Z","payload":{}}
            {"id":4,"simulated":false}
            nothing
            {"event":"send"}"#;
        let found = chunks(file, 0);
        let [chunk] = &found[..] else { panic!("one chunk is expected: {found:?}") };
        assert_eq!(String::from_utf8_lossy(&chunk.array), r#"[{"event":"open"},{"event":"send"}]"#);
        assert_eq!((chunk.left_out, chunk.broken.len(), chunk.end), (2, 2, 6));
    }
}
