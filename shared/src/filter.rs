//! What selects events: the same names and meaning in `/api/events` and in a websocket subscription.
//!
//! This file holds the meaning and the match in memory; `ingest/src/read/events.rs` says the same in SQL.

mod conditions;
mod matching;
mod metadata;
mod parse;

pub use conditions::{Field, Filter};
pub use parse::FilterError;
