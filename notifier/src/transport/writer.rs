//! Writes to one client: directly while the socket accepts bytes, and through a bounded backlog while it does not.
//!
//! A client that does not read uses at most one full backlog of memory and does not delay other clients.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use crate::fanout::close_signal::CloseSignal;
use crate::fanout::protocol::Close;

/// The maximum size of the backlog, in bytes and in chunks.
const MAX_BYTES: usize = 1 << 20;
const MAX_CHUNKS: usize = 1_024;
/// A client whose socket accepts no bytes for this long is disconnected.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum number of chunks passed to one `writev` call.
const CHUNKS_PER_WRITE: usize = 32;

/// The write half of a client connection.
#[derive(Debug)]
pub struct ClientWriter {
    sink: Sink,
    pub close_signal: Arc<CloseSignal>,
    opened: Instant,
    /// Milliseconds from `opened` to the client's last message.
    last_activity: AtomicU64,
}

#[derive(Debug)]
enum Sink {
    WebSocket {
        stream: TcpStream,
        backlog: Mutex<Backlog>,
    },
    /// The receiver is the HTTP response body.
    EventStream(mpsc::Sender<Bytes>),
}

#[derive(Debug, Default)]
struct Backlog {
    chunks: VecDeque<Bytes>,
    bytes: usize,
    /// True while a task is writing the backlog. Guarded by the same lock as the chunks, so that no chunk is left without a task.
    draining: bool,
    /// True once the last frame has been queued.
    finished: bool,
}

impl ClientWriter {
    /// Creates a writer for a websocket.
    pub fn for_websocket(stream: TcpStream, close_signal: Arc<CloseSignal>) -> Self {
        Self::new(Sink::WebSocket { stream, backlog: Mutex::default() }, close_signal)
    }

    /// Creates a writer for an event stream.
    pub fn for_event_stream(body: mpsc::Sender<Bytes>, close_signal: Arc<CloseSignal>) -> Self {
        Self::new(Sink::EventStream(body), close_signal)
    }

    fn new(sink: Sink, close_signal: Arc<CloseSignal>) -> Self {
        Self { sink, close_signal, opened: Instant::now(), last_activity: AtomicU64::new(0) }
    }

    /// Sends complete frames, either immediately or as soon as the client reads. Disconnects a client whose backlog is full.
    pub fn send(self: &Arc<Self>, chunk: Bytes) {
        let sent = match &self.sink {
            Sink::WebSocket { stream, backlog } => {
                let mut backlog = backlog.lock().unwrap_or_else(PoisonError::into_inner);
                if backlog.finished { Ok(()) } else { self.write_or_queue(stream, &mut backlog, chunk) }
            }
            Sink::EventStream(body) => body.try_send(chunk).map_err(|_| Close::TooSlow),
        };
        if let Err(close) = sent {
            self.close_signal.send(close);
        }
    }

