//! The websocket clients. They connect from many addresses and run on a single pinned thread, and each one checks that it
//! receives every message exactly once and in order.

use std::cell::RefCell;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context as TaskContext, Poll, ready};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use hdrhistogram::Histogram;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinSet, LocalSet};

use super::contender::Endpoint;
use super::publisher::{Publisher, Target};
use super::websocket;
use crate::load::to_f64;
use crate::run::print_line;
use crate::{affinity, cost};

const CONCURRENT_HANDSHAKES: usize = 64;
/// How long to wait for slow clients and servers at each step.
const STEP_TIMEOUT: Duration = Duration::from_secs(60);
const READ_BUFFER_BYTES: usize = 64 << 10;
/// The receive buffer of a client that never reads, as small as the kernel allows.
const STALLED_BUFFER_BYTES: u32 = 4 << 10;
/// All earlier messages are considered delivered once nothing arrives for this long.
const QUIET_PERIOD: Duration = Duration::from_millis(300);

/// The clients and load for one run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scenario {
    /// Clients that read.
    pub sockets: usize,
    /// Clients that never read.
    pub stalled: usize,
    /// Messages published before the clock starts, to fill the kernel buffers for the clients that never read.
    pub fill: u32,
    /// Messages per second.
    pub rate: u32,
    pub time: Duration,
}

/// The result of a run.
#[derive(Debug)]
pub(super) struct Report {
    expected: usize,
    delivered: usize,
    /// Sequence numbers that a client skipped.
    missing: usize,
    /// Messages that a client received more than once or out of order.
    out_of_order: usize,
    /// Clients whose connections the server closed.
    closed: usize,
    /// The final state of the clients that never read.
    pub stalled: Vec<StalledState>,
    /// The fraction of its core used by the load generator.
    generator: f64,
    elapsed: Duration,
    /// Microseconds from the time a message was due until it was received.
    latency: Histogram<u64>,
    /// CPU time of the server.
    pub cpu: Duration,
}

impl Report {
    pub(super) fn deliveries_per_second(&self) -> f64 {
        to_f64(self.delivered) / self.elapsed.as_secs_f64()
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
            write!(f, "; only {} of {} arrived", self.delivered, self.expected)?;
        }
        if self.missing + self.out_of_order > 0 {
            write!(f, "; {} MISSING, {} DUPLICATED OR OUT OF ORDER", self.missing, self.out_of_order)?;
        }
        if self.closed > 0 {
            write!(f, "; {} clients were DISCONNECTED", self.closed)?;
        }
        Ok(())
    }
}

/// The final state of a client that never read.
#[derive(Debug)]
pub(super) enum StalledState {
    Open,
    /// The server closed the connection, with this code if it sent one.
    Closed(Option<u16>),
}

/// Counters shared by all clients.
struct Tally {
    started: Instant,
    /// Number of clients that received a warm-up message.
    warm: usize,
    delivered: usize,
    missing: usize,
    out_of_order: usize,
    closed: usize,
    last: Instant,
    latency: Histogram<u64>,
}

struct Client {
    stream: TcpStream,
    partial: Vec<u8>,
    last: u64,
    is_warm: bool,
}

