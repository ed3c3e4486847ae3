//! Payloads are stored compressed: a frame of Zstandard for each, made with a dictionary of what most payloads have in common.
//!
//! - `codec`: compresses and decompresses.
//! - `dictionary`: dictionaries, and the shipped one.
//! - `training`: makes a dictionary from payloads.
//! - `scrub`: replaces what payloads say about people before a dictionary is made of them.

pub(crate) mod codec;
pub mod dictionary;
mod scrub;
pub mod training;
