//! A TCP proxy that can be made to misbehave: delay, cut, or stop passing on in one direction.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What it does to what passes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// Passes everything on.
    Kind,
    /// Passes everything on, after this long.
    Slow(Duration),
    /// Passes on what the client says, and keeps the answers.
    Deaf,
    /// Cuts every connection, and accepts none.
    Cut,
}

/// A running proxy. Dropping it cuts its connections.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    target: watch::Sender<u16>,
    mood: watch::Sender<Mood>,
}

impl Proxy {
    /// Towards `127.0.0.1:target`, kind at first.
    pub async fn to(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (target, targets) = watch::channel(target);
        let (mood, moods) = watch::channel(Mood::Kind);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if moods.has_changed().is_err() {
                    return;
                }
                let (mood, target) = (*moods.borrow(), *targets.borrow());
                if mood != Mood::Cut
                    && let Ok(server) = TcpStream::connect(("127.0.0.1", target)).await
                {
                    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
                    tokio::spawn(pass(from_client, to_server, moods.clone(), false));
                    tokio::spawn(pass(from_server, to_client, moods.clone(), true));
                }
            }
        });
        Self { port, target, mood }
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Sends new connections elsewhere.
    pub fn turn_to(&self, target: u16) {
        self.target.send_replace(target);
    }

    /// Changes what it does, also to connections that are open.
    pub fn set(&self, mood: Mood) {
        self.mood.send_replace(mood);
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut moods: watch::Receiver<Mood>, is_answer: bool) {
    let mut bytes = vec![0; 16 << 10];
    loop {
        let mood = *moods.borrow_and_update();
        match mood {
            Mood::Cut => return,
            Mood::Deaf if is_answer => {
                if moods.changed().await.is_err() {
                    return;
                }
                continue;
            }
            _ => {}
        }
        let count = tokio::select! {
            read = from.read(&mut bytes) => match read { Ok(0) | Err(_) => return, Ok(count) => count },
            changed = moods.changed() => match changed { Ok(()) => continue, Err(_) => return },
        };
        if let Mood::Slow(delay) = mood {
            tokio::time::sleep(delay).await;
        }
        if to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}
