//! Waiting for a condition rather than for time to pass.

use std::time::Duration;

/// Longest wait; generous, for a loaded machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Asks until the answer is something, and gives it.
///
/// # Panics
/// If that takes more than a minute; `what` completes the message "timed out waiting until …".
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let asking = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        loop {
            ticks.tick().await;
            if let Some(answer) = ask().await {
                return answer;
            }
        }
    };
    match tokio::time::timeout(PATIENCE, asking).await {
        Ok(answer) => answer,
        Err(_) => panic!("timed out waiting until {what}"),
    }
}
