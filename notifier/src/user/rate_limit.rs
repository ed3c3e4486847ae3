//! How much a client may say: a bucket that refills slowly.

use std::time::Duration;

use tokio::time::Instant;

/// What may be said at once, and how fast more.
const BURST: u32 = 20;
const REFILL: Duration = Duration::from_millis(500);

/// What is left to say.
#[derive(Debug)]
pub struct Allowance {
    left: u32,
    since: Instant,
}

impl Default for Allowance {
    fn default() -> Self {
        Self { left: BURST, since: Instant::now() }
    }
}

impl Allowance {
    /// Takes one, if one is left.
    pub fn spend(&mut self) -> bool {
        self.refill();
        self.left.checked_sub(1).map(|left| self.left = left).is_some()
    }

    /// True when all of it is there.
    pub fn is_whole(&mut self) -> bool {
        self.refill();
        self.left == BURST
    }

    fn refill(&mut self) {
        let refilled = u32::try_from(self.since.elapsed().as_millis() / REFILL.as_millis()).unwrap_or(u32::MAX);
        if refilled > 0 {
            self.left = self.left.saturating_add(refilled).min(BURST);
            self.since = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn so_much_may_be_said_at_once_and_more_with_time() {
        let mut allowance = Allowance::default();
        let mut spend = |count: u32| (0..count).filter(|_| allowance.spend()).count();
        assert_eq!(spend(BURST + 5), BURST as usize);
        tokio::time::advance(3 * REFILL).await;
        assert_eq!(spend(5), 3);
        tokio::time::advance(Duration::from_secs(3_600)).await;
        assert_eq!(spend(2 * BURST), BURST as usize, "what was not said is not saved up");
    }
}
