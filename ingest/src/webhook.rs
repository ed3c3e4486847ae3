//! `/webhook/`: turns the bytes of a delivery into a committed batch, or into a refusal that is counted with its reason.

pub mod batch;
pub mod delivery;
pub mod diagnose;
pub mod event;
mod evidence;
pub mod form;
pub mod handler;
pub mod json;
pub mod queue;
pub mod refusals;
pub mod signature;
