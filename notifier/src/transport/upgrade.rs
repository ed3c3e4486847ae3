//! `/ws`: the websocket handshake.
//!
//! warp's own websocket filter allocates 128 KiB per connection, and this cannot be configured. We therefore perform the
//! handshake here and take the connection over from hyper.

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
use crate::transport::session::WebSocketSession;
use crate::transport::websocket::Decoder;
use crate::transport::writer::ClientWriter;
use crate::user::rate_limit::RateLimit;

/// The size of the kernel's send buffer, in bytes. By default, it grows to several megabytes for a client that does not read.
const SEND_BUFFER: usize = 128 << 10;

/// `GET /ws`: checks the session and origin, then responds with 101.
///
/// # Errors
/// 401, 403, 426, 429 or 503; always returned before the upgrade.
pub async fn open(
    state: Arc<AppState>,
    headers: HeaderMap,
    peer: Peer,
    upgrade: Option<OnUpgrade>,
) -> Result<Response, ApiError> {
    let (caller, guard) = admission::admit(&state, &headers, peer, state.origins.allow(&headers)).await?;
    let key = handshake_key(&headers).ok_or(ApiError::NoHandshake)?;
    let upgrade = upgrade.ok_or(ApiError::NoHandshake)?;
    metrics::counter!("notifier_upgrades_total", "outcome" => "opened").increment(1);
    let tasks = state.tasks.clone();
    tasks.spawn(async move {
        match upgrade.await.map(take_over) {
            Ok(Some((stream, decoder))) => {
                let writer = Arc::new(ClientWriter::for_websocket(stream, Arc::clone(&guard.close_signal)));
                WebSocketSession { state, caller, guard, writer, decoder, rate_limit: RateLimit::default() }.run().await;
            }
            Ok(None) => tracing::error!("the upgraded connection is not a plain TCP stream"),
            Err(error) => tracing::debug!(%error, "the client did not finish the upgrade"),
        }
    });
    let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept_key(&key));
    Ok(response)
}

/// The TCP stream of an upgraded connection, and a decoder that contains the bytes received after the handshake.
fn take_over(upgraded: Upgraded) -> Option<(TcpStream, Decoder)> {
    let parts = upgraded.downcast::<TokioIo<TcpStream>>().ok()?;
    let stream = parts.io.into_inner();
    if let Err(error) = SockRef::from(&stream).set_send_buffer_size(SEND_BUFFER) {
        tracing::debug!(%error, "the send buffer size could not be set");
    }
    let mut decoder = Decoder::default();
    decoder.push(&parts.read_buf);
    Some((stream, decoder))
}

/// The client's key; `None` if the headers are not a version 13 handshake.
fn handshake_key(headers: &HeaderMap) -> Option<HeaderValue> {
    let has = |name, token: &str| {
        let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|value| value.trim().eq_ignore_ascii_case(token))
    };
    let is_handshake = has(CONNECTION, "upgrade") && has(UPGRADE, "websocket") && has(SEC_WEBSOCKET_VERSION, "13");
    let key = headers.get(SEC_WEBSOCKET_KEY)?;
    (is_handshake && key.len() == 24).then(|| key.clone())
}

/// The value that proves to the client that the server received its handshake (RFC 6455, section 4.2.2).
fn accept_key(key: &HeaderValue) -> HeaderValue {
    HeaderValue::from_str(&derive_accept_key(key.as_bytes())).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_accept_key_matches_the_example_in_rfc_6455() {
        assert_eq!(accept_key(&HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ==")), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
}
