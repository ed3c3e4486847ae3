//! The report, as a Markdown table and as JSON.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Context;
use serde::Serialize;

/// A comparison or an absolute value.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    /// The row's id, which is stable across versions.
    pub id: &'static str,
    /// Description of what is measured.
    pub name: String,
    pub ours: f64,
    /// The peer's value or the limit; `None` for an absolute value.
    pub other: Option<f64>,
    /// The name of the peer; empty for an absolute value.
    pub peer: String,
    /// The unit of both values.
    pub unit: &'static str,
    /// Our value divided by the peer's, both from the same run.
    pub ratio: Option<f64>,
    /// Whether our value is within the limit.
    pub holds: Option<bool>,
}

impl Row {
    /// A comparison of our value with a peer's.
    pub(crate) fn comparison(id: &'static str, name: &str, unit: &'static str, ours: f64, peer: &str, other: f64) -> Self {
        let (name, peer) = (name.to_owned(), peer.to_owned());
        Self { id, name, ours, other: Some(other), peer, unit, ratio: Some(ours / other), holds: None }
    }

    /// An absolute value.
    pub(crate) fn figure(id: &'static str, name: &str, unit: &'static str, ours: f64) -> Self {
        Self { id, name: name.to_owned(), ours, other: None, peer: String::new(), unit, ratio: None, holds: None }
    }

    /// A value that must not exceed a limit.
    pub(crate) fn limited(id: &'static str, name: &str, unit: &'static str, ours: f64, limit: f64) -> Self {
        let (name, peer) = (name.to_owned(), "upper limit".to_owned());
        Self { id, name, ours, other: Some(limit), peer, unit, ratio: None, holds: Some(ours <= limit) }
    }
}

/// Formats the rows as a Markdown table.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut lines =
        vec!["| id | what | ours | peer | theirs | unit | ratio |".to_owned(), "|---|---|--:|---|--:|---|--:|".to_owned()];
    let number = |value: f64| match value {
        value if value >= 1000.0 => format!("{value:.0}"),
        value if value >= 100.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    };
    for row in rows {
        let other = row.other.map_or_else(String::new, number);
        let ratio = match (row.ratio, row.holds) {
            (Some(ratio), _) => format!("**{ratio:.3}**"),
            (None, Some(true)) => "holds".to_owned(),
            (None, Some(false)) => "**MISSED**".to_owned(),
            (None, None) => String::new(),
        };
        lines.push(format!(
            "| `{}` | {} | {} | {} | {other} | {} | {ratio} |",
            row.id,
            row.name,
            number(row.ours),
            row.peer,
            row.unit
        ));
    }
    lines.join("\n")
}

/// Writes the rows as JSON.
///
/// # Errors
/// Returns an error if the file cannot be written.
pub(crate) fn write(rows: &[Row], file: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(file.parent().unwrap_or(file))?;
    fs::write(file, serde_json::to_string_pretty(rows)? + "\n").with_context(|| format!("writing {}", file.display()))
}

/// Describes the machine and the compiler.
pub(crate) fn machine() -> String {
    let read = |file: &str| fs::read_to_string(file).unwrap_or_default();
    let cpus = read("/proc/cpuinfo");
    let model =
        cpus.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default().trim_start_matches([' ', '\t', ':']);
    let cores = cpus.lines().filter(|line| line.starts_with("processor")).count();
    let memory = read("/proc/meminfo");
    let memory = memory.lines().next().unwrap_or_default().split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok());
    let rustc =
        Command::new("rustc").arg("--version").output().map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    format!("{cores} cores of {model}, {} GiB, {}", memory.unwrap_or_default() >> 20, rustc.unwrap_or_default().trim())
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
