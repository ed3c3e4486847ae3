//! The clients: opened from many addresses, read on one pinned thread, each checking that it gets every message once and in order.

use std::cell::RefCell;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context as Task, Poll, ready};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use hdrhistogram::Histogram;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinSet, LocalSet};

use super::contender::Door;
use super::publisher::{Publisher, Target};
use super::wire;
use crate::load::to_f64;
use crate::{affinity, cost, say};

/// Sockets opened at once.
const AT_ONCE: usize = 64;
/// How long stragglers are waited for.
const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes read at once.
const READ: usize = 64 << 10;
/// Bytes that the system takes for a client that never reads: as few as it allows.
const STALLED_BUFFER: u32 = 4 << 10;
/// Nothing has come for so long: it was the last.
const QUIET: Duration = Duration::from_millis(300);

/// What is played.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scene {
    /// Clients that read.
    pub sockets: usize,
    /// Clients that never do.
    pub stalled: usize,
    /// Messages before the clock starts, to fill what the system holds for those.
    pub fill: u32,
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
    /// Numbers that a client had not got when it got a later one, and those it got again or after a later one.
    missing: usize,
    disordered: usize,
    /// Clients whose connection the server ended.
    ended: usize,
    /// How those that never read were found in the end.
    pub stalled: Vec<Fate>,
    /// Of its core, what the generator used.
    generator: f64,
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
        write!(f, ", {:.2} µs of CPU each, generator at {:.0} %", self.cpu_us(), self.generator * 100.0)?;
        if self.delivered != self.expected {
            write!(f, "; only {} of {} came", self.delivered, self.expected)?;
        }
        if self.missing + self.disordered > 0 {
            write!(f, "; {} MISSING, {} AGAIN OR OUT OF ORDER", self.missing, self.disordered)?;
        }
        if self.ended > 0 {
            write!(f, "; {} clients were ENDED", self.ended)?;
        }
        Ok(())
    }
}

/// What became of a client that never read.
#[derive(Debug)]
pub(super) enum Fate {
    /// Nobody ended it.
    Open,
    /// The server ended it, with this code if it gave one.
    Ended(Option<u16>),
}

