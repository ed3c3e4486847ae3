//! Who is measured: how each is started, how its sockets are opened, and how it is given messages.

use std::time::Duration;

use stack::{Part, Stack};

use super::publisher::Target;
use crate::peers::{self, Peer};
use crate::{affinity, say};

/// A peer.
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

    /// A peer that fails is left out, aloud, and costs no other row.
    pub(super) fn forgive<T>(self, done: anyhow::Result<T>) -> Option<T> {
        done.inspect_err(|error| say(&format!("{} FAILED and is left out: {error:#}", self.name()))).ok()
    }
}

/// How a socket is opened.
#[derive(Debug, Clone)]
pub(crate) struct Door {
    pub port: u16,
    pub path: &'static str,
    pub headers: Vec<(&'static str, String)>,
    /// What a client says, and what must be in the answer, before messages come.
    pub greetings: Vec<(String, &'static str)>,
    /// What a server asks in a message to see whether the client lives, and the answer.
    pub ping: Option<(&'static str, &'static str)>,
}

/// A running server.
pub(crate) enum Contender {
    /// Ours, and the token that opens its sockets.
    Ours(Box<Stack>, String),
    /// Somebody else's.
    Peer(Kind, Peer),
}

impl Contender {
    pub(super) async fn ours() -> anyhow::Result<Self> {
        let ours = Self::start(&[("TOKIO_WORKER_THREADS", "1")]).await?;
        affinity::pin_server(ours.pid());
        Ok(ours)
    }

    /// With all cores for everything.
    pub(crate) async fn ours_unpinned() -> anyhow::Result<Self> {
        Self::start(&[]).await
    }

    async fn start(more: &[(&str, &str)]) -> anyhow::Result<Self> {
        let many = "20000";
        let usual =
            [("MAX_SOCKETS", many), ("MAX_SOCKETS_PER_USER", many), ("MAX_SOCKETS_PER_ADDRESS", many), ("MAX_CONNECTIONS", many)];
        let environment: Vec<(&str, &str)> = usual.iter().chain(more).copied().collect();
        let stack = Stack::start_only(&[Part::Postgres, Part::Redis, Part::Ingest, Part::Notifier], &environment)?;
        stack.ingest_with(&["user", "add", "bench@example.com"], &[("USER_PASSWORD", "a password for the bench")])?;
        let token = stack.ingest(&["token", "add", "bench", "--user", "bench@example.com", "--scope", "read"])?;
        Ok(Self::Ours(Box::new(stack), token.trim().to_owned()))
    }

    /// Installs and starts a peer. None, said aloud, when it cannot be installed or started here.
    pub(super) async fn peer(kind: Kind, stack: &Stack) -> Option<Self> {
        let peer = kind.forgive(Peer::start_beside(kind.peer(), stack).await).flatten()?;
        affinity::pin_server(peer.pid());
        tokio::time::sleep(Duration::from_millis(500)).await;
        Some(Self::Peer(kind, peer))
    }

    /// Starts our notifier anew: memory that an earlier row left in it would be taken for none.
    pub(super) fn renew(&mut self) -> anyhow::Result<()> {
        if let Self::Ours(stack, _) = self {
            stack.restart(Part::Notifier)?;
            affinity::pin_server(self.pid());
        }
        Ok(())
    }

    /// Our stack.
    pub(crate) fn stack(&self) -> &Stack {
        match self {
            Self::Ours(stack, _) => stack,
            Self::Peer(..) => unreachable!("peers stand beside ours"),
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

    pub(crate) fn door(&self) -> Door {
        let port = |address: &str| address.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap_or_default();
        match self {
            Self::Ours(stack, token) => Door {
                port: port(&stack.direct(Part::Notifier)),
                path: "/ws",
                headers: vec![("Authorization", format!("Bearer {token}")), ("Origin", stack.address())],
                greetings: vec![(r#"{"type":"subscribe","topics":["notifications"]}"#.to_owned(), "subscribed")],
                ping: None,
            },
            Self::Peer(kind, peer) => {
                let (path, greetings, ping) = match kind {
                    Kind::Nchan | Kind::Ws | Kind::Uvicorn | Kind::Daphne => ("/ws", Vec::new(), None),
                    Kind::SocketIo => ("/socket.io/?EIO=4&transport=websocket", vec![("40".to_owned(), "40{")], Some(("2", "3"))),
                    Kind::Sockudo => {
                        let subscribe = r#"{"event":"pusher:subscribe","data":{"channel":"bench"}}"#.to_owned();
                        ("/app/bench-key?protocol=7&client=bench&version=1", vec![(subscribe, "subscription_succeeded")], None)
                    }
                };
                Door { port: port(&peer.address), path, headers: Vec::new(), greetings, ping }
            }
        }
    }

    /// Where its messages are published.
    pub(super) fn target(&self) -> Target {
        match self {
            Self::Ours(stack, _) => Target::Feed(stack.redis_url()),
            Self::Peer(Kind::Sockudo, peer) => Target::Pusher(peer.address.clone()),
            Self::Peer(_, peer) => Target::Plain(peer.address.clone()),
        }
    }
}
