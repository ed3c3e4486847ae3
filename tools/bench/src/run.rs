//! Shared by every group of rows: how long to measure, whether the group is selected, and where to print progress.

use std::io::Write;
use std::time::Duration;

/// How long and how often to measure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    /// Number of rounds; the median is reported.
    pub(crate) rounds: usize,
    /// The duration of a timed run.
    pub(crate) time: Duration,
    /// The number of 1,000-event batches in a run.
    pub(crate) batches: usize,
}

/// Whether `only` selects rows whose ids begin with `group`.
pub(crate) fn is_selected(only: &str, group: &str) -> bool {
    group.starts_with(only) || only.starts_with(group)
}

pub(crate) fn print_line(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
