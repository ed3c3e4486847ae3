//! `/webhook/`: from the bytes of a delivery to a committed batch, or to a refusal that is explained and counted.

pub mod batch;
pub mod delivery;
pub mod diagnose;
pub mod event;
pub mod form;
pub mod handler;
pub mod json;
pub mod queue;
pub mod refusals;
pub mod signature;
