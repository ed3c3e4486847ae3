//! Dictionaries for Zstandard.

/// Where a dictionary has its id: four bytes, the least significant one first. Source: "Dictionary Format" in RFC 8878.
const ID: std::ops::Range<usize> = 4..8;

/// A dictionary in the format of Zstandard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dictionary {
    /// The id that frames name. A greater id is newer.
    pub id: u32,
    /// The dictionary, which contains the id.
    pub content: Vec<u8>,
}

impl Dictionary {
    /// The greatest id of a shipped dictionary. Trained ones have greater ids.
    pub const LAST_SHIPPED: u32 = 999;

    /// The dictionary that comes with the program, made by `tools/dictionary` from made-up payloads.
    pub fn shipped() -> Self {
        Self { id: 1, content: include_bytes!("../../dictionary/payloads-1.zdict").to_vec() }
    }

    /// Gives a dictionary an id.
    ///
    /// # Panics
    /// If `content` is shorter than the header of a dictionary.
    pub fn with_id(id: u32, mut content: Vec<u8>) -> Self {
        content[ID].copy_from_slice(&id.to_le_bytes());
        Self { id, content }
    }
}
