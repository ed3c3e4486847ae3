//! What a process and its children cost, as Linux counts it.

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

/// CPU time of a process, its children, and theirs; those that have ended too, if their parents waited for them.
pub(crate) fn cpu(pid: u32) -> Duration {
    let ticks = rustix::param::clock_ticks_per_second().max(1);
    let stats = stats();
    let mut wanted = vec![pid];
    let mut total = 0;
    while let Some(pid) = wanted.pop() {
        let Some((_, used)) = stats.get(&pid) else { continue };
        total += used;
        wanted.extend(stats.iter().filter(|(_, (parent, _))| *parent == pid).map(|(child, _)| *child));
    }
    Duration::from_millis(total * 1000 / ticks)
}

/// The most memory that a process has held at once, in bytes.
pub(crate) fn peak_memory(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or_default() * 1024
}

/// Parent, and ticks used, of every process.
fn stats() -> HashMap<u32, (u32, u64)> {
    let mut found = HashMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        // The name stands in parentheses and may hold anything; the numbers come after it.
        let Some((_, rest)) = stat.rsplit_once(") ") else { continue };
        let numbers: Vec<&str> = rest.split(' ').collect();
        let number = |place: usize| numbers.get(place).and_then(|text| text.parse::<u64>().ok()).unwrap_or_default();
        let parent = u32::try_from(number(1)).unwrap_or_default();
        found.insert(pid, (parent, [11, 12, 13, 14].into_iter().map(number).sum()));
    }
    found
}
