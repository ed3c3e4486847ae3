//! Who may follow the feed, by `/ws` or `/sse`, and the websocket's handshake.
//!
//! warp's own websocket filter allocates 128 KiB for each socket and offers no way to ask for less, so the handshake is
//! answered here and the connection taken over from hyper.

use std::sync::Arc;

use http::header::{CONNECTION, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use http::{HeaderMap, StatusCode};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use shared::serve::Peer;
use socket2::SockRef;
use tokio::net::TcpStream;
use tungstenite::handshake::derive_accept_key;
use warp::reply::{Reply, Response};

use crate::error::ApiError;
use crate::state::AppState;
use crate::transport::admission;
use crate::transport::session::Socket;
use crate::transport::websocket::Decoder;
use crate::transport::writer::ClientWriter;
use crate::user::rate_limit::RateLimit;

/// What the system may hold for a client that does not read. By default it would grow to some megabytes.
const SEND_BUFFER: usize = 128 << 10;

/// `GET /ws`: 101, after session and Origin have both been found right.
///
/// # Errors
/// 401, 403, 426, 429, 503: all before the upgrade, as problem documents.
pub async fn open(
    state: Arc<AppState>,
    headers: HeaderMap,
    peer: Peer,
    upgrade: Option<OnUpgrade>,
) -> Result<Response, ApiError> {
    let (caller, guard) = admission::admit(&state, &headers, peer, state.origins.allow(&headers)).await?;
    let key = handshake(&headers).ok_or(ApiError::NoHandshake)?;
    let upgrade = upgrade.ok_or(ApiError::NoHandshake)?;
    metrics::counter!("notifier_upgrades_total", "outcome" => "opened").increment(1);
    let tasks = state.tasks.clone();
    tasks.spawn(async move {
        match upgrade.await.map(take_over) {
            Ok(Some((stream, decoder))) => {
                let writer = Arc::new(ClientWriter::for_websocket(stream, Arc::clone(&guard.close_signal)));
                Socket { state, caller, guard, writer, decoder, rate_limit: RateLimit::default() }.run().await;
            }
            Ok(None) => tracing::error!("an upgraded connection is not a plain socket"),
            Err(error) => tracing::debug!(%error, "an upgrade was not finished"),
        }
    });
    let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept(&key));
    Ok(response)
}

/// The socket under an upgraded connection, and what came behind the handshake.
fn take_over(upgraded: Upgraded) -> Option<(TcpStream, Decoder)> {
    let parts = upgraded.downcast::<TokioIo<TcpStream>>().ok()?;
    let stream = parts.io.into_inner();
    if let Err(error) = SockRef::from(&stream).set_send_buffer_size(SEND_BUFFER) {
        tracing::debug!(%error, "the send buffer stays as large as the system likes");
    }
    let mut decoder = Decoder::default();
    decoder.push(&parts.read_buf);
    Some((stream, decoder))
}

/// The client's key, if this is a handshake that we speak.
fn handshake(headers: &HeaderMap) -> Option<HeaderValue> {
    let has = |name, token: &str| {
        let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|value| value.trim().eq_ignore_ascii_case(token))
    };
    let speaks = has(CONNECTION, "upgrade") && has(UPGRADE, "websocket") && has(SEC_WEBSOCKET_VERSION, "13");
    let key = headers.get(SEC_WEBSOCKET_KEY)?;
    (speaks && key.len() == 24).then(|| key.clone())
}

/// The value that proves to the client that its handshake was read (RFC 6455, section 4.2.2).
fn accept(key: &HeaderValue) -> HeaderValue {
    HeaderValue::from_str(&derive_accept_key(key.as_bytes())).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_accept_key_is_that_of_the_rfcs_example() {
        assert_eq!(accept(&HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ==")), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
}
