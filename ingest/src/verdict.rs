//! Verdicts on events: why mail was not delivered, and who opened or clicked. The rules use only the event itself, so that storing an event
//! looks nothing up.

pub(crate) mod actor;
mod agents;
mod networks;
mod phrases;
pub(crate) mod readers;
pub(crate) mod reason;
mod reply;
pub(crate) mod sentences;
pub(crate) mod standing;

/// The version of the rules. Increment it when a change of the rules can change a verdict: a background job then decides again on every
/// stored event.
pub(crate) const RULES: i16 = 1;
