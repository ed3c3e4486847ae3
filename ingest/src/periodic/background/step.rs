//! The result of a background job's step.

/// What remains to be done after a step.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The next step continues at this position.
    Continue(Option<String>),
    /// Nothing is left to do. A later run starts at this position, in case another version has stored rows meanwhile.
    Done(Option<String>),
}
