//! Lenient reading of JSON whose shape varies. Everything borrows from the delivery: text without escapes is not copied.

pub mod elements;
pub mod metadata;
pub mod object;
mod unicode;
