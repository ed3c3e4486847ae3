//! What was committed, over HTTP: one file a resource, its query beside its handler.

pub mod events;
pub mod export;
pub(crate) mod filters;
pub mod histogram;
mod lookup;
pub mod messages;
pub mod notifications;
pub(crate) mod page;
pub mod recipients;
mod selection;
pub mod statistics;

use percent_encoding::percent_decode_str;
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::ApiError;

/// Bytes of an id or address that can be asked for: as many as are stored.
const LONGEST: usize = 512;

/// A part of a path, decoded; what cannot have been stored is not found.
pub(crate) fn path_text(part: &str) -> Result<String, ApiError> {
    let text = percent_decode_str(part).decode_utf8().map_err(|_| ApiError::NotFound)?;
    if text.is_empty() || text.len() > LONGEST || text.contains('\0') { Err(ApiError::NotFound) } else { Ok(text.into_owned()) }
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct List<T> {
    /// In the list's order.
    pub items: Vec<T>,
    /// Where the next page begins: `cursor` of the next request. Null at the end.
    pub next: Option<String>,
}
