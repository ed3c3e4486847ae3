//! Finds the elements of a file: objects of JSON, one per line or in arrays, or bodies of deliveries as they were posted, one per line.
//!
//! Nothing is ever read as a whole but an element, because a file can be a single array of any size.

use std::io::{self, BufRead, Cursor};

use crate::webhook::form::Form;

/// Longer elements are cut and not stored as events. No delivery is as long.
const MAX_ELEMENT_BYTES: usize = 32 << 20;
/// The bytes that are kept of an element which is too long.
const KEPT_BYTES: usize = 1 << 20;

/// What [`Splitter::next`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece {
    /// An object that begins and ends where it should.
    Object,
    /// Bytes that are not an element, for this reason.
    Broken(&'static str),
}

/// How the file contains its elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Forms,
}

/// Reads elements one after another.
pub(super) struct Splitter<R> {
    input: R,
    /// `None` until the first byte is known.
    format: Option<Format>,
    /// Whether each line has one object, as in NDJSON, so that a line break ends a broken one. `None` until the first object has ended.
    is_one_per_line: Option<bool>,
    /// The elements of a form that are left.
    form: Option<Box<Splitter<Cursor<Vec<u8>>>>>,
}

impl<R: BufRead> Splitter<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, format: None, is_one_per_line: None, form: None }
    }

    /// Appends the next element, or the bytes that are none. Returns `None` at the end of the file.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(super) fn next(&mut self, out: &mut Vec<u8>) -> io::Result<Option<Piece>> {
        loop {
            if let Some(form) = &mut self.form {
                if let Some(piece) = form.next(out)? {
                    return Ok(Some(piece));
                }
                self.form = None;
            }
            if self.format.is_none() {
                self.format = self.detect()?;
            }
            match self.format {
                None => return Ok(None),
                Some(Format::Json) => return self.next_object(out),
                Some(Format::Forms) => {
                    let Some(problem) = self.open_form(out)? else { return Ok(None) };
                    if let Some(problem) = problem {
                        return Ok(Some(Piece::Broken(problem)));
                    }
                }
            }
        }
    }

    /// Looks at the first byte that is not space. `None` if there is none.
    fn detect(&mut self) -> io::Result<Option<Format>> {
        loop {
            let buffer = self.input.fill_buf()?;
            if buffer.is_empty() {
                return Ok(None);
            }
            let spaces = buffer.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            let first = buffer.get(spaces).copied();
            self.input.consume(spaces);
            if let Some(first) = first {
                return Ok(Some(if matches!(first, b'{' | b'[') { Format::Json } else { Format::Forms }));
            }
        }
    }

    /// Reads a line and decodes it as a form. The outer value is `None` at the end of the file, the inner one is the problem, and then the line
    /// is appended to `out`.
    fn open_form(&mut self, out: &mut Vec<u8>) -> io::Result<Option<Option<&'static str>>> {
        let start = out.len();
        let is_whole = self.take_line(out, start)?;
        let line = out[start..].trim_ascii();
        if out.len() == start {
            return Ok(None);
        }
        if line.is_empty() {
            out.truncate(start);
            return self.open_form(out);
        }
        if !is_whole {
            return Ok(Some(Some("The line is longer than 32 MiB.")));
        }
        let events = Form::decode(line.to_vec()).and_then(Form::into_events);
        let Ok((bytes, value)) = events else {
            return Ok(Some(Some("The line is neither JSON nor a form with the field `mandrill_events`.")));
        };
        out.truncate(start);
        self.form = Some(Box::new(Splitter { format: Some(Format::Json), ..Splitter::new(Cursor::new(bytes[value].to_vec())) }));
        Ok(Some(None))
    }

    /// Appends the rest of a line with its line break. Returns false if it is too long; then only its first bytes are kept.
    fn take_line(&mut self, out: &mut Vec<u8>, start: usize) -> io::Result<bool> {
        let mut is_whole = true;
        loop {
            let buffer = self.input.fill_buf()?;
            let end = memchr::memchr(b'\n', buffer).map_or(buffer.len(), |at| at + 1);
            let is_end = buffer.is_empty() || buffer[end - 1] == b'\n';
            if is_whole {
                out.extend_from_slice(&buffer[..end]);
            }
            self.input.consume(end);
            if out.len() - start > MAX_ELEMENT_BYTES {
                out.truncate(start + KEPT_BYTES);
                is_whole = false;
            }
            if is_end {
                return Ok(is_whole);
            }
        }
    }

    fn next_object(&mut self, out: &mut Vec<u8>) -> io::Result<Option<Piece>> {
        let start = out.len();
        let mut object = Object::default();
        loop {
            let buffer = self.input.fill_buf()?;
            if buffer.is_empty() {
                let is_end = out.len() == start;
                return Ok((!is_end).then_some(Piece::Broken("The file ends inside the element.")));
            }
            let Step { skipped, taken, outcome } = object.read(buffer, self.is_one_per_line == Some(true));
            out.extend_from_slice(&buffer[skipped..taken]);
            self.input.consume(taken);
            match outcome {
                None if out.len() - start > MAX_ELEMENT_BYTES => {
                    out.truncate(start + KEPT_BYTES);
                    let rest = out.len();
                    self.take_line(out, rest)?;
                    out.truncate(rest);
                    return Ok(Some(Piece::Broken("The element is longer than 32 MiB.")));
                }
                None => {}
                Some(Outcome::Ended) => {
                    if self.is_one_per_line.is_none() {
                        self.is_one_per_line = Some(!object.has_line_break && !object.is_in_array && self.is_at_line_end()?);
                    }
                    return Ok(Some(Piece::Object));
                }
                Some(Outcome::NotAnObject) => {
                    self.take_line(out, start)?;
                    return Ok(Some(Piece::Broken("This is not a JSON object.")));
                }
                Some(Outcome::Broken) => return Ok(Some(Piece::Broken("The element ends too early."))),
            }
        }
    }

    fn is_at_line_end(&mut self) -> io::Result<bool> {
        let buffer = self.input.fill_buf()?;
        let next = buffer.iter().find(|byte| !matches!(byte, b' ' | b'\t' | b'\r'));
        Ok(next.is_none_or(|byte| *byte == b'\n'))
    }
}

