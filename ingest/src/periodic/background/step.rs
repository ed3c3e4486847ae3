//! The result of a step of a background job.

/// What a step leaves to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The next step continues at this position.
    Continue(Option<String>),
    /// Nothing.
    Done,
}
