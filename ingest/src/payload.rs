//! Payloads are stored compressed: a frame of Zstandard for each, made with a dictionary of what most payloads have in common, and without what
//! the columns of the row contain.
//!
//! - `codec`: compresses and decompresses.
//! - `row_values`: takes the values of columns out of a payload, and puts them back.
//! - `dictionary`: dictionaries, and the shipped one.
//! - `training`: makes a dictionary from payloads.
//! - `scrub`: replaces what payloads say about people before a dictionary is made of them.

pub(crate) mod codec;
pub mod dictionary;
pub mod row_values;
mod scrub;
pub mod training;