    fn write_or_queue(self: &Arc<Self>, stream: &TcpStream, backlog: &mut Backlog, mut chunk: Bytes) -> Result<(), Close> {
        if !backlog.draining {
            match stream.try_write(&chunk) {
                Ok(written) => chunk.advance(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // The task that reads from the connection gets the same error and closes the connection.
                Err(_) => return Ok(()),
            }
            if chunk.is_empty() {
                return Ok(());
            }
        }
        if backlog.bytes + chunk.len() > MAX_BYTES || backlog.chunks.len() >= MAX_CHUNKS {
            return Err(Close::TooSlow);
        }
        backlog.bytes += chunk.len();
        backlog.chunks.push_back(chunk);
        if !backlog.draining {
            backlog.draining = true;
            tokio::spawn(Arc::clone(self).drain());
        }
        Ok(())
    }

    /// Writes the backlog as fast as the client reads.
    async fn drain(self: Arc<Self>) {
        let Sink::WebSocket { stream, backlog } = &self.sink else { return };
        loop {
            match timeout(WRITE_TIMEOUT, stream.writable()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return,
                Err(_) => {
                    backlog.lock().unwrap_or_else(PoisonError::into_inner).draining = false;
                    return self.close_signal.send(Close::TooSlow);
                }
            }
            let mut backlog = backlog.lock().unwrap_or_else(PoisonError::into_inner);
            let slices: Vec<IoSlice<'_>> =
                backlog.chunks.iter().take(CHUNKS_PER_WRITE).map(|chunk| IoSlice::new(chunk)).collect();
            match stream.try_write_vectored(&slices) {
                Ok(written) => backlog.advance(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
            if backlog.chunks.is_empty() {
                *backlog = Backlog { finished: backlog.finished, ..Backlog::default() };
                return;
            }
        }
    }

    /// True if the websocket has no backlog, or if at least half of the event stream's queue is free.
    pub fn is_caught_up(&self) -> bool {
        match &self.sink {
            Sink::WebSocket { backlog, .. } => !backlog.lock().unwrap_or_else(PoisonError::into_inner).draining,
            Sink::EventStream(body) => 2 * body.capacity() >= body.max_capacity(),
        }
    }

    /// The socket to read from; `None` for an event stream.
    pub fn tcp_stream(&self) -> Option<&TcpStream> {
        match &self.sink {
            Sink::WebSocket { stream, .. } => Some(stream),
            Sink::EventStream(_) => None,
        }
    }

    /// Sends the last frame. It replaces the backlog except for the first chunk, which may be partly written.
    pub fn send_last(self: &Arc<Self>, frame: Bytes) {
        if let Sink::WebSocket { stream, backlog } = &self.sink {
            let mut backlog = backlog.lock().unwrap_or_else(PoisonError::into_inner);
            backlog.keep_first();
            backlog.finished = true;
            let _ = self.write_or_queue(stream, &mut backlog, frame);
        }
    }

    /// Records that the client has sent something.
    pub fn record_activity(&self) {
        let millis = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_activity.store(millis, Ordering::Relaxed);
    }

    /// The time since the client last sent something. Always zero for an event stream, whose client cannot send.
    pub fn idle_time(&self) -> Duration {
        match self.sink {
            Sink::WebSocket { .. } => {
                self.opened.elapsed().saturating_sub(Duration::from_millis(self.last_activity.load(Ordering::Relaxed)))
            }
            Sink::EventStream(_) => Duration::ZERO,
        }
    }
}

impl Backlog {
    /// Removes bytes that have been written.
    fn advance(&mut self, mut bytes: usize) {
        self.bytes -= bytes;
        while let Some(first) = self.chunks.front_mut() {
            if first.len() > bytes {
                first.advance(bytes);
                return;
            }
            bytes -= first.len();
            self.chunks.pop_front();
        }
    }

    /// Removes all chunks but the first, which may be partly written.
    fn keep_first(&mut self) {
        self.chunks.truncate(1);
        self.bytes = self.chunks.iter().map(Bytes::len).sum();
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    use super::*;

    /// A client socket, and the writer at the other end of the connection.
    async fn connection() -> (TcpStream, Arc<ClientWriter>) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let client = TcpStream::connect(listener.local_addr().expect("the local address")).await.expect("a connection");
        let (served, _) = listener.accept().await.expect("a connection");
        (client, Arc::new(ClientWriter::for_websocket(served, Arc::default())))
    }

    #[tokio::test]
    async fn frames_after_the_last_are_dropped() {
        let (mut client, writer) = connection().await;
        writer.send(Bytes::from_static(b"data,"));
        writer.send_last(Bytes::from_static(b"last"));
        writer.send(Bytes::from_static(b",late"));
        drop(writer);
        let mut read = String::new();
        client.read_to_string(&mut read).await.expect("the client should receive all bytes");
        assert_eq!(read, "data,last");
    }

    #[tokio::test]
    async fn frames_after_the_last_are_dropped_when_the_client_reads_slowly() {
        let (mut client, writer) = connection().await;
        let chunk = Bytes::from(vec![b'.'; 64 << 10]);
        while writer.is_caught_up() {
            writer.send(chunk.clone());
        }
        writer.send_last(Bytes::from_static(b"last"));
        writer.send(Bytes::from_static(b",late"));
        let mut read = Vec::new();
        while !read.windows(4).any(|bytes| bytes == b"last") {
            read.drain(..read.len().saturating_sub(4));
            assert_ne!(
                client.read_buf(&mut read).await.expect("the client should receive more bytes"),
                0,
                "the connection closed before the last frame"
            );
        }
        // The backlog is empty now, so a frame sent from here on would be written directly.
        while !writer.is_caught_up() {
            tokio::task::yield_now().await;
        }
        writer.send(Bytes::from_static(b",late"));
        drop(writer);
        client.read_to_end(&mut read).await.expect("the client should receive the remaining bytes");
        assert!(read.ends_with(b"last"));
    }
}
