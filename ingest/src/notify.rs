//! Which users an event notifies, and the text they see.

pub mod cache;
pub mod draft;
pub mod rules;
mod text;
