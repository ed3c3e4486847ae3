//! The servers under test: how each one is started, how clients connect to it, and how messages are published to it.

use std::time::Duration;

use stack::{Part, Stack};

use super::publisher::Target;
use crate::affinity;
use crate::peers::{self, Peer};
use crate::run::print_line;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Nchan,
    Ws,
    SocketIo,
    Sockudo,
    Uvicorn,
    Daphne,
}

impl Kind {
    fn peer(self) -> peers::Kind {
        match self {
            Self::Nchan => peers::NCHAN,
            Self::Ws => peers::WS,
            Self::SocketIo => peers::SOCKETIO,
            Self::Sockudo => peers::SOCKUDO,
            Self::Uvicorn => peers::CHANNELS_UVICORN,
            Self::Daphne => peers::CHANNELS_DAPHNE,
        }
    }

    pub(super) fn name(self) -> &'static str {
        self.peer().name
    }

    /// Reports an error from a peer and skips the peer, so that the other rows are still measured.
    pub(super) fn skip_on_error<T>(self, result: anyhow::Result<T>) -> Option<T> {
        result.inspect_err(|error| print_line(&format!("{} FAILED and is skipped: {error:#}", self.name()))).ok()
    }
}

/// How a client connects.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    pub port: u16,
    pub path: &'static str,
    pub headers: Vec<(&'static str, String)>,
    /// Messages that a client sends to subscribe, each with a string that the reply must contain.
    pub handshake: Vec<(String, &'static str)>,
    /// The server's application-level ping message, and the client's reply.
    pub ping: Option<(&'static str, &'static str)>,
}

/// A running server.
pub(crate) enum Contender {
    /// Our notifier, and the token that its clients use to authenticate.
    Ours(Box<Stack>, String),
    Peer(Kind, Peer),
}

impl Contender {
    pub(super) async fn ours() -> anyhow::Result<Self> {
        let ours = Self::start(&[("TOKIO_WORKER_THREADS", "1")]).await?;
        affinity::pin_server(ours.pid());
        Ok(ours)
    }

    /// Our notifier on all cores.
    pub(crate) async fn ours_unpinned() -> anyhow::Result<Self> {
        Self::start(&[]).await
    }

    async fn start(extra: &[(&str, &str)]) -> anyhow::Result<Self> {
        let max = "20000";
        let limits =
            [("MAX_SOCKETS", max), ("MAX_SOCKETS_PER_USER", max), ("MAX_SOCKETS_PER_ADDRESS", max), ("MAX_CONNECTIONS", max)];
        let environment: Vec<(&str, &str)> = limits.iter().chain(extra).copied().collect();
        let stack = Stack::start_only(&[Part::Postgres, Part::Redis, Part::Ingest, Part::Notifier], &environment)?;
        stack.ingest_with(&["user", "add", "bench@example.com"], &[("USER_PASSWORD", "a password for the bench")])?;
        let token = stack.ingest(&["token", "add", "bench", "--user", "bench@example.com", "--scope", "read"])?;
        Ok(Self::Ours(Box::new(stack), token.trim().to_owned()))
    }

    /// Installs and starts a peer. Prints the reason and returns `None` if that fails.
    pub(super) async fn peer(kind: Kind, stack: &Stack) -> Option<Self> {
        let peer = kind.skip_on_error(Peer::start_without_database(kind.peer(), stack).await).flatten()?;
        affinity::pin_server(peer.pid());
        tokio::time::sleep(Duration::from_millis(500)).await;
        Some(Self::Peer(kind, peer))
    }

    /// Restarts our notifier, so that memory still held from an earlier row does not distort the next one.
    pub(super) fn restart_notifier(&mut self) -> anyhow::Result<()> {
        if let Self::Ours(stack, _) = self {
            stack.restart(Part::Notifier)?;
            affinity::pin_server(self.pid());
        }
        Ok(())
    }

    /// The stack of our notifier.
    pub(crate) fn stack(&self) -> &Stack {
        match self {
            Self::Ours(stack, _) => stack,
            Self::Peer(..) => unreachable!("peers run on the stack of our notifier"),
        }
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Ours(..) => "ours",
            Self::Peer(kind, _) => kind.name(),
        }
    }

    pub(super) fn pid(&self) -> u32 {
        match self {
            Self::Ours(stack, _) => stack.pid(Part::Notifier).unwrap_or_default(),
            Self::Peer(_, peer) => peer.pid(),
        }
    }

    pub(crate) fn endpoint(&self) -> Endpoint {
        let port = |address: &str| address.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap_or_default();
        match self {
            Self::Ours(stack, token) => Endpoint {
                port: port(&stack.direct(Part::Notifier)),
                path: "/ws",
                headers: vec![("Authorization", format!("Bearer {token}")), ("Origin", stack.address())],
                handshake: vec![(r#"{"type":"subscribe","topics":["notifications"]}"#.to_owned(), "subscribed")],
                ping: None,
            },
            Self::Peer(kind, peer) => {
                let (path, handshake, ping) = match kind {
                    Kind::Nchan | Kind::Ws | Kind::Uvicorn | Kind::Daphne => ("/ws", Vec::new(), None),
                    Kind::SocketIo => ("/socket.io/?EIO=4&transport=websocket", vec![("40".to_owned(), "40{")], Some(("2", "3"))),
                    Kind::Sockudo => {
                        let subscribe = r#"{"event":"pusher:subscribe","data":{"channel":"bench"}}"#.to_owned();
                        ("/app/bench-key?protocol=7&client=bench&version=1", vec![(subscribe, "subscription_succeeded")], None)
                    }
                };
                Endpoint { port: port(&peer.address), path, headers: Vec::new(), handshake, ping }
            }
        }
    }

    /// Where messages for this contender are published.
    pub(super) fn target(&self) -> Target {
        match self {
            Self::Ours(stack, _) => Target::Feed(stack.redis_url()),
            Self::Peer(Kind::Sockudo, peer) => Target::Pusher(peer.address.clone()),
            Self::Peer(_, peer) => Target::Plain(peer.address.clone()),
        }
    }
}
