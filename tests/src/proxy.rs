//! A TCP proxy with failure modes: it can delay traffic, hold back responses or drop connections.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::socket_owner::has_socket;

/// A piece of a response that is longer has more than headers.
const LONG_PIECE: usize = 4 << 10;

/// How the proxy handles traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyMode {
    /// Forwards everything.
    Forward,
    /// Forwards everything after a delay.
    Delay(Duration),
    /// Forwards requests but holds back the responses.
    HoldResponses,
    /// Forwards everything, but changes a byte in each long piece of a response.
    Garble,
    /// Drops every connection and closes new ones.
    Cut,
    /// Like `Cut`, except for the connections of the process with this id.
    CutExcept(u32),
    /// Drops the connections of the process with this id, and forwards all others.
    CutOf(u32),
    /// Drops the connections from this address, and forwards all others.
    CutFrom(IpAddr),
}

/// A running proxy. Dropping it closes its connections.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    target: watch::Sender<u16>,
    mode: watch::Sender<ProxyMode>,
}

impl Proxy {
    /// Starts a proxy to `127.0.0.1:target` in mode `Forward`.
    pub async fn to(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port should be free");
        let port = listener.local_addr().expect("the listener should have an address").port();
        let (target, targets) = watch::channel(target);
        let (mode, modes) = watch::channel(ProxyMode::Forward);
        tokio::spawn(async move {
            while let Ok((client, peer)) = listener.accept().await {
                if modes.has_changed().is_err() {
                    return;
                }
                // Each in a task of its own, since looking for the owner of a connection takes a while.
                tokio::spawn(serve(client, peer, *targets.borrow(), modes.clone()));
            }
        });
        Self { port, target, mode }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Routes new connections to another port.
    pub fn redirect_to(&self, target: u16) {
        self.target.send_replace(target);
    }

    /// Changes the mode, including for open connections.
    pub fn set_mode(&self, mode: ProxyMode) {
        self.mode.send_replace(mode);
    }
}

impl ProxyMode {
    /// Whether a connection of this client is to be dropped.
    async fn cuts(self, client: SocketAddr) -> bool {
        match self {
            Self::Cut => true,
            Self::CutExcept(pid) => !has_socket(pid, client.port()).await,
            Self::CutOf(pid) => has_socket(pid, client.port()).await,
            Self::CutFrom(address) => client.ip() == address,
            Self::Forward | Self::Delay(_) | Self::HoldResponses | Self::Garble => false,
        }
    }
}

/// Forwards a connection, unless it is to be dropped.
async fn serve(client: TcpStream, peer: SocketAddr, target: u16, mut modes: watch::Receiver<ProxyMode>) {
    let mode = *modes.borrow_and_update();
    if !mode.cuts(peer).await
        && let Ok(server) = TcpStream::connect(("127.0.0.1", target)).await
    {
        let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
        tokio::spawn(forward(from_client, to_server, peer, mode, modes.clone(), false));
        tokio::spawn(forward(from_server, to_client, peer, mode, modes, true));
    }
}

async fn forward(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    client: SocketAddr,
    mut mode: ProxyMode,
    mut modes: watch::Receiver<ProxyMode>,
    is_response: bool,
) {
    let mut bytes = vec![0; 16 << 10];
    loop {
        let is_held = is_response && mode == ProxyMode::HoldResponses;
        let count = tokio::select! {
            read = from.read(&mut bytes), if !is_held => match read { Ok(0) | Err(_) => return, Ok(count) => count },
            changed = modes.changed() => {
                mode = *modes.borrow_and_update();
                // Asked once for each mode: looking for the owner of a connection takes longer than forwarding.
                if changed.is_err() || mode.cuts(client).await {
                    return;
                }
                continue;
            }
        };
        if is_response && mode == ProxyMode::Garble && count > LONG_PIECE {
            bytes[count - 1] ^= 1;
        }
        if let ProxyMode::Delay(delay) = mode {
            tokio::time::sleep(delay).await;
        }
        if to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}
