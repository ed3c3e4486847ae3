//! Addresses whose data was erased: what arrives later, but is older than the erasure, is stored without personal data.

pub mod keys;
pub(crate) mod list;
