//! The clients: opened from many addresses, read on one pinned thread, each checking that it gets every message once and in order.

use std::cell::RefCell;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use hdrhistogram::Histogram;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinSet, LocalSet};

use super::contender::Door;
use super::publisher::Publisher;
use super::wire;
use crate::load::to_f64;
use crate::{affinity, say};

/// Sockets opened at once.
const AT_ONCE: usize = 64;
/// How long stragglers are waited for.
const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes read at once.
const READ: usize = 64 << 10;

/// What is played.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scene {
    /// Clients that read.
    pub sockets: usize,
    /// Clients that never do.
    pub stalled: usize,
    /// Messages a second.
    pub rate: u32,
    /// For so long.
    pub time: Duration,
}

/// What the clients saw.
#[derive(Debug)]
pub(super) struct Report {
    expected: usize,
    delivered: usize,
    /// Numbers that a client never got though it got a later one, and those it got after a later one.
    missing: usize,
    disordered: usize,
    took: Duration,
    /// Microseconds from when a message was due to its receipt.
    latency: Histogram<u64>,
    /// Of the server.
    pub cpu: Duration,
}

impl Report {
    pub(super) fn deliveries_per_second(&self) -> f64 {
        to_f64(self.delivered) / self.took.as_secs_f64()
    }

    pub(super) fn p99_ms(&self) -> f64 {
        self.quantile_ms(0.99)
    }

    pub(super) fn cpu_us(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / to_f64(self.delivered.max(1))
    }

    fn quantile_ms(&self, quantile: f64) -> f64 {
        self.latency.value_at_quantile(quantile) as f64 / 1000.0
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (p50, p99, p999) = (self.quantile_ms(0.5), self.quantile_ms(0.99), self.quantile_ms(0.999));
        write!(f, "{:.0} deliveries/s, p50 {p50:.1} p99 {p99:.1} p99.9 {p999:.1} ms", self.deliveries_per_second())?;
        write!(f, ", {:.2} µs of CPU each", self.cpu_us())?;
        if self.delivered != self.expected {
            write!(f, "; only {} of {} came", self.delivered, self.expected)?;
        }
        if self.missing + self.disordered > 0 {
            write!(f, "; {} MISSING, {} OUT OF ORDER", self.missing, self.disordered)?;
        }
        Ok(())
    }
}

/// What all clients share.
struct Tally {
    began: Instant,
    /// Clients that had the warm-up message.
    warm: usize,
    delivered: usize,
    missing: usize,
    disordered: usize,
    last: Instant,
    latency: Histogram<u64>,
}

/// One client.
struct Client {
    stream: TcpStream,
    partial: Vec<u8>,
    last: u64,
    is_warm: bool,
}

/// Idle clients, on a thread of their own until dropped.
pub(super) struct Crowd {
    leave: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.leave.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Opens so many sockets and holds them, without reading more than what opening them brings.
pub(super) async fn gather(door: Door, sockets: usize) -> anyhow::Result<Crowd> {
    let (leave, left) = oneshot::channel();
    let (ready, readied) = oneshot::channel();
    let thread = std::thread::spawn(move || {
        let gathered = on_one_core(async {
            match open_all(&door, sockets).await {
                Ok(clients) => {
                    let _ = ready.send(Ok(()));
                    let _ = left.await;
                    drop(clients);
                }
                Err(error) => {
                    let _ = ready.send(Err(error));
                }
            }
        });
        if let Err(error) = gathered {
            say(&format!("the clients could not run: {error}"));
        }
    });
    readied.await.context("the clients are gone")??;
    Ok(Crowd { leave: Some(leave), thread: Some(thread) })
}

/// Plays a scene; `ready` is told when everybody listens and the clock starts.
pub(super) async fn play(door: Door, scene: Scene, publisher: Publisher, ready: oneshot::Sender<()>) -> anyhow::Result<Report> {
    tokio::task::spawn_blocking(move || on_one_core(play_here(door, scene, publisher, ready))?).await?
}

/// Runs on this thread alone, pinned to the generator's core.
fn on_one_core<T>(work: impl Future<Output = T>) -> anyhow::Result<T> {
    affinity::pin_generator();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(LocalSet::new().run_until(work)))
}

