//! Spreads the closing of connections over the drain time, so that clients do not all reconnect at once.

use std::time::Duration;

use tokio::time::Instant;

/// A drain in progress.
pub struct Drain {
    started: Instant,
    duration: Duration,
    connections: Vec<u64>,
    /// How many of the connections have been taken so far.
    taken: usize,
}

impl Drain {
    /// Starts draining these connections.
    pub fn start(connections: Vec<u64>, duration: Duration) -> Self {
        Self { started: Instant::now(), duration, connections, taken: 0 }
    }

    /// Takes the connections that are now due to be closed.
    pub fn take_due(&mut self) -> &[u64] {
        let all = self.connections.len();
        let share = self.elapsed_share();
        let due = if share >= 1.0 { all } else { (share * all as f64) as usize + 1 };
        let from = self.taken;
        self.taken = due.min(all).max(from);
        &self.connections[from..self.taken]
    }

    /// Returns true if the drain time has elapsed.
    pub fn is_over(&self) -> bool {
        self.elapsed_share() >= 1.0
    }

    fn elapsed_share(&self) -> f64 {
        self.started.elapsed().as_secs_f64() / self.duration.as_secs_f64().max(f64::EPSILON)
    }
}
