//! Allows any task to close a connection.

use std::sync::OnceLock;

use tokio::sync::Notify;

use crate::fanout::protocol::Close;

/// Signals the task that owns a connection to close it, and gives the reason. The first reason wins.
#[derive(Debug, Default)]
pub struct CloseSignal {
    close: OnceLock<Close>,
    sent: Notify,
}

impl CloseSignal {
    /// Requests that the connection be closed. Later calls have no effect.
    pub fn send(&self, close: Close) {
        if self.close.set(close).is_ok() {
            let (code, _) = close.code_and_reason();
            metrics::counter!("notifier_closes_total", "code" => code.to_string()).increment(1);
            self.sent.notify_one();
        }
    }

    /// The reason for closing the connection; `None` if no close has been requested.
    pub fn reason(&self) -> Option<Close> {
        self.close.get().copied()
    }

    /// Waits until a close is requested and returns the reason. Only one task can wait at a time.
    pub async fn wait(&self) -> Close {
        loop {
            if let Some(close) = self.reason() {
                return close;
            }
            self.sent.notified().await;
        }
    }
}
