//! The way to one client: written to at once where the system takes it; the rest waits here, bounded, and follows as the client
//! reads. Whoever does not read costs this much memory and delays nobody.

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

/// Bytes and chunks that may wait for one client.
pub const MOST_BYTES: usize = 1 << 20;
const MOST_CHUNKS: usize = 1_024;
/// A client that takes nothing for so long does not read.
const STUCK: Duration = Duration::from_secs(10);
/// Chunks given to the system at once.
const GATHER: usize = 32;

/// A client's connection, seen from the side that sends.
#[derive(Debug)]
pub struct Link {
    outlet: Outlet,
    /// When to end.
    pub close_signal: Arc<CloseSignal>,
    began: Instant,
    /// Milliseconds after `began` when the client was last heard.
    heard: AtomicU64,
}

#[derive(Debug)]
enum Outlet {
    /// A websocket.
    Socket { stream: TcpStream, waiting: Mutex<Waiting> },
    /// An event stream; its other end is the body of an answer.
    Stream(mpsc::Sender<Bytes>),
}

#[derive(Debug, Default)]
struct Waiting {
    chunks: VecDeque<Bytes>,
    bytes: usize,
    /// A task is writing them. Decided under the same lock as what waits, so that none is left behind.
    draining: bool,
    /// The last frame is among them, or was.
    concluded: bool,
}

impl Link {
    /// Of a websocket.
    pub fn of_socket(stream: TcpStream, close_signal: Arc<CloseSignal>) -> Self {
        Self::new(Outlet::Socket { stream, waiting: Mutex::default() }, close_signal)
    }

    /// Of an event stream.
    pub fn of_stream(body: mpsc::Sender<Bytes>, close_signal: Arc<CloseSignal>) -> Self {
        Self::new(Outlet::Stream(body), close_signal)
    }

    fn new(outlet: Outlet, close_signal: Arc<CloseSignal>) -> Self {
        Self { outlet, close_signal, began: Instant::now(), heard: AtomicU64::new(0) }
    }

    /// Sends, now or as soon as the client reads. One that is too far behind is ended.
    pub fn send(self: &Arc<Self>, chunk: Bytes) {
        let sent = match &self.outlet {
            Outlet::Socket { stream, waiting } => {
                let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
                if waiting.concluded { Ok(()) } else { self.send_to(stream, &mut waiting, chunk) }
            }
            Outlet::Stream(body) => body.try_send(chunk).map_err(|_| Close::TooSlow),
        };
        if let Err(close) = sent {
            self.close_signal.send(close);
        }
    }

    fn send_to(self: &Arc<Self>, stream: &TcpStream, waiting: &mut Waiting, mut chunk: Bytes) -> Result<(), Close> {
        if !waiting.draining {
            match stream.try_write(&chunk) {
                Ok(written) => chunk.advance(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // Broken: whoever reads from it finds out.
                Err(_) => return Ok(()),
            }
            if chunk.is_empty() {
                return Ok(());
            }
        }
        if waiting.bytes + chunk.len() > MOST_BYTES || waiting.chunks.len() >= MOST_CHUNKS {
            return Err(Close::TooSlow);
        }
        waiting.bytes += chunk.len();
        waiting.chunks.push_back(chunk);
        if !waiting.draining {
            waiting.draining = true;
            tokio::spawn(Arc::clone(self).drain());
        }
        Ok(())
    }

    /// Writes what waits, as fast as the client reads.
    async fn drain(self: Arc<Self>) {
        let Outlet::Socket { stream, waiting } = &self.outlet else { return };
        loop {
            match timeout(STUCK, stream.writable()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return,
                Err(_) => {
                    waiting.lock().unwrap_or_else(PoisonError::into_inner).draining = false;
                    return self.close_signal.send(Close::TooSlow);
                }
            }
            let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
            let slices: Vec<IoSlice<'_>> = waiting.chunks.iter().take(GATHER).map(|chunk| IoSlice::new(chunk)).collect();
            match stream.try_write_vectored(&slices) {
                Ok(written) => waiting.written(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
            if waiting.chunks.is_empty() {
                *waiting = Waiting { concluded: waiting.concluded, ..Waiting::default() };
                return;
            }
        }
    }

    /// True when what was sent has been taken; by an event stream, as good as.
    pub fn is_clear(&self) -> bool {
        match &self.outlet {
            Outlet::Socket { waiting, .. } => !waiting.lock().unwrap_or_else(PoisonError::into_inner).draining,
            Outlet::Stream(body) => 2 * body.capacity() >= body.max_capacity(),
        }
    }

    /// The connection itself, to read from; none for an event stream.
    pub fn stream(&self) -> Option<&TcpStream> {
        match &self.outlet {
            Outlet::Socket { stream, .. } => Some(stream),
            Outlet::Stream(_) => None,
        }
    }

    /// Puts a last frame behind what has begun to be written, in place of what has not. Nothing is sent after it.
    pub fn conclude(self: &Arc<Self>, last: Bytes) {
        if let Outlet::Socket { stream, waiting } = &self.outlet {
            let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.keep_first();
            waiting.concluded = true;
            let _ = self.send_to(stream, &mut waiting, last);
        }
    }

    /// Notes that the client said something.
    pub fn note_heard(&self) {
        let millis = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.heard.store(millis, Ordering::Relaxed);
    }

    /// How long the client has been silent. Event streams say nothing.
    pub fn silence(&self) -> Duration {
        match self.outlet {
            Outlet::Socket { .. } => {
                self.began.elapsed().saturating_sub(Duration::from_millis(self.heard.load(Ordering::Relaxed)))
            }
            Outlet::Stream(_) => Duration::ZERO,
        }
    }
}

impl Waiting {
    /// Forgets what was written.
    fn written(&mut self, mut bytes: usize) {
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

    /// Forgets all but the first chunk, which may have gone out in part.
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

    #[tokio::test]
    async fn nothing_follows_the_last_frame() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let mut client = TcpStream::connect(listener.local_addr().expect("an address")).await.expect("a connection");
        let (served, _) = listener.accept().await.expect("a connection");
        let link = Arc::new(Link::of_socket(served, Arc::default()));
        link.send(Bytes::from_static(b"data,"));
        link.conclude(Bytes::from_static(b"last"));
        link.send(Bytes::from_static(b",late"));
        drop(link);
        let mut read = String::new();
        client.read_to_string(&mut read).await.expect("all of it");
        assert_eq!(read, "data,last");
    }

    #[tokio::test]
    async fn nothing_follows_the_last_frame_that_waits_for_the_client_either() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let mut client = TcpStream::connect(listener.local_addr().expect("an address")).await.expect("a connection");
        let (served, _) = listener.accept().await.expect("a connection");
        let link = Arc::new(Link::of_socket(served, Arc::default()));
        let chunk = Bytes::from(vec![b'.'; 64 << 10]);
        while link.is_clear() {
            link.send(chunk.clone());
        }
        link.conclude(Bytes::from_static(b"last"));
        link.send(Bytes::from_static(b",late"));
        let mut read = Vec::new();
        while !read.windows(4).any(|bytes| bytes == b"last") {
            read.drain(..read.len().saturating_sub(4));
            assert_ne!(client.read_buf(&mut read).await.expect("some of it"), 0, "the last frame never came");
        }
        // All that waited has been taken; what is sent now finds nothing before it.
        while !link.is_clear() {
            tokio::task::yield_now().await;
        }
        link.send(Bytes::from_static(b",late"));
        drop(link);
        client.read_to_end(&mut read).await.expect("the rest");
        assert!(read.ends_with(b"last"));
    }
}