async fn play_here(door: Door, scene: Scene, mut publisher: Publisher, ready: oneshot::Sender<()>) -> anyhow::Result<Report> {
    let clients = open_all(&door, scene.sockets).await?;
    let _stalled = open_all(&door, scene.stalled).await?;
    let now = Instant::now();
    let tally = Rc::new(RefCell::new(Tally {
        began: now,
        warm: 0,
        delivered: 0,
        missing: 0,
        disordered: 0,
        last: now,
        latency: Histogram::new(3)?,
    }));
    let buffer = Rc::new(RefCell::new(vec![0; READ]));
    for client in clients {
        tokio::task::spawn_local(listen(client, door.ping, Rc::clone(&tally), Rc::clone(&buffer)));
    }
    let deadline = Instant::now() + PATIENCE;
    while tally.borrow().warm < scene.sockets {
        publisher.publish(0, 0).await?;
        tokio::time::sleep(Duration::from_millis(200)).await;
        ensure!(Instant::now() < deadline, "only {} of {} clients hear anything", tally.borrow().warm, scene.sockets);
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let _ = ready.send(());
    let began = Instant::now();
    {
        let mut tally = tally.borrow_mut();
        (tally.began, tally.last) = (began, began);
    }
    let messages = u64::from(scene.rate) * scene.time.as_secs();
    for seq in 1..=messages {
        let due = Duration::from_secs_f64((seq - 1) as f64 / f64::from(scene.rate));
        tokio::time::sleep_until((began + due).into()).await;
        publisher.publish(seq, u64::try_from(due.as_micros())?).await?;
    }
    let expected = usize::try_from(messages)? * scene.sockets;
    let mut seen = 0;
    let mut quiet = Instant::now();
    while tally.borrow().delivered < expected {
        tokio::time::sleep(Duration::from_millis(5)).await;
        let delivered = tally.borrow().delivered;
        if delivered != seen {
            (seen, quiet) = (delivered, Instant::now());
        }
        if quiet.elapsed() > Duration::from_secs(5) || began.elapsed() > scene.time + PATIENCE {
            break;
        }
    }
    let tally = tally.borrow();
    Ok(Report {
        expected,
        delivered: tally.delivered,
        missing: tally.missing,
        disordered: tally.disordered,
        took: tally.last - tally.began,
        latency: tally.latency.clone(),
        cpu: Duration::ZERO,
    })
}

type Ping = Option<(&'static str, &'static str)>;

/// Pages that give every notification's message and the moment of its receipt to `frames`, until dropped.
pub(crate) async fn listeners(door: Door, count: usize, frames: mpsc::Sender<(String, Instant)>) -> anyhow::Result<JoinSet<()>> {
    let mut pages = JoinSet::new();
    for mut client in open_all(&door, count).await? {
        let frames = frames.clone();
        pages.spawn(async move {
            let mut buffer = vec![0; READ];
            while client.stream.readable().await.is_ok() {
                let now = Instant::now();
                let alive = client.read(&mut buffer, |_, _, payload| {
                    if let Some(id) = wire::message_id(payload) {
                        let _ = frames.try_send((id.to_owned(), now));
                    }
                });
                if !alive.unwrap_or(false) {
                    return;
                }
            }
        });
    }
    Ok(pages)
}

async fn listen(mut client: Client, ping: Ping, tally: Rc<RefCell<Tally>>, buffer: Rc<RefCell<Vec<u8>>>) {
    loop {
        let Ok(()) = client.stream.readable().await else { return };
        let mut buffer = buffer.borrow_mut();
        let alive = client.read(&mut buffer, |client, opcode, payload| client.take(opcode, payload, ping, &tally));
        if !alive.unwrap_or(false) {
            return;
        }
    }
}

impl Client {
    /// Reads what is there, and gives each whole frame to `each`. False at the end.
    fn read(&mut self, bytes: &mut [u8], mut each: impl FnMut(&mut Self, u8, &[u8])) -> std::io::Result<bool> {
        let count = match self.stream.try_read(bytes) {
            Ok(0) => return Ok(false),
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(true),
            Err(error) => return Err(error),
        };
        let joined;
        let mut rest = if self.partial.is_empty() {
            &bytes[..count]
        } else {
            let mut partial = std::mem::take(&mut self.partial);
            partial.extend_from_slice(&bytes[..count]);
            joined = partial;
            &joined[..]
        };
        while let Some((opcode, payload, after)) = wire::split(rest) {
            each(self, opcode, payload);
            rest = after;
        }
        self.partial = rest.to_vec();
        Ok(true)
    }

    fn take(&mut self, opcode: u8, payload: &[u8], ping: Ping, tally: &RefCell<Tally>) {
        if opcode == 0x9 {
            let _ = self.stream.try_write(&wire::pong(payload));
            return;
        }
        if let Some((asked, answer)) = ping
            && payload == asked.as_bytes()
        {
            let _ = self.stream.try_write(&wire::text(answer));
            return;
        }
        let Some((seq, due)) = wire::mark(payload) else { return };
        let mut tally = tally.borrow_mut();
        if seq == 0 {
            tally.warm += usize::from(!std::mem::replace(&mut self.is_warm, true));
            return;
        }
        let now = Instant::now();
        tally.last = now;
        tally.delivered += 1;
        if seq > self.last {
            tally.missing += usize::try_from(seq - self.last - 1).unwrap_or_default();
            self.last = seq;
        } else {
            tally.disordered += 1;
        }
        let micros = u64::try_from((now - tally.began).as_micros()).unwrap_or(u64::MAX);
        let _ = tally.latency.record(micros.saturating_sub(due).max(1));
    }
}

async fn open_all(door: &Door, count: usize) -> anyhow::Result<Vec<Client>> {
    use futures::stream::{self, StreamExt, TryStreamExt};
    stream::iter(0..count).map(|number| open(door, number)).buffer_unordered(AT_ONCE).try_collect().await
}

/// Opens one socket, and brings it to where messages come.
async fn open(door: &Door, number: usize) -> anyhow::Result<Client> {
    let from = Ipv4Addr::new(127, 0, 0, u8::try_from(2 + number % 16)?);
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((from, 0)))?;
    let mut stream = socket.connect(SocketAddr::from((Ipv4Addr::LOCALHOST, door.port))).await?;
    stream.set_nodelay(true)?;
    let mut request = format!(
        "GET {} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
        door.path, door.port
    );
    for (name, value) in &door.headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all((request + "\r\n").as_bytes()).await?;
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = memchr::memmem::find(&bytes, b"\r\n\r\n") {
            break end;
        }
        ensure!(stream.read_buf(&mut bytes).await? > 0, "the handshake was not answered");
    };
    ensure!(bytes.starts_with(b"HTTP/1.1 101"), "the handshake was refused: {}", String::from_utf8_lossy(&bytes));
    bytes.drain(..end + 4);
    let mut client = Client { stream, partial: bytes, last: 0, is_warm: false };
    for (say, answer) in &door.greetings {
        client.stream.write_all(&wire::text(say)).await?;
        client.wait_for(answer).await?;
    }
    Ok(client)
}

impl Client {
    /// Reads until a frame contains this.
    async fn wait_for(&mut self, wanted: &str) -> anyhow::Result<()> {
        loop {
            let (mut used, mut found) = (0, false);
            while let Some((_, payload, rest)) = wire::split(&self.partial[used..]) {
                found |= memchr::memmem::find(payload, wanted.as_bytes()).is_some();
                used = self.partial.len() - rest.len();
                if found {
                    break;
                }
            }
            self.partial.drain(..used);
            if found {
                return Ok(());
            }
            if self.stream.read_buf(&mut self.partial).await? == 0 {
                bail!("the server closed instead of answering {wanted}");
            }
        }
    }
}
