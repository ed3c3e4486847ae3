//! Makes dictionaries from payloads.

use zstd_safe::{CDict, DDict};

use super::dictionary::Dictionary;
use super::row_values::RowValues;
use super::scrub;

/// The size of a dictionary. Larger ones save nothing more, and smaller ones make compression slower.
const DICTIONARY_BYTES: usize = 112 << 10;
/// With fewer payloads, a dictionary would rather describe them than what is common to all.
pub const MIN_SAMPLES: usize = 500;
/// Shorter texts can be in a dictionary by chance.
const MIN_PRIVATE_BYTES: usize = 6;
/// Replaces private text in a dictionary.
const BLANK: u8 = b'_';

/// The reason that no dictionary could be made.
#[derive(Debug, thiserror::Error)]
pub enum TrainingError {
    /// There are too few payloads.
    #[error("{0} payloads are too few: {MIN_SAMPLES} are needed")]
    TooFew(usize),
    /// Zstandard finds too little that payloads have in common.
    #[error("Zstandard makes no dictionary of these payloads: {0}")]
    Unsuitable(&'static str),
}

/// A payload to make a dictionary from, and the values of its row.
#[derive(Debug, Clone, Copy)]
pub struct Sample<'a> {
    pub payload: &'a str,
    pub values: RowValues<'a>,
}

impl Sample<'_> {
    /// The payload as it is compressed.
    fn text(&self) -> String {
        let mut text = Vec::with_capacity(self.payload.len());
        self.values.remove_from(self.payload, &mut text);
        String::from_utf8(text).unwrap_or_default()
    }
}

/// Makes a dictionary with this id from stored payloads. It contains no text of theirs of six bytes or more that is an address, a name, an id, a
/// subject, a link or a value of metadata, except for public words.
///
/// # Errors
/// If there are too few payloads, or if they have too little in common.
pub(crate) fn train(id: u32, samples: &[Sample<'_>]) -> Result<Dictionary, TrainingError> {
    let (mut texts, mut replaced) = (Vec::with_capacity(samples.len()), Vec::with_capacity(samples.len()));
    for (seed, sample) in (1..).zip(samples) {
        texts.push(scrub::scrub(&sample.text(), seed).text);
        // The values of columns too.
        replaced.push(scrub::scrub(sample.payload, seed).replaced);
    }
    let mut content = content_of(&texts)?;
    blank(&mut content, replaced.iter().flatten());
    finish(id, content)
}

/// Makes a dictionary with this id from payloads that are made up, so that pieces of them can be in it.
///
/// # Errors
/// If there are too few payloads, or if they have too little in common.
pub fn train_on_made_up(id: u32, samples: &[Sample<'_>]) -> Result<Dictionary, TrainingError> {
    let texts: Vec<String> = samples.iter().map(Sample::text).collect();
    finish(id, content_of(&texts)?)
}

fn content_of(texts: &[String]) -> Result<Vec<u8>, TrainingError> {
    if texts.len() < MIN_SAMPLES {
        return Err(TrainingError::TooFew(texts.len()));
    }
    let sizes: Vec<usize> = texts.iter().map(String::len).collect();
    let mut content = Vec::with_capacity(DICTIONARY_BYTES);
    zstd_safe::train_from_buffer(&mut content, texts.concat().as_bytes(), &sizes)
        .map_err(|code| TrainingError::Unsuitable(zstd_safe::get_error_name(code)))?;
    Ok(content)
}

fn finish(id: u32, content: Vec<u8>) -> Result<Dictionary, TrainingError> {
    let dictionary = Dictionary::with_id(id, content);
    let is_usable = CDict::try_create(&dictionary.content, 1).is_some() && DDict::try_create(&dictionary.content).is_some();
    if is_usable { Ok(dictionary) } else { Err(TrainingError::Unsuitable("it cannot be read back")) }
}

/// Blanks out private texts that a dictionary contains by chance, because made-up text or a public field has the same letters.
fn blank<'a>(content: &mut [u8], texts: impl Iterator<Item = &'a String>) {
    let mut texts: Vec<&str> =
        texts.map(String::as_str).filter(|text| text.len() >= MIN_PRIVATE_BYTES && !scrub::is_public(text)).collect();
    texts.sort_unstable();
    texts.dedup();
    let Ok(searcher) = aho_corasick::AhoCorasick::new(&texts) else { return };
    let found: Vec<_> = searcher.find_overlapping_iter(&*content).map(|found| found.range()).collect();
    for range in found {
        content[range].fill(BLANK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::codec::Codec;

    /// Payloads of which each has values that no other has, and all have some in common.
    fn payloads() -> Vec<String> {
        let payload = |n: usize| {
            format!(
                r#"{{"event":"click","ts":{},"_id":"{:032x}","ip":"203.0.113.{}","url":"https:\/\/shop.example.com\/orders\/{n}","user_agent":"Mozilla\/5.0 (Windows NT 10.0; Win64; x64) Chrome\/131.0.0.0","msg":{{"email":"person{n}@private-host.example.com","sender":"sender@company.example.com","subject":"\u0421\u0447\u0451\u0442 Confidential {n}","tags":["secret-tag"],"metadata":{{"customer":{},"level":"platinum-level"}},"template":"private-template","state":"sent","smtp_events":[{{"type":"sent","diag":"250 2.0.0 OK queued as {:012x} for person{n}@private-host.example.com"}}]}}}}"#,
                1_790_000_000 + n,
                n * 7_919,
                n % 256,
                4_700_000 + n,
                n * 104_729
            )
        };
        (0..2_000).map(payload).collect()
    }

    /// The payloads, with a row that has one of their values.
    fn samples(payloads: &[String]) -> Vec<Sample<'_>> {
        let mut values = RowValues::default();
        values.0[4] = Some("private-template");
        payloads.iter().map(|payload| Sample { payload, values }).collect()
    }

    #[test]
    fn a_dictionary_saves_space_and_contains_no_private_text() {
        let payloads = payloads();
        let samples = samples(&payloads);
        let dictionary = train(1_000, &samples).expect("the payloads should have enough in common");
        let text = String::from_utf8_lossy(&dictionary.content).into_owned();
        for private in [
            "private-host",
            "person1",
            "sender@company",
            "company.example",
            "Confidential",
            r"\u0421\u0447\u0451\u0442",
            "secret-tag",
            "platinum",
            "private-template",
            "shop.example",
            "1790000",
            "47000",
            "203.0.113",
        ] {
            assert!(!text.contains(private), "{private}");
        }
        let (own, shipped) = (Codec::new(&[dictionary], true), Codec::new(&[Dictionary::shipped()], true));
        let size = |codec: &Codec| {
            samples
                .iter()
                .take(100)
                .filter_map(|sample| codec.compress(sample.payload, sample.values))
                .map(|frame| frame.len())
                .sum::<usize>()
        };
        assert!(size(&own) < size(&shipped), "{} and {}", size(&own), size(&shipped));
        for Sample { payload, values } in samples.into_iter().take(100) {
            let frame = own.compress(payload, values).expect("the payload should become smaller");
            assert_eq!(own.decompress(&frame, values).expect("the frame should be readable"), payload);
        }
    }

    #[test]
    fn too_few_payloads_and_payloads_without_anything_in_common_make_no_dictionary() {
        assert!(matches!(train(1_000, &samples(&payloads())[..MIN_SAMPLES - 1]), Err(TrainingError::TooFew(499))));
        let empty = vec![String::new(); MIN_SAMPLES];
        assert!(matches!(train(1_000, &samples(&empty)), Err(TrainingError::Unsuitable(_))));
    }
}
