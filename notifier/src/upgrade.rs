//! `/ws`: who may open a socket, and the upgrade itself.
//!
//! warp's own websocket filter allocates 128 KiB for each socket and offers no way to ask for less, so the handshake is
//! answered here and the connection taken over from hyper.

use std::sync::Arc;

use http::header::{CONNECTION, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use http::{HeaderMap, StatusCode};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use shared::session;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use warp::reply::{Reply, Response};

use crate::app::Context;
use crate::error::ApiError;
use crate::socket::Socket;

/// Largest frame and message taken from a client; a filter or a message fits with room to spare.
const LARGEST: usize = 16 << 10;

/// `GET /ws`: 101, after session and Origin have both been found right.
///
/// # Errors
/// 401, 403, 426, 429, 503: all before the upgrade, as problem documents.
pub async fn open(context: Arc<Context>, headers: HeaderMap, upgrade: Option<OnUpgrade>) -> Result<Response, ApiError> {
    let caller = session::authenticate(&context.pool, &headers, &context.origins).await?.ok_or(ApiError::SignedOut)?;
    if !context.origins.allow(&headers) {
        return Err(ApiError::ForeignOrigin);
    }
    if !caller.may_read() {
        return Err(ApiError::Forbidden);
    }
    let key = handshake(&headers).ok_or(ApiError::NoHandshake)?;
    let upgrade = upgrade.ok_or(ApiError::NoHandshake)?;
    if context.stop.is_cancelled() {
        return Err(ApiError::NotReady);
    }
    let (place, cursor) = context.hub.join(caller.user.clone(), caller.credential.clone(), context.sockets)?;
    metrics::counter!("notifier_upgrades_total", "outcome" => "opened").increment(1);
    let accept = HeaderValue::from_str(&derive_accept_key(key.as_bytes())).map_err(|_| ApiError::NoHandshake)?;
    let tasks = context.tasks.clone();
    tasks.spawn(async move {
        match upgrade.await {
            Ok(upgraded) => {
                let config = WebSocketConfig::default()
                    .read_buffer_size(4 << 10)
                    .write_buffer_size(0)
                    .max_write_buffer_size(16 << 20)
                    .max_message_size(Some(LARGEST))
                    .max_frame_size(Some(LARGEST));
                let stream = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await;
                Socket::new(context, caller, place, cursor, stream).run().await;
            }
            Err(error) => tracing::debug!(%error, "an upgrade was not finished"),
        }
    });
    let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    Ok(response)
}

/// The client's key, if this is a handshake that we speak.
fn handshake(headers: &HeaderMap) -> Option<String> {
    let has = |name, token: &str| {
        let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|value| value.trim().eq_ignore_ascii_case(token))
    };
    let speaks = has(CONNECTION, "upgrade") && has(UPGRADE, "websocket") && has(SEC_WEBSOCKET_VERSION, "13");
    let key = headers.get(SEC_WEBSOCKET_KEY)?.to_str().ok()?;
    (speaks && key.len() == 24).then(|| key.to_owned())
}
