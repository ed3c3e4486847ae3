//! Closes a connection from any task.

use std::sync::OnceLock;

use tokio::sync::Notify;

use crate::fanout::protocol::Close;

/// Tells the task that owns a connection to close it, and why. The first reason wins.
#[derive(Debug, Default)]
pub struct CloseSignal {
    close: OnceLock<Close>,
    sent: Notify,
}

impl CloseSignal {
    /// Asks for the connection to be closed. Later calls have no effect.
    pub fn send(&self, close: Close) {
        if self.close.set(close).is_ok() {
            let (code, _) = close.code_and_reason();
            metrics::counter!("notifier_closes_total", "code" => code.to_string()).increment(1);
            self.sent.notify_one();
        }
    }

    /// The reason, once one was sent.
    pub fn reason(&self) -> Option<Close> {
        self.close.get().copied()
    }

    /// Waits for the reason. Only one task may wait.
    pub async fn wait(&self) -> Close {
        loop {
            if let Some(close) = self.reason() {
                return close;
            }
            self.sent.notified().await;
        }
    }
}
