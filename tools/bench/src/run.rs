//! What every group of rows needs: how long to measure, whether it is selected, and where progress is printed.

use std::io::Write;
use std::time::Duration;

/// How long and how often to measure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    /// Number of rounds; the median counts.
    pub(crate) rounds: usize,
    /// Duration of a timed run.
    pub(crate) time: Duration,
    /// Number of batches of 1,000 events in a run.
    pub(crate) batches: usize,
}

/// Whether `only` selects rows whose ids begin with `group`.
pub(crate) fn is_selected(only: &str, group: &str) -> bool {
    group.starts_with(only) || only.starts_with(group)
}

pub(crate) fn print_line(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
