//! A bounded accept loop for a warp filter.
//!
//! warp's own server has no header timeout and no connection limit, and an incomplete request blocks its graceful shutdown
//! forever. This server fixes all three problems, sets `TCP_NODELAY`, and provides the client's address to handlers.

mod peer;

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use http::header::{HeaderName, HeaderValue};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use ipnet::IpNet;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service;
use tracing::{Instrument, Span};
use warp::reply::Response;

pub use self::peer::Peer;
use crate::config::Connections;

/// Maximum time for a client to send a complete request header. Also limits how long a connection can stay idle between requests.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a new connection can take to send its first request while the service stops.
const FIRST_REQUEST_TIMEOUT: Duration = Duration::from_secs(1);

/// Identifies a request across the logs of the proxy and the services.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Maximum size of a connection's read buffer, in bytes.
const MAX_BUFFER_BYTES: usize = 128 << 10;

/// Serves `service` (a `warp::service`) until `stop` is cancelled. In-flight requests then have until the end of the drain period to
/// finish.
pub async fn run<S>(listener: TcpListener, service: S, config: &Connections, stop: CancellationToken)
where
    S: Service<Request<Incoming>, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    let permits = Arc::new(Semaphore::new(config.max_connections));
    let trusted: Arc<[IpNet]> = config.trusted_proxies.clone().into();
    let connections = TaskTracker::new();
    let serve = |stream: TcpStream, address: SocketAddr, permit: Option<OwnedSemaphorePermit>| {
        let requested = CancellationToken::new();
        let service = with_request_context(service.clone(), address.ip(), Arc::clone(&trusted), requested.clone());
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT)
            .max_buf_size(MAX_BUFFER_BYTES)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
            .with_upgrades();
        let stop = stop.clone();
        connections.spawn(async move {
            tokio::pin!(connection);
            let result = tokio::select! {
                result = connection.as_mut() => result,
                () = stopped_after_a_request(&stop, &requested) => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = result {
                tracing::debug!(%error, "connection closed with an error");
            }
            drop(permit);
        });
    };
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept(&listener, &permits) => if let Some((stream, address, permit)) = accepted {
                serve(stream, address, Some(permit));
            },
        }
    }
    // Whoever has connected already is served: a proxy does not repeat a POST that it has sent.
    for (stream, address) in waiting(listener) {
        serve(stream, address, None);
    }
    connections.close();
    if tokio::time::timeout(Duration::from_secs(config.drain_seconds), connections.wait()).await.is_err() {
        tracing::warn!(drain_seconds = config.drain_seconds, "some requests were still in flight at the end of the drain period");
    }
}

/// Waits for `stop` and for the connection's first request, which is probably on its way. hyper closes a connection without any request at
/// once, but a proxy does not repeat a POST that it has sent.
async fn stopped_after_a_request(stop: &CancellationToken, requested: &CancellationToken) {
    stop.cancelled().await;
    let _none_came = tokio::time::timeout(FIRST_REQUEST_TIMEOUT, requested.cancelled()).await;
}

/// Closes the port, and returns the connections that wait to be accepted.
fn waiting(listener: TcpListener) -> Vec<(TcpStream, SocketAddr)> {
    let mut waiting = Vec::new();
    // tokio could still be about to learn of the newest ones.
    if let Ok(listener) = listener.into_std() {
        while let Ok((stream, address)) = listener.accept() {
            if stream.set_nonblocking(true).is_ok() && stream.set_nodelay(true).is_ok() {
                waiting.extend(TcpStream::from_std(stream).map(|stream| (stream, address)));
            }
        }
    }
    waiting
}

/// Waits for a free permit and accepts the next connection. Returns `None` if accepting fails, for example because there are no
/// free file descriptors.
async fn accept(listener: &TcpListener, permits: &Arc<Semaphore>) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let permit = Arc::clone(permits).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, address)) => {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "cannot set TCP_NODELAY");
            }
            Some((stream, address, permit))
        }
        Err(error) => {
            tracing::warn!(%error, "cannot accept a connection");
            // The process is probably out of file descriptors or memory. Retrying immediately would make matters worse.
            tokio::time::sleep(Duration::from_millis(100)).await;
            None
        }
    }
}

/// Wraps `service` so that a request cancels `requested`, and so that each request has a [`Peer`] extension, and its log lines and response include its request id.
fn with_request_context<S>(
    service: S,
    address: IpAddr,
    trusted: Arc<[IpNet]>,
    requested: CancellationToken,
) -> impl Service<Request<Incoming>, Response = Response, Error = Infallible, Future: Send> + Clone + Send
where
    S: Service<Request<Incoming>, Response = Response, Error = Infallible> + Clone + Send,
    S::Future: Send,
{
    tower::service_fn(move |mut request: Request<Incoming>| {
        requested.cancel();
        let peer = Peer::of(&request, address, &trusted);
        request.extensions_mut().insert(peer);
        let id = request_id(&request);
        // The same id appears in the nginx log, in our logs and in the response.
        let span = match id.as_ref().and_then(|id| id.to_str().ok()) {
            Some(id) => tracing::info_span!("request", id),
            None => Span::none(),
        };
        let response = service.clone().call(request);
        async move {
            let mut response = response.await?;
            if let Some(id) = id {
                response.headers_mut().insert(REQUEST_ID, id);
            }
            Ok(response)
        }
        .instrument(span)
    })
}

/// Returns the request id set by the proxy if it consists of at most 64 letters, digits and hyphens.
fn request_id<B>(request: &Request<B>) -> Option<HeaderValue> {
    let id = request.headers().get(REQUEST_ID)?;
    let is_valid = id.len() <= 64 && id.as_bytes().iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-');
    is_valid.then(|| id.clone())
}
