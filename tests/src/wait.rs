//! Waits for conditions instead of sleeping for fixed times.

use std::time::Duration;

/// Deadline for every wait; generous, to allow for a loaded machine.
pub const TIMEOUT: Duration = Duration::from_secs(60);

/// Calls `poll` every 20 ms until it returns `Some`, and returns that value.
///
/// # Panics
/// If this takes more than a minute; `what` completes the message "timed out waiting until …".
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut poll: impl FnMut() -> F) -> T {
    let polling = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        loop {
            ticks.tick().await;
            if let Some(value) = poll().await {
                return value;
            }
        }
    };
    match tokio::time::timeout(TIMEOUT, polling).await {
        Ok(value) => value,
        Err(_) => panic!("timed out waiting until {what}"),
    }
}
