//! Reading events.

pub(crate) mod list;
pub(crate) mod search_plan;
pub(crate) mod selection;
