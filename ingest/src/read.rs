//! What was committed, over HTTP: one file a resource, its query beside its handler.

pub mod events;
pub mod notifications;
pub(crate) mod page;

use serde::Serialize;

/// A page of a list: `{"items":[…],"next":cursor|null}`.
#[derive(Debug, Serialize)]
pub struct List<T> {
    /// In the list's order.
    pub items: Vec<T>,
    /// Where the next page begins; none at the end.
    pub next: Option<String>,
}
