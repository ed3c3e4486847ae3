//! Lenient parsing of JSON whose shape varies. Values are borrowed from the delivery, and strings without escapes are not copied.

pub mod elements;
pub mod metadata;
pub mod object;
mod unicode;
