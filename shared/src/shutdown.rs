//! Converts SIGTERM and Ctrl-C to cancellation tokens that long-running tasks watch.

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The two steps of stopping.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    /// The service is no longer ready, but takes requests until whatever routes them to it has noticed.
    pub leaving: CancellationToken,
    /// The service takes no more requests and finishes those in flight.
    pub stop: CancellationToken,
}

/// Returns tokens for the first SIGINT or SIGTERM: `leaving` is cancelled at once, and `stop` after `delay`, or at a second signal.
///
/// # Errors
/// When the signal handlers cannot be installed.
pub fn on_signal(delay: Duration) -> std::io::Result<Shutdown> {
    let shutdown = Shutdown::default();
    let mut signals = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::spawn({
        let shutdown = shutdown.clone();
        async move {
            next(&mut signals).await;
            tracing::info!(delay_seconds = delay.as_secs(), "received a stop signal; no longer ready");
            shutdown.leaving.cancel();
            tokio::select! {
                () = next(&mut signals) => {}
                () = tokio::time::sleep(delay) => {}
            }
            tracing::info!("draining");
            shutdown.stop.cancel();
        }
    });
    Ok(shutdown)
}

async fn next((interrupt, terminate): &mut (Signal, Signal)) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
