//! Values in Postgres's binary COPY format, each in the binary format of its type.

use std::ops::Deref;

use time::OffsetDateTime;

/// Signature, flags, and the length of the (empty) header extension.
pub(in crate::store) const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// Stands for a row after the last one.
pub(in crate::store) const END: &[u8] = &(-1_i16).to_be_bytes();
/// Unix time of 2000-01-01, the epoch of Postgres timestamps.
const EPOCH_SECONDS: i128 = 946_684_800;
/// Type ids of array elements.
const TEXT_OID: i32 = 25;
const INTEGER_OID: i32 = 23;

pub(in crate::store) fn value(chunk: &mut Vec<u8>, bytes: &[u8]) {
    prefixed(chunk, &[], bytes);
}

pub(in crate::store) fn prefixed(chunk: &mut Vec<u8>, prefix: &[u8], bytes: &[u8]) {
    chunk.extend_from_slice(&length(prefix.len() + bytes.len()));
    chunk.extend_from_slice(prefix);
    chunk.extend_from_slice(bytes);
}

pub(in crate::store) fn text(chunk: &mut Vec<u8>, text: Option<&str>) {
    match text {
        Some(text) => value(chunk, text.as_bytes()),
        None => chunk.extend_from_slice(&(-1_i32).to_be_bytes()),
    }
}

pub(in crate::store) fn texts<T: Deref<Target = str>>(chunk: &mut Vec<u8>, items: &[T]) {
    array_header(chunk, TEXT_OID, items.len(), items.iter().map(|item| 4 + item.len()).sum());
    for item in items {
        value(chunk, item.as_bytes());
    }
}

pub(in crate::store) fn integers(chunk: &mut Vec<u8>, items: &[i32]) {
    array_header(chunk, INTEGER_OID, items.len(), 8 * items.len());
    for item in items {
        // Writes the length and value together, because an event has many terms.
        chunk.extend_from_slice(&(4_u64 << 32 | u64::from(item.cast_unsigned())).to_be_bytes());
    }
}

/// The header that precedes `items` elements with a total size of `bytes` bytes: one dimension that starts at 1, or none for an empty
/// array.
fn array_header(chunk: &mut Vec<u8>, oid: i32, items: usize, bytes: usize) {
    let dimensions: &[[u8; 4]] = if items == 0 { &[] } else { &[length(items), length(1)] };
    chunk.extend_from_slice(&length(12 + 4 * dimensions.len() + bytes));
    for word in [i32::from(items > 0), 0, oid] {
        chunk.extend_from_slice(&word.to_be_bytes());
    }
    chunk.extend_from_slice(dimensions.as_flattened());
}

/// Microseconds since 2000.
pub(in crate::store) fn timestamp(at: OffsetDateTime) -> [u8; 8] {
    let micros = at.unix_timestamp_nanos() / 1_000 - EPOCH_SECONDS * 1_000_000;
    i64::try_from(micros).unwrap_or(i64::MAX - 1).to_be_bytes()
}

/// Nothing in a delivery comes close to the 2 GiB limit.
pub(in crate::store) fn length(bytes: usize) -> [u8; 4] {
    i32::try_from(bytes).unwrap_or(i32::MAX).to_be_bytes()
}
