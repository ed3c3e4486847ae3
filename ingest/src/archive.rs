//! Partitions of `events` as Parquet files in an object storage.
//!
//! - `storage`: reads and writes files below `ARCHIVE_URL`.
//! - `connector`: sends the requests of the storage with our HTTP client.
//! - `event`: an event with all columns of its row.
//! - `columns`: the columns of the files.
//! - `file`: encodes and decodes a file.

pub(crate) mod columns;
pub(crate) mod connector;
pub(crate) mod error;
pub(crate) mod event;
pub(crate) mod file;
pub mod storage;
