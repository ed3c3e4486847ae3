//! What connections ask of the shard that serves them. A leaf, since the hub passes commands on and the shard obeys them.

use std::sync::Arc;

use shared::feed::Cursor;
use shared::session::User;

use crate::fanout::framing::Framing;
use crate::fanout::protocol::ServerFrame;
use crate::fanout::subscription::Subscription;
use crate::transport::writer::ClientWriter;

/// Commands that may wait for a shard.
pub const COMMAND_QUEUE: usize = 1_024;

/// What connections ask of their shard.
pub enum Command {
    /// A connection has opened.
    Join(Member),
    /// A connection chooses what it carries, from now on and instead of before.
    Subscribe {
        /// Which.
        connection: u64,
        /// What.
        subscription: Arc<Subscription>,
        /// Where it stopped, to resume.
        after: Option<Cursor>,
    },
    /// A connection has gone.
    Leave(u64),
}

/// An open connection, as its shard knows it.
pub struct Member {
    /// Its number in the hub.
    pub connection: u64,
    /// Who holds it.
    pub user: Arc<User>,
    /// The way to it.
    pub writer: Arc<ClientWriter>,
    /// How frames are put there.
    pub framing: Framing,
    /// What it follows.
    pub following: Following,
}

/// What a connection follows.
pub enum Following {
    /// It has not subscribed.
    Nothing,
    /// It is sent what it missed, up to here so far.
    Replay(Arc<Subscription>, Cursor),
    /// What comes.
    Live(Arc<Subscription>),
}

impl Member {
    /// Sends one frame to this connection alone.
    pub fn say(&self, frame: &ServerFrame<'_>, cursor: Option<&Cursor>) {
        self.writer.send(self.framing.frame(&frame.to_text(), cursor));
    }
}