/// Idle clients running on their own thread. Dropping this disconnects them.
pub(super) struct IdleClients {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Drop for IdleClients {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Opens `sockets` sockets and keeps them open without reading.
pub(super) async fn open_idle(endpoint: Endpoint, sockets: usize) -> anyhow::Result<IdleClients> {
    let (stop, stopped) = oneshot::channel();
    let (ready_tx, ready_rx) = oneshot::channel();
    let thread = std::thread::spawn(move || {
        let result = on_generator_core(async {
            match open_all(&endpoint, sockets, None).await {
                Ok(clients) => {
                    let _ = ready_tx.send(Ok(()));
                    let _ = stopped.await;
                    drop(clients);
                }
                Err(error) => {
                    let _ = ready_tx.send(Err(error));
                }
            }
        });
        if let Err(error) = result {
            print_line(&format!("cannot run the idle clients: {error}"));
        }
    });
    ready_rx.await.context("the clients' thread ended unexpectedly")??;
    Ok(IdleClients { stop: Some(stop), thread: Some(thread) })
}

/// Runs a scenario. Sends on `ready` when every client is subscribed and the clock starts.
pub(super) async fn run_scenario(
    endpoint: Endpoint,
    scenario: Scenario,
    target: Target,
    ready: oneshot::Sender<()>,
) -> anyhow::Result<Report> {
    let (done, report) = oneshot::channel();
    std::thread::spawn(move || {
        let limit = scenario.time + 3 * STEP_TIMEOUT;
        let result =
            on_generator_core(async { tokio::time::timeout(limit, run_on_this_thread(endpoint, scenario, target, ready)).await });
        let _ = done.send(result.and_then(|result| result.context("opening sockets, warming up or publishing took too long")?));
    });
    report.await.context("the load generator's thread ended unexpectedly")?
}

/// Runs a future on a single-threaded runtime pinned to the generator's core.
fn on_generator_core<T>(work: impl Future<Output = T>) -> anyhow::Result<T> {
    affinity::pin_generator();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(LocalSet::new().run_until(work)))
}

async fn run_on_this_thread(
    endpoint: Endpoint,
    scenario: Scenario,
    target: Target,
    ready: oneshot::Sender<()>,
) -> anyhow::Result<Report> {
    let mut publisher = target.open().await?;
    let clients = open_all(&endpoint, scenario.sockets, None).await?;
    let stalled = open_all(&endpoint, scenario.stalled, Some(STALLED_BUFFER_BYTES)).await?;
    let now = Instant::now();
    let tally = Rc::new(RefCell::new(Tally {
        started: now,
        warm: 0,
        delivered: 0,
        missing: 0,
        out_of_order: 0,
        closed: 0,
        last: now,
        latency: Histogram::new(3)?,
    }));
    let buffer = Rc::new(RefCell::new(vec![0; READ_BUFFER_BYTES]));
    for client in clients {
        tokio::task::spawn_local(listen(client, endpoint.ping, Rc::clone(&tally), Rc::clone(&buffer)));
    }
    let deadline = Instant::now() + STEP_TIMEOUT;
    while tally.borrow().warm < scenario.sockets {
        publisher.publish(0, 0).await?;
        tokio::time::sleep(Duration::from_millis(200)).await;
        ensure!(Instant::now() < deadline, "only {} of {} clients receive messages", tally.borrow().warm, scenario.sockets);
    }
    for _ in 0..scenario.fill {
        publisher.publish(0, 0).await?;
    }
    while tally.borrow().last.elapsed() < QUIET_PERIOD {
        tokio::time::sleep(QUIET_PERIOD / 4).await;
    }
    let used = cost::thread_cpu();
    let _ = ready.send(());
    let started = Instant::now();
    {
        let mut tally = tally.borrow_mut();
        (tally.started, tally.last) = (started, started);
    }
    let messages = u64::from(scenario.rate) * scenario.time.as_secs();
    let end = started + scenario.time + STEP_TIMEOUT;
    match tokio::time::timeout_at(end.into(), publish(&mut publisher, scenario.rate, messages, started)).await {
        Ok(published) => published?,
        Err(_) => print_line(&format!("stopped publishing {messages} messages after {} s", (end - started).as_secs())),
    }
    let expected = usize::try_from(messages)? * scenario.sockets;
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
    let generator = (cost::thread_cpu() - used).as_secs_f64() / started.elapsed().as_secs_f64();
    let mut stalled_states = Vec::new();
    for client in stalled {
        stalled_states.push(client.final_state().await);
    }
    let tally = tally.borrow();
    Ok(Report {
        expected,
        delivered: tally.delivered,
        missing: tally.missing,
        out_of_order: tally.out_of_order,
        closed: tally.closed,
        stalled: stalled_states,
        generator,
        elapsed: tally.last - tally.started,
        latency: tally.latency.clone(),
        cpu: Duration::ZERO,
    })
}

/// Publishes `messages` messages at `rate` per second. A late message is published immediately.
async fn publish(publisher: &mut Publisher, rate: u32, messages: u64, started: Instant) -> anyhow::Result<()> {
    for seq in 1..=messages {
        let due = Duration::from_secs_f64((seq - 1) as f64 / f64::from(rate));
        tokio::time::sleep_until((started + due).into()).await;
        publisher.publish(seq, u64::try_from(due.as_micros())?).await?;
    }
    Ok(())
}

type PingReply = Option<(&'static str, &'static str)>;

/// Opens pages that send the message id and receive time of every notification to `frames` until they are dropped.
pub(crate) async fn open_listeners(
    endpoint: Endpoint,
    count: usize,
    frames: mpsc::Sender<(String, Instant)>,
) -> anyhow::Result<JoinSet<()>> {
    let mut pages = JoinSet::new();
    for mut client in open_all(&endpoint, count, None).await? {
        let frames = frames.clone();
        pages.spawn(async move {
            let mut buffer = vec![0; READ_BUFFER_BYTES];
            let mut each = |_: &mut Client, _, payload: &[u8]| {
                if let Some(id) = websocket::message_id(payload) {
                    let _ = frames.try_send((id.to_owned(), Instant::now()));
                }
            };
            while std::future::poll_fn(|task| client.poll_read(task, &mut buffer, &mut each)).await.unwrap_or(false) {}
        });
    }
    Ok(pages)
}

async fn listen(mut client: Client, ping: PingReply, tally: Rc<RefCell<Tally>>, buffer: Rc<RefCell<Vec<u8>>>) {
    let mut each = |client: &mut Client, opcode, payload: &[u8]| client.handle_frame(opcode, payload, ping, &tally);
    while std::future::poll_fn(|task| client.poll_read(task, &mut buffer.borrow_mut(), &mut each)).await.unwrap_or(false) {}
    tally.borrow_mut().closed += 1;
}

impl Client {
    /// Reads available bytes and passes each complete frame to `each`. Returns false at the end of the stream. This polls instead
    /// of using `try_read`, because after a short read tokio assumes that the socket is empty and does not read from it again.
    fn poll_read(
        &mut self,
        task: &mut TaskContext<'_>,
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
        while let Some((opcode, payload, after)) = websocket::split_frame(rest) {
            each(self, opcode, payload);
            rest = after;
        }
        self.partial = rest.to_vec();
        Poll::Ready(Ok(true))
    }

