//! Event filters, with the same names and meaning in `/api/events` and in websocket subscriptions.
//!
//! This module defines filters and matches them in memory. `ingest` translates them into SQL that gives the same results.

mod conditions;
mod matching;
mod metadata;
mod parse;

pub use conditions::{Field, Filter, Part, PartField, Place};
pub use metadata::number_text;
pub use parse::FilterError;
