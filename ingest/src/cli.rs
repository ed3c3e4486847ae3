//! Command line of `ingest`.
