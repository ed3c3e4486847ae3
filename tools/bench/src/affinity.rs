//! Pins the server to one core and the load generator to another, so that neither affects the other's results.

use std::process::{Command, Stdio};

use rustix::thread::{CpuSet, sched_setaffinity};

const SERVER: usize = 0;
const GENERATOR: usize = 1;

fn has_two_cores() -> bool {
    std::thread::available_parallelism().is_ok_and(|cores| cores.get() >= 2)
}

/// Pins a process, its threads and its descendants to the server's core.
pub(crate) fn pin_server(pid: u32) {
    if !has_two_cores() {
        return;
    }
    for pid in crate::cost::process_tree(pid) {
        // taskset pins all threads of a process; rustix can only pin individual threads.
        let _ = Command::new("taskset")
            .args(["--all-tasks", "--cpu-list", "--pid", &SERVER.to_string(), &pid.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }
}

/// Pins the current thread to the load generator's core.
pub(crate) fn pin_generator() {
    if has_two_cores() {
        let mut cores = CpuSet::new();
        cores.set(GENERATOR);
        let _ = sched_setaffinity(None, &cores);
    }
}
