//! Reads events for the API and the publisher, and erases personal data.

pub(crate) mod audience;
pub(crate) mod erase;
pub(crate) mod histogram;
pub(crate) mod list;
pub(crate) mod message;
pub(crate) mod payload;
pub(crate) mod recipient;
pub(crate) mod search;
pub(crate) mod search_plan;
pub(crate) mod selected_statistics;
pub(crate) mod selection;
pub(crate) mod statistics;
pub(crate) mod values;
pub(crate) mod visible_values;
