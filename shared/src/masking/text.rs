//! Hides the addresses in texts and in JSON.

use std::borrow::Cow;

use super::address::{AT, MASK, has_certain_address, masked_name, names};
use super::decode::{decoded_runs, unescaped};
use crate::json_text::string_bytes;

/// How many encodings, one within the other, are undone.
const MAX_DEPTH: usize = 3;
/// A longer text is hidden as a whole, since undoing encodings takes time for each character.
const MAX_BYTES: usize = 16 << 10;
/// How many bytes are decoded for a text: for any, and more for each byte of it.
const MIN_BUDGET: usize = 4 << 10;
const BUDGET_FACTOR: usize = 16;
/// What separates the parts of a link.
const LINK_SEPARATORS: &str = "/?&#=:;,";

/// The text without addresses. What holds an encoded one is hidden up to the next blank; within a link, up to the next part.
pub(super) fn mask(text: &str) -> Cow<'_, str> {
    if !may_need_masking(text) {
        return Cow::Borrowed(text);
    }
    if text.len() > MAX_BYTES {
        return Cow::Borrowed(MASK);
    }
    let masked = mask_words(&mask_names(text));
    // What is left is split over words.
    if reveals_address(&masked) { Cow::Borrowed(MASK) } else { Cow::Owned(masked) }
}

/// An address as it is shown, also if it is malformed.
pub(super) fn mask_address(address: &str) -> String {
    let masked = match address.rsplit_once(AT) {
        Some((name, domain)) => format!("{}@{}", masked_name(name), mask(domain)),
        None => masked_name(address),
    };
    if reveals_address(&masked) { MASK.to_owned() } else { masked }
}

/// A JSON text without addresses in its strings and names. Everything else stays as it is.
pub(super) fn mask_json(json: &str) -> String {
    let mut masked = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(start) = rest.find('"') {
        masked.push_str(&rest[..start]);
        let end = string_bytes(&rest[start..]) + start;
        let literal = &rest[start..end];
        match serde_json::from_str::<Cow<'_, str>>(literal) {
            Ok(text) => match mask(&text) {
                Cow::Borrowed(same) if same == text => masked.push_str(literal),
                hidden => masked.push_str(&serde_json::Value::from(hidden).to_string()),
            },
            // Not a string, so it is not JSON either.
            Err(_) => masked.push_str("\"\""),
        }
        rest = &rest[end..];
    }
    masked.push_str(rest);
    masked
}

/// Returns true if the text holds an address, as it is or encoded.
pub fn reveals_address(text: &str) -> bool {
    !names(text).is_empty() || reveals_encoded(text)
}

fn reveals_encoded(text: &str) -> bool {
    // Escapes within escapes multiply. Whoever writes such a text must not make others wait.
    let mut budget = MIN_BUDGET + text.len() * BUDGET_FACTOR;
    if reveals_decoded(text, MAX_DEPTH, &mut budget) {
        return true;
    }
    // Encoded texts can be broken into lines and groups.
    let joined: String = text.chars().filter(|character| !character.is_whitespace()).collect();
    joined.len() < text.len() && reveals_decoded(&joined, MAX_DEPTH, &mut budget)
}

/// Returns true if what the text encodes holds an address, or if that is not found out by decoding `budget` bytes.
fn reveals_decoded(text: &str, depth: usize, budget: &mut usize) -> bool {
    if depth == 0 {
        return false;
    }
    let mut is_spent = |decoded: &str| {
        *budget = budget.saturating_sub(decoded.len());
        *budget == 0
    };
    let mut decoded_texts = Vec::new();
    for decoded in unescaped(text) {
        if is_spent(&decoded) || !names(&decoded).is_empty() || has_certain_address(&decoded) {
            return true;
        }
        decoded_texts.push(decoded);
    }
    for decoded in decoded_runs(text) {
        if is_spent(&decoded) || has_certain_address(&decoded) {
            return true;
        }
        decoded_texts.push(decoded);
    }
    decoded_texts.iter().any(|decoded| reveals_decoded(decoded, depth - 1, budget))
}

/// Returns false for texts that are too short for an encoded address and have no sign of any.
fn may_need_masking(text: &str) -> bool {
    text.len() >= 8 || text.contains(AT) || text.contains(['%', '&', '\\', '=', '+'])
}

fn mask_names(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut end = 0;
    for name in names(text) {
        masked.push_str(&text[end..name.start]);
        masked.push_str(&masked_name(&text[name.clone()]));
        end = name.end;
    }
    masked.push_str(&text[end..]);
    masked
}

fn mask_words(text: &str) -> String {
    text.split_inclusive(char::is_whitespace)
        .map(|word| {
            let bare = word.trim_end();
            if reveals_encoded(bare) { format!("{}{}", mask_word(bare), &word[bare.len()..]) } else { word.to_owned() }
        })
        .collect()
}

fn mask_word(word: &str) -> String {
    if !word.contains("://") {
        return MASK.to_owned();
    }
    let masked: String = word
        .split_inclusive(|character| LINK_SEPARATORS.contains(character))
        .map(|part| {
            let bare = part.trim_end_matches(|character| LINK_SEPARATORS.contains(character));
            if reveals_encoded(bare) { format!("{MASK}{}", &part[bare.len()..]) } else { part.to_owned() }
        })
        .collect();
    if reveals_encoded(&masked) { MASK.to_owned() } else { masked }
}

#[cfg(test)]
mod tests;