/// An object while it is read.
#[derive(Debug, Default)]
struct Object {
    /// The brackets and braces that are open.
    open: Vec<u8>,
    is_in_string: bool,
    is_escaped: bool,
    /// The last byte that is not space.
    previous: u8,
    has_line_break: bool,
    /// Whether a bracket came before it.
    is_in_array: bool,
}

enum Outcome {
    Ended,
    /// The bytes read so far are the start of an object, and what follows cannot be the rest of it.
    Broken,
    /// There are other bytes before an object.
    NotAnObject,
}

/// What [`Object::read`] did with a buffer.
struct Step {
    /// Bytes before the object.
    skipped: usize,
    /// The end of the bytes that are read, including `skipped`.
    taken: usize,
    outcome: Option<Outcome>,
}

impl Object {
    fn read(&mut self, buffer: &[u8], is_one_per_line: bool) -> Step {
        let mut skipped = 0;
        let mut at = 0;
        while at < buffer.len() {
            if self.is_escaped {
                self.is_escaped = false;
                // A line break is never escaped: it ends the string too early, as below.
                if buffer[at] != b'\n' {
                    at += 1;
                    continue;
                }
            }
            if self.is_in_string {
                let Some(next) = memchr::memchr3(b'"', b'\\', b'\n', &buffer[at..]) else {
                    at = buffer.len();
                    break;
                };
                at += next;
                match buffer[at] {
                    b'"' => self.is_in_string = false,
                    b'\\' => self.is_escaped = true,
                    // No string contains one.
                    _ => return Step { skipped, taken: at, outcome: Some(Outcome::Broken) },
                }
                self.previous = b'"';
                at += 1;
                continue;
            }
            let byte = buffer[at];
            if self.open.is_empty() {
                match byte {
                    b'{' => self.open.push(byte),
                    b'[' => self.is_in_array = true,
                    b']' | b',' | b' ' | b'\t' | b'\r' | b'\n' => {}
                    _ => return Step { skipped: at, taken: at, outcome: Some(Outcome::NotAnObject) },
                }
                if byte != b'{' {
                    skipped = at + 1;
                }
                self.previous = byte;
                at += 1;
                continue;
            }
            match byte {
                b'\n' if is_one_per_line => return Step { skipped, taken: at, outcome: Some(Outcome::Broken) },
                b'\n' => self.has_line_break = true,
                b'"' => self.is_in_string = true,
                b'{' if !self.may_begin_object() => return Step { skipped, taken: at, outcome: Some(Outcome::Broken) },
                b'{' | b'[' => self.open.push(byte),
                b'}' | b']' => {
                    self.open.pop();
                    if self.open.is_empty() {
                        return Step { skipped, taken: at + 1, outcome: Some(Outcome::Ended) };
                    }
                }
                _ => {}
            }
            if !byte.is_ascii_whitespace() {
                self.previous = byte;
            }
            at += 1;
        }
        Step { skipped, taken: at, outcome: None }
    }