/// What all clients share.
struct Tally {
    began: Instant,
    /// Clients that had the warm-up message.
    warm: usize,
    delivered: usize,
    missing: usize,
    disordered: usize,
    ended: usize,
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
            match open_all(&door, sockets, None).await {
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
pub(super) async fn play(door: Door, scene: Scene, target: Target, ready: oneshot::Sender<()>) -> anyhow::Result<Report> {
    let (done, report) = oneshot::channel();
    std::thread::spawn(move || {
        let limit = scene.time + 3 * PATIENCE;
        let played = on_one_core(async { tokio::time::timeout(limit, play_here(door, scene, target, ready)).await });
        let _ = done.send(played.and_then(|played| played.context("opening, warming up or publishing takes too long")?));
    });
    report.await.context("the generator is gone")?
}

/// Runs on this thread alone, pinned to the generator's core.
fn on_one_core<T>(work: impl Future<Output = T>) -> anyhow::Result<T> {
    affinity::pin_generator();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(LocalSet::new().run_until(work)))
}

async fn play_here(door: Door, scene: Scene, target: Target, ready: oneshot::Sender<()>) -> anyhow::Result<Report> {
    let mut publisher = target.open().await?;
    let clients = open_all(&door, scene.sockets, None).await?;
    let stalled = open_all(&door, scene.stalled, Some(STALLED_BUFFER)).await?;
    let now = Instant::now();
    let tally = Rc::new(RefCell::new(Tally {
        began: now,
        warm: 0,
        delivered: 0,
        missing: 0,
        disordered: 0,
        ended: 0,
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
    for _ in 0..scene.fill {
        publisher.publish(0, 0).await?;
    }
    while tally.borrow().last.elapsed() < QUIET {
        tokio::time::sleep(QUIET / 4).await;
    }
    let used = cost::cpu_here();
    let _ = ready.send(());
    let began = Instant::now();
    {
        let mut tally = tally.borrow_mut();
        (tally.began, tally.last) = (began, began);
    }
    let messages = u64::from(scene.rate) * scene.time.as_secs();
    let end = began + scene.time + PATIENCE;
    match tokio::time::timeout_at(end.into(), publish(&mut publisher, scene.rate, messages, began)).await {
        Ok(published) => published?,
        Err(_) => say(&format!("publishing {messages} messages was cut: it took over {} s", (end - began).as_secs())),
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
        if quiet.elapsed() > Duration::from_secs(5) || Instant::now() > end {
            break;
        }
    }
    let generator = (cost::cpu_here() - used).as_secs_f64() / began.elapsed().as_secs_f64();
    let mut fates = Vec::new();
    for client in stalled {
        fates.push(client.fate().await);
    }
    let tally = tally.borrow();
    Ok(Report {
        expected,
        delivered: tally.delivered,
        missing: tally.missing,
        disordered: tally.disordered,
        ended: tally.ended,
        stalled: fates,
        generator,
        took: tally.last - tally.began,
        latency: tally.latency.clone(),
        cpu: Duration::ZERO,
    })
}

/// Hands over so many messages, each when it is due or, if those before it took longer, as soon as can be.
async fn publish(publisher: &mut Publisher, rate: u32, messages: u64, began: Instant) -> anyhow::Result<()> {
    for seq in 1..=messages {
        let due = Duration::from_secs_f64((seq - 1) as f64 / f64::from(rate));
        tokio::time::sleep_until((began + due).into()).await;
        publisher.publish(seq, u64::try_from(due.as_micros())?).await?;
    }
    Ok(())
}

type Ping = Option<(&'static str, &'static str)>;

/// Pages that give every notification's message and the moment of its receipt to `frames`, until dropped.
pub(crate) async fn listeners(door: Door, count: usize, frames: mpsc::Sender<(String, Instant)>) -> anyhow::Result<JoinSet<()>> {
    let mut pages = JoinSet::new();
    for mut client in open_all(&door, count, None).await? {
        let frames = frames.clone();
        pages.spawn(async move {
            let mut buffer = vec![0; READ];
            let mut each = |_: &mut Client, _, payload: &[u8]| {
                if let Some(id) = wire::message_id(payload) {
                    let _ = frames.try_send((id.to_owned(), Instant::now()));
                }
            };
            while std::future::poll_fn(|task| client.poll_read(task, &mut buffer, &mut each)).await.unwrap_or(false) {}
        });
    }
    Ok(pages)
}

async fn listen(mut client: Client, ping: Ping, tally: Rc<RefCell<Tally>>, buffer: Rc<RefCell<Vec<u8>>>) {
    let mut each = |client: &mut Client, opcode, payload: &[u8]| client.take(opcode, payload, ping, &tally);
    while std::future::poll_fn(|task| client.poll_read(task, &mut buffer.borrow_mut(), &mut each)).await.unwrap_or(false) {}
    tally.borrow_mut().ended += 1;
}

impl Client {
    /// Reads what is there, and gives each whole frame to `each`. False at the end. Polled and not tried: tokio takes a short
    /// read for the last, and does not ask the system again.
    fn poll_read(
        &mut self,
        task: &mut Task<'_>,
        buffer: &mut [u8],
        each: &mut impl FnMut(&mut Self, u8, &[u8]),
    ) -> Poll<std::io::Result<bool>> {
        let mut read = ReadBuf::new(buffer);
        ready!(Pin::new(&mut self.stream).poll_read(task, &mut read))?;
        let bytes = read.filled();
        if bytes.is_empty() {
            return Poll::Ready(Ok(false));
        }
        let joined;
        let mut rest = if self.partial.is_empty() {
            bytes
        } else {
            let mut partial = std::mem::take(&mut self.partial);
            partial.extend_from_slice(bytes);
            joined = partial;
            &joined[..]
        };
        while let Some((opcode, payload, after)) = wire::split(rest) {
            each(self, opcode, payload);
            rest = after;
        }
        self.partial = rest.to_vec();
        Poll::Ready(Ok(true))
    }

    /// Reads at last, to the end or until nothing comes for a while.
    async fn fate(mut self) -> Fate {
        let (mut buffer, mut code) = (vec![0; READ], None);
        let mut each = |_: &mut Self, opcode, payload: &[u8]| {
            if opcode == 0x8 {
                code = payload.first_chunk::<2>().map(|code| u16::from_be_bytes(*code));
            }
        };
        loop {
            let read = std::future::poll_fn(|task| self.poll_read(task, &mut buffer, &mut each));
            match tokio::time::timeout(Duration::from_secs(1), read).await {
                Ok(Ok(true)) => {}
                Ok(_) => return Fate::Ended(code),
                Err(_) => return code.map_or(Fate::Open, |code| Fate::Ended(Some(code))),
            }
        }
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
        let now = Instant::now();
        tally.last = now;
        if seq == 0 {
            tally.warm += usize::from(!std::mem::replace(&mut self.is_warm, true));
            return;
        }
        if seq <= self.last {
            tally.disordered += 1;
            return;
        }
        tally.missing += usize::try_from(seq - self.last - 1).unwrap_or_default();
        tally.delivered += 1;
        self.last = seq;
        let micros = u64::try_from((now - tally.began).as_micros()).unwrap_or(u64::MAX);
        let _ = tally.latency.record(micros.saturating_sub(due).max(1));
    }
}

async fn open_all(door: &Door, count: usize, receive_buffer: Option<u32>) -> anyhow::Result<Vec<Client>> {
    use futures::stream::{self, StreamExt, TryStreamExt};
    stream::iter(0..count).map(|number| open(door, number, receive_buffer)).buffer_unordered(AT_ONCE).try_collect().await
}

/// Opens one socket, and brings it to where messages come.
async fn open(door: &Door, number: usize, receive_buffer: Option<u32>) -> anyhow::Result<Client> {
    let from = Ipv4Addr::new(127, 0, 0, u8::try_from(2 + number % 16)?);
    let socket = TcpSocket::new_v4()?;
    if let Some(bytes) = receive_buffer {
        socket.set_recv_buffer_size(bytes)?;
    }
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
