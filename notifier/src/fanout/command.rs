//! The commands that connections send to the shard that serves them. The hub forwards them, and the shard handles them. This
//! module depends on neither the hub nor the shard.

use std::sync::Arc;

use shared::feed::Cursor;
use shared::session::User;

use crate::fanout::framing::Framing;
use crate::fanout::protocol::ServerFrame;
use crate::fanout::subscription::Subscription;
use crate::transport::writer::ClientWriter;

/// Maximum number of commands queued for a shard.
pub const COMMAND_QUEUE: usize = 1_024;

/// A command to a shard.
pub enum Command {
    /// A connection was opened.
    Join(Member),
    /// A connection replaces its subscription.
    Subscribe {
        connection: u64,
        subscription: Arc<Subscription>,
        /// The cursor to resume from.
        after: Option<Cursor>,
    },
    /// A connection was closed.
    Leave(u64),
}

/// An open connection, as seen by its shard.
pub struct Member {
    pub connection: u64,
    pub user: Arc<User>,
    pub writer: Arc<ClientWriter>,
    pub framing: Framing,
    pub state: MemberState,
}

/// Which entries a connection is currently being sent.
pub enum MemberState {
    Unsubscribed,
    /// Entries that it missed; they have been sent up to this cursor.
    Replaying(Arc<Subscription>, Cursor),
    /// New entries.
    Live(Arc<Subscription>),
}

impl Member {
    /// A connection without a subscription.
    pub fn new(connection: u64, user: Arc<User>, writer: Arc<ClientWriter>, framing: Framing) -> Self {
        Self { connection, user, writer, framing, state: MemberState::Unsubscribed }
    }

    /// Sends one frame to this connection only.
    pub fn send(&self, frame: &ServerFrame<'_>, cursor: Option<&Cursor>) {
        self.writer.send(self.framing.frame(&frame.to_text(), cursor));
    }
}