    /// Whether an object may begin here: as a value, or in an array. Otherwise, the one before is cut off.
    fn may_begin_object(&self) -> bool {
        match self.open.last() {
            Some(b'[') => matches!(self.previous, b'[' | b','),
            _ => self.previous == b':',
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    /// The pieces of a file that is read in buffers of this size.
    fn pieces(file: &[u8], buffer: usize) -> Vec<(String, bool)> {
        let mut splitter = Splitter::new(BufReader::with_capacity(buffer, file));
        let mut found = Vec::new();
        loop {
            let mut bytes = Vec::new();
            let Some(piece) = splitter.next(&mut bytes).expect("memory can be read") else { return found };
            found.push((String::from_utf8_lossy(&bytes).into_owned(), piece == Piece::Object));
        }
    }

    fn objects(file: &[u8]) -> Vec<String> {
        let found = pieces(file, 7);
        assert!(found.iter().all(|(_, is_object)| *is_object), "{found:?}");
        found.into_iter().map(|(text, _)| text).collect()
    }

    proptest! {
        #[test]
        fn every_format_gives_the_same_elements(
            values in prop::collection::vec(("[a-z\\\\\"{}\\[\\],:\u{1f600}]{0,12}", 0..3_i32), 1..6),
            buffer in 1..40_usize,
        ) {
            let values: Vec<Value> =
                values.into_iter().map(|(text, n)| json!({"event": text, "msg": {"tags": [{"a": n}, {text: []}]}})).collect();
            let array = Value::from(values.clone()).to_string();
            let form = |value: &str| form_urlencoded::Serializer::new(String::new()).append_pair("mandrill_events", value).finish();
            let lines = values.iter().map(|value| value.to_string() + "\r\n").collect::<String>();
            let pretty: String = values.iter().map(|value| format!("{value:#}\n\n")).collect();
            let files = [
                array.clone(),
                format!("{:#}", Value::from(values.clone())),
                lines,
                pretty,
                format!("{array}\n{array}"),
                format!("{}\n\n{}", form(&array), form("[]")),
            ];
            for (number, file) in files.iter().enumerate() {
                let found = pieces(file.as_bytes(), buffer);
                prop_assert!(found.iter().all(|(_, is_object)| *is_object), "{}: {:?}", file, found);
                let found: Vec<Value> = found.iter().map(|(text, _)| serde_json::from_str(text).expect("JSON")).collect();
                let expected = if number == 4 { [values.clone(), values.clone()].concat() } else { values.clone() };
                prop_assert_eq!(found, expected, "{}", file);
            }
        }

        #[test]
        fn no_byte_of_a_broken_line_is_lost_and_no_other_line_is_touched(cut in 1..60_usize) {
            let line = r#"{"event":"open","msg":{"tags":["a","b"],"text":"x\"y"},"ts":1}"#;
            let file = format!("{line}\n{}\n{line}\n", &line[..cut]);
            let found = pieces(file.as_bytes(), 16);
            prop_assert_eq!(&found[0], &(line.to_owned(), true));
            prop_assert_eq!(&found[found.len() - 1], &(line.to_owned(), true));
            let broken: String = found[1..found.len() - 1].iter().map(|(text, _)| text.as_str()).collect();
            prop_assert_eq!(broken.trim(), &line[..cut]);
        }

        #[test]
        fn arbitrary_bytes_end(file in prop::collection::vec(any::<u8>(), 0..200), buffer in 1..20_usize) {
            pieces(&file, buffer);
        }
    }

    #[test]
    fn a_first_line_that_is_cut_off_costs_no_other() {
        for start in [r#"{"event":"op"#, r#"{"event":"open""#, r#"{"event":"open","#, r#"{"msg":{"a":1}"#] {
            let found = pieces(format!("{start}\n{{\"event\":\"send\"}}\n").as_bytes(), 9);
            assert_eq!(found.len(), 2, "{found:?}");
            assert_eq!((found[0].0.trim(), found[0].1), (start, false));
            assert_eq!(found[1], (r#"{"event":"send"}"#.to_owned(), true));
        }
    }

    #[test]
    fn other_values_are_broken_and_empty_files_are_empty() {
        assert_eq!(pieces(b" \n\n", 4), []);
        assert_eq!(objects(b"[]\n[ ]"), Vec::<String>::new());
        let found = pieces(b"[{\"event\":\"a\"}]\nnull, 7\n{\"event\":\"b\"}", 64);
        assert_eq!(found.iter().map(|(_, is_object)| *is_object).collect::<Vec<_>>(), [true, false, true]);
        assert_eq!(found[1].0, "null, 7\n");
        let found = pieces(b"some text\nmandrill_events=%5B%7B%7D%5D\nmandrill_events=[1", 64);
        assert_eq!(found, [("some text\n".to_owned(), false), ("{}".to_owned(), true), ("1".to_owned(), false)]);
    }
}
