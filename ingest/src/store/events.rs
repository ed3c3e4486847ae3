//! Reading events.

pub(crate) mod search_plan;
pub(crate) mod selection;