    /// Reads until the end of the stream, or until nothing arrives for a second.
    async fn final_state(mut self) -> StalledState {
        let (mut buffer, mut code) = (vec![0; READ_BUFFER_BYTES], None);
        let mut each = |_: &mut Self, opcode, payload: &[u8]| {
            if opcode == 0x8 {
                code = payload.first_chunk::<2>().map(|code| u16::from_be_bytes(*code));
            }
        };
        loop {
            let read = std::future::poll_fn(|task| self.poll_read(task, &mut buffer, &mut each));
            match tokio::time::timeout(Duration::from_secs(1), read).await {
                Ok(Ok(true)) => {}
                Ok(_) => return StalledState::Closed(code),
                Err(_) => return code.map_or(StalledState::Open, |code| StalledState::Closed(Some(code))),
            }
        }
    }

    fn handle_frame(&mut self, opcode: u8, payload: &[u8], ping: PingReply, tally: &RefCell<Tally>) {
        if opcode == 0x9 {
            let _ = self.stream.try_write(&websocket::pong(payload));
            return;
        }
        if let Some((message, reply)) = ping
            && payload == message.as_bytes()
        {
            let _ = self.stream.try_write(&websocket::text(reply));
            return;
        }
        let Some((seq, due)) = websocket::marker(payload) else { return };
        let mut tally = tally.borrow_mut();
        let now = Instant::now();
        tally.last = now;
        if seq == 0 {
            tally.warm += usize::from(!std::mem::replace(&mut self.is_warm, true));
            return;
        }
        if seq <= self.last {
            tally.out_of_order += 1;
            return;
        }
        tally.missing += usize::try_from(seq - self.last - 1).unwrap_or_default();
        tally.delivered += 1;
        self.last = seq;
        let micros = u64::try_from((now - tally.started).as_micros()).unwrap_or(u64::MAX);
        let _ = tally.latency.record(micros.saturating_sub(due).max(1));
    }
}

async fn open_all(endpoint: &Endpoint, count: usize, receive_buffer: Option<u32>) -> anyhow::Result<Vec<Client>> {
    use futures::stream::{self, StreamExt, TryStreamExt};
    stream::iter(0..count)
        .map(|number| open(endpoint, number, receive_buffer))
        .buffer_unordered(CONCURRENT_HANDSHAKES)
        .try_collect()
        .await
}

/// Opens one socket and subscribes it.
async fn open(endpoint: &Endpoint, number: usize, receive_buffer: Option<u32>) -> anyhow::Result<Client> {
    let from = Ipv4Addr::new(127, 0, 0, u8::try_from(2 + number % 16)?);
    let socket = TcpSocket::new_v4()?;
    if let Some(bytes) = receive_buffer {
        socket.set_recv_buffer_size(bytes)?;
    }
    socket.bind(SocketAddr::from((from, 0)))?;
    let mut stream = socket.connect(SocketAddr::from((Ipv4Addr::LOCALHOST, endpoint.port))).await?;
    stream.set_nodelay(true)?;
    let mut request = format!(
        "GET {} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
        endpoint.path, endpoint.port
    );
    for (name, value) in &endpoint.headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all((request + "\r\n").as_bytes()).await?;
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = memchr::memmem::find(&bytes, b"\r\n\r\n") {
            break end;
        }
        ensure!(stream.read_buf(&mut bytes).await? > 0, "the server closed the connection during the handshake");
    };
    ensure!(bytes.starts_with(b"HTTP/1.1 101"), "the server refused the handshake: {}", String::from_utf8_lossy(&bytes));
    bytes.drain(..end + 4);
    let mut client = Client { stream, partial: bytes, last: 0, is_warm: false };
    for (message, reply) in &endpoint.handshake {
        client.stream.write_all(&websocket::text(message)).await?;
        client.wait_for(reply).await?;
    }
    Ok(client)
}

impl Client {
    /// Reads until a frame contains `expected`.
    async fn wait_for(&mut self, expected: &str) -> anyhow::Result<()> {
        loop {
            let (mut used, mut found) = (0, false);
            while let Some((_, payload, rest)) = websocket::split_frame(&self.partial[used..]) {
                found |= memchr::memmem::find(payload, expected.as_bytes()).is_some();
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
                bail!("the server closed the connection before it sent {expected}");
            }
        }
    }
}
