//! CPU time and memory of a process and its descendants, from `/proc`.

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

/// CPU time of a process and its descendants, including those that have exited and been waited for.
pub(crate) fn cpu(pid: u32) -> Duration {
    let ticks = rustix::param::clock_ticks_per_second().max(1);
    let stats = stats();
    let total: u64 = tree_in(pid, &stats).iter().filter_map(|pid| stats.get(pid)).map(|(_, used)| used).sum();
    Duration::from_millis(total * 1000 / ticks)
}

/// CPU time of the current thread.
pub(crate) fn thread_cpu() -> Duration {
    let ticks = rustix::param::clock_ticks_per_second().max(1);
    let stat = fs::read_to_string("/proc/thread-self/stat").unwrap_or_default();
    let used: u64 = stat_fields(&stat, [11, 12]).into_iter().flatten().sum();
    Duration::from_millis(used * 1000 / ticks)
}

/// The ids of a process and its descendants.
pub(crate) fn process_tree(pid: u32) -> Vec<u32> {
    tree_in(pid, &stats())
}

fn tree_in(pid: u32, stats: &HashMap<u32, (u32, u64)>) -> Vec<u32> {
    let mut found = vec![pid];
    let mut next = 0;
    while let Some(pid) = found.get(next).copied() {
        found.extend(stats.iter().filter(|(_, (parent, _))| *parent == pid).map(|(child, _)| *child));
        next += 1;
    }
    found
}

/// The resident memory of a process and its descendants, in bytes.
pub(crate) fn memory(pid: u32) -> u64 {
    process_tree(pid).into_iter().map(|pid| status_bytes(pid, "VmRSS:")).sum()
}

/// The peak resident memory of a process, in bytes.
pub(crate) fn peak_memory(pid: u32) -> u64 {
    status_bytes(pid, "VmHWM:")
}

/// Reads a KiB value from `/proc/PID/status` and returns it in bytes.
fn status_bytes(pid: u32, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or_default() * 1024
}

/// The parent and CPU clock ticks of every process.
fn stats() -> HashMap<u32, (u32, u64)> {
    let mut found = HashMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        let Some([parent, ticks @ ..]) = stat_fields(&stat, [1, 11, 12, 13, 14]) else { continue };
        found.insert(pid, (u32::try_from(parent).unwrap_or_default(), ticks.into_iter().sum()));
    }
    found
}

/// Numeric fields of a `stat` file, counted from the state field that follows the process name. The name is in parentheses and
/// can contain any character.
fn stat_fields<const N: usize>(stat: &str, positions: [usize; N]) -> Option<[u64; N]> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let all: Vec<&str> = rest.split(' ').collect();
    Some(positions.map(|position| all.get(position).and_then(|text| text.parse().ok()).unwrap_or_default()))
}
