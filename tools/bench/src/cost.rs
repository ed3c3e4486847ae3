//! What a process and its children cost, as Linux counts it.

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

/// CPU time of a process, its children, and theirs; those that have ended too, if their parents waited for them.
pub(crate) fn cpu(pid: u32) -> Duration {
    let ticks = rustix::param::clock_ticks_per_second().max(1);
    let stats = stats();
    let total: u64 = family_in(pid, &stats).iter().filter_map(|pid| stats.get(pid)).map(|(_, used)| used).sum();
    Duration::from_millis(total * 1000 / ticks)
}

/// CPU time of the thread that asks.
pub(crate) fn cpu_here() -> Duration {
    let ticks = rustix::param::clock_ticks_per_second().max(1);
    let stat = fs::read_to_string("/proc/thread-self/stat").unwrap_or_default();
    let used: u64 = numbers(&stat, [11, 12]).into_iter().flatten().sum();
    Duration::from_millis(used * 1000 / ticks)
}

/// A process, its children, and theirs.
pub(crate) fn family(pid: u32) -> Vec<u32> {
    family_in(pid, &stats())
}

fn family_in(pid: u32, stats: &HashMap<u32, (u32, u64)>) -> Vec<u32> {
    let mut found = vec![pid];
    let mut next = 0;
    while let Some(pid) = found.get(next).copied() {
        found.extend(stats.iter().filter(|(_, (parent, _))| *parent == pid).map(|(child, _)| *child));
        next += 1;
    }
    found
}

/// The memory that a process and its children hold, in bytes.
pub(crate) fn memory(pid: u32) -> u64 {
    family(pid).into_iter().map(|pid| status(pid, "VmRSS:")).sum()
}

/// The most memory that a process has held at once, in bytes.
pub(crate) fn peak_memory(pid: u32) -> u64 {
    status(pid, "VmHWM:")
}

/// A line of `/proc/PID/status` that counts in KiB, in bytes.
fn status(pid: u32, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or_default() * 1024
}

/// Parent, and ticks used, of every process.
fn stats() -> HashMap<u32, (u32, u64)> {
    let mut found = HashMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        let Some([parent, ticks @ ..]) = numbers(&stat, [1, 11, 12, 13, 14]) else { continue };
        found.insert(pid, (u32::try_from(parent).unwrap_or_default(), ticks.into_iter().sum()));
    }
    found
}

/// Numbers of a `stat`. The name stands in parentheses and may hold anything; they come after it.
fn numbers<const N: usize>(stat: &str, places: [usize; N]) -> Option<[u64; N]> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let all: Vec<&str> = rest.split(' ').collect();
    Some(places.map(|place| all.get(place).and_then(|text| text.parse().ok()).unwrap_or_default()))
}
