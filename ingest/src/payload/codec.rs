//! Compresses and decompresses payloads.

use std::cell::RefCell;

use zstd_safe::{CCtx, CDict, DCtx, DDict};

use super::dictionary::Dictionary;
use super::row_values::RowValues;

/// Longer payloads, which are mails with attachments, are left to Postgres, so that no copy of them is held in memory.
const MAX_BYTES: usize = 1 << 20;
/// Higher levels cost more time than they save space here: level 3 takes three times as long for 5 %.
const LEVEL: i32 = 1;

/// The reason that a payload cannot be decompressed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CodecError {
    /// The dictionary with this id is not known.
    #[error("the dictionary {0} is missing")]
    UnknownDictionary(u32),
    /// What is stored is not a frame, or not one of ours.
    #[error("the payload is damaged: {0}")]
    Damaged(&'static str),
}

/// Compresses with the newest dictionary, and decompresses with any.
#[derive(Default)]
pub(crate) struct Codec {
    dictionaries: Vec<Prepared>,
    /// The dictionary for new payloads. `None` while payloads are stored as they are.
    newest: Option<CDict<'static>>,
}

struct Prepared {
    id: u32,
    dictionary: DDict<'static>,
}

impl Codec {
    /// Prepares dictionaries. Compresses with the one that has the greatest id, if `compresses`.
    pub(crate) fn new(dictionaries: &[Dictionary], compresses: bool) -> Self {
        let newest = dictionaries.iter().max_by_key(|dictionary| dictionary.id).filter(|_| compresses);
        Self {
            newest: newest.map(|newest| CDict::create(&newest.content, LEVEL)),
            dictionaries: dictionaries
                .iter()
                .map(|Dictionary { id, content }| Prepared { id: *id, dictionary: DDict::create(content) })
                .collect(),
        }
    }

    /// Whether new payloads are compressed.
    pub(crate) fn compresses(&self) -> bool {
        self.newest.is_some()
    }

    /// Compresses the payload of a row with these values. `None` if it is to be stored as it is, because that takes less space or because it is very
    /// long.
    pub(crate) fn compress(&self, payload: &str, values: RowValues<'_>) -> Option<Vec<u8>> {
        thread_local! {
            static CONTEXT: RefCell<(CCtx<'static>, Vec<u8>, Vec<u8>)> = RefCell::new((CCtx::create(), Vec::new(), Vec::new()));
        }
        let dictionary = self.newest.as_ref().filter(|_| payload.len() <= MAX_BYTES)?;
        CONTEXT.with_borrow_mut(|(context, text, frame)| {
            text.clear();
            if !values.remove_from(payload, text) {
                return None;
            }
            frame.clear();
            frame.reserve(zstd_safe::compress_bound(text.len()));
            context.compress_using_cdict(frame, text.as_slice(), dictionary).ok()?;
            // A copy of exactly its size: the buffer has room for several times as much.
            (frame.len() < payload.len()).then(|| frame.as_slice().to_vec())
        })
    }

    /// Decompresses the frame of a row with these values.
    ///
    /// # Errors
    /// If its dictionary is unknown, if it is damaged, or if it belongs to a row with other values.
    pub(crate) fn decompress(&self, frame: &[u8], values: RowValues<'_>) -> Result<String, CodecError> {
        thread_local! {
            static CONTEXT: RefCell<DCtx<'static>> = RefCell::new(DCtx::create());
        }
        let size = zstd_safe::get_frame_content_size(frame).ok().flatten();
        let size = size.and_then(|size| usize::try_from(size).ok()).filter(|size| *size <= MAX_BYTES);
        let size = size.ok_or(CodecError::Damaged("it has no plausible size"))?;
        let id = zstd_safe::get_dict_id_from_frame(frame).map_or(0, u32::from);
        let known = self.dictionaries.iter().find(|known| known.id == id).ok_or(CodecError::UnknownDictionary(id))?;
        let mut text = Vec::with_capacity(size);
        CONTEXT
            .with_borrow_mut(|context| context.decompress_using_ddict(&mut text, frame, &known.dictionary))
            .map_err(|code| CodecError::Damaged(zstd_safe::get_error_name(code)))?;
        let payload = values.put_into(text, MAX_BYTES).ok_or(CodecError::Damaged("it belongs to another row"))?;
        String::from_utf8(payload).map_err(|_| CodecError::Damaged("it is not UTF-8"))
    }
}

impl std::fmt::Debug for Codec {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ids: Vec<u32> = self.dictionaries.iter().map(|prepared| prepared.id).collect();
        formatter.debug_struct("Codec").field("dictionaries", &ids).field("compresses", &self.compresses()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: &str = r#"{"event":"open","ts":1790000000,"_id":"0af3","msg":{"email":"ada@example.com","subject":"Caf\u00e9 \/ bar","tags":["a"],"opens":[],"clicks":[]}}"#;

    const VALUES: RowValues<'static> = RowValues([
        None,
        Some("ada@example.com"),
        None,
        Some("Café / bar"),
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
    ]);

    #[test]
    fn payloads_come_back_byte_for_byte() {
        let codec = Codec::new(&[Dictionary::shipped()], true);
        let long = format!(r#"{{"event":"open","x":"{}"}}"#, "é\u{1f600}".repeat(10_000));
        for payload in [OPEN, &long] {
            let frame = codec.compress(payload, VALUES).expect("the payload should become smaller");
            assert!(frame.len() < payload.len());
            assert_eq!(codec.decompress(&frame, VALUES).expect("the frame should be readable"), payload);
        }
    }

    #[test]
    fn what_does_not_become_smaller_or_is_very_long_is_left_alone() {
        let codec = Codec::new(&[Dictionary::shipped()], true);
        assert_eq!(codec.compress("{}", VALUES), None);
        assert_eq!(codec.compress(&"a".repeat(MAX_BYTES + 1), VALUES), None);
        assert_eq!(Codec::new(&[Dictionary::shipped()], false).compress(OPEN, VALUES), None);
    }

    #[test]
    fn older_dictionaries_are_still_read() {
        let shipped = Dictionary::shipped();
        let newer = Dictionary::with_id(Dictionary::LAST_SHIPPED + 1, shipped.content.clone());
        let frame =
            Codec::new(std::slice::from_ref(&shipped), true).compress(OPEN, VALUES).expect("the payload should become smaller");
        let both = Codec::new(&[newer.clone(), shipped], true);
        assert_eq!(both.decompress(&frame, VALUES).expect("the frame should be readable"), OPEN);
        let frame = both.compress(OPEN, VALUES).expect("the payload should become smaller");
        assert_eq!(Codec::new(&[newer], true).decompress(&frame, VALUES).expect("the frame should be readable"), OPEN);
    }

    #[test]
    fn damaged_frames_and_missing_dictionaries_are_named() {
        let codec = Codec::new(&[Dictionary::shipped()], true);
        let frame = codec.compress(OPEN, VALUES).expect("the payload should become smaller");
        assert!(matches!(Codec::default().decompress(&frame, VALUES), Err(CodecError::UnknownDictionary(1))));
        for end in 0..frame.len() {
            assert!(codec.decompress(&frame[..end], VALUES).is_err(), "{end}");
        }
        assert!(matches!(codec.decompress(&frame, RowValues::default()), Err(CodecError::Damaged("it belongs to another row"))));
    }
}
