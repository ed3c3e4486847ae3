//! The bounded accept loop round a warp filter.
//!
//! warp's own server has no header time-out, no cap on connections, and a drain that a half-sent request holds open for
//! ever. This one has all three, sets `TCP_NODELAY`, and tells handlers who is on the other side.

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
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service;
use tracing::{Instrument, Span};
use warp::reply::Response;

pub use self::peer::Peer;
use crate::config::Connections;

/// Time for a client to send a whole request header, and for an idle connection to start its next request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);

/// Names a request over all logs.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Bytes read ahead for one connection, at most.
const BUFFER: usize = 128 << 10;

/// Serves `service` (a `warp::service`) until `stop`, then lets requests in flight end within the drain time.
pub async fn run<S>(listener: TcpListener, service: S, config: &Connections, stop: CancellationToken)
where
    S: Service<Request<Incoming>, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    let permits = Arc::new(Semaphore::new(config.max_connections));
    let trusted: Arc<[IpNet]> = config.trusted_proxies.clone().into();
    let open = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept(&listener, &permits) => accepted,
        };
        let Some((stream, address, permit)) = accepted else { continue };
        let service = with_peer(service.clone(), address.ip(), Arc::clone(&trusted));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT)
            .max_buf_size(BUFFER)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
            .with_upgrades();
        let stop = stop.clone();
        open.spawn(async move {
            tokio::pin!(connection);
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = stop.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "connection ended early");
            }
            drop(permit);
        });
    }
    drop(listener);
    open.close();
    if tokio::time::timeout(Duration::from_secs(config.drain_seconds), open.wait()).await.is_err() {
        tracing::warn!(drain_seconds = config.drain_seconds, "requests were still open at the drain deadline");
    }
}

/// The next connection, once there is room for it. None when accepting failed, as it does when files run out.
async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let permit = Arc::clone(permits).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, address)) => {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "TCP_NODELAY was refused");
            }
            Some((stream, address, permit))
        }
        Err(error) => {
            tracing::warn!(%error, "accepting a connection failed");
            // Out of files or memory: spinning would make it worse.
            tokio::time::sleep(Duration::from_millis(100)).await;
            None
        }
    }
}

fn with_peer<S>(
    service: S,
    address: IpAddr,
    trusted: Arc<[IpNet]>,
) -> impl Service<Request<Incoming>, Response = Response, Error = Infallible, Future: Send> + Clone + Send
where
    S: Service<Request<Incoming>, Response = Response, Error = Infallible> + Clone + Send,
    S::Future: Send,
{
    tower::service_fn(move |mut request: Request<Incoming>| {
        let peer = Peer::of(&request, address, &trusted);
        request.extensions_mut().insert(peer);
        let id = request_id(&request);
        // All that is logged about this request carries its id, as do nginx's log and the answer.
        let span = match id.as_ref().and_then(|id| id.to_str().ok()) {
            Some(id) => tracing::info_span!("request", id),
            None => Span::none(),
        };
        let answer = service.clone().call(request);
        async move {
            let mut response = answer.await?;
            if let Some(id) = id {
                response.headers_mut().insert(REQUEST_ID, id);
            }
            Ok(response)
        }
        .instrument(span)
    })
}

/// What the proxy calls this request, if that is a plain word.
fn request_id<B>(request: &Request<B>) -> Option<HeaderValue> {
    let id = request.headers().get(REQUEST_ID)?;
    let plain = id.len() <= 64 && id.as_bytes().iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-');
    plain.then(|| id.clone())
}
