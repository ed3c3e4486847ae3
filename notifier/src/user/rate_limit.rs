//! Limits how much a client can send, using a token bucket.

use std::time::Duration;

use tokio::time::Instant;

/// Maximum number of messages that a client can send at once.
const BURST: u32 = 20;
/// The interval after which one more message is allowed.
const REFILL: Duration = Duration::from_millis(500);

/// A token bucket that starts full.
#[derive(Debug)]
pub struct RateLimit {
    tokens: u32,
    refilled_at: Instant,
}

impl Default for RateLimit {
    fn default() -> Self {
        Self { tokens: BURST, refilled_at: Instant::now() }
    }
}

impl RateLimit {
    /// Takes a token. Returns false if the bucket is empty.
    pub fn take(&mut self) -> bool {
        self.refill();
        self.tokens.checked_sub(1).map(|tokens| self.tokens = tokens).is_some()
    }

    /// True if the bucket is full.
    pub fn is_full(&mut self) -> bool {
        self.refill();
        self.tokens == BURST
    }

    fn refill(&mut self) {
        let refilled = u32::try_from(self.refilled_at.elapsed().as_millis() / REFILL.as_millis()).unwrap_or(u32::MAX);
        if refilled > 0 {
            self.tokens = self.tokens.saturating_add(refilled).min(BURST);
            self.refilled_at = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_allowed_and_refills_with_time() {
        let mut limit = RateLimit::default();
        let mut take = |count: u32| (0..count).filter(|_| limit.take()).count();
        assert_eq!(take(BURST + 5), BURST as usize);
        tokio::time::advance(3 * REFILL).await;
        assert_eq!(take(5), 3);
        tokio::time::advance(Duration::from_secs(3_600)).await;
        assert_eq!(take(2 * BURST), BURST as usize, "the bucket never holds more than a burst");
    }
}
