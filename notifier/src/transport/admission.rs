//! Who may follow the feed, by `/ws` or `/sse`, and the first frame that they get.

use http::HeaderMap;
use shared::serve::Peer;
use shared::session::{self, Caller};

use crate::error::ApiError;
use crate::fanout::hub::ConnectionGuard;
use crate::fanout::protocol::ServerFrame;
use crate::state::AppState;

/// Finds out who asks, and whether there is room for them.
///
/// # Errors
/// 401, 403, 429, 503.
pub async fn admit(
    state: &AppState,
    headers: &HeaderMap,
    peer: Peer,
    is_ours: bool,
) -> Result<(Caller, ConnectionGuard), ApiError> {
    let caller = session::authenticate(&state.pool, headers, &state.origins).await?.ok_or(ApiError::SignedOut)?;
    if !is_ours {
        return Err(ApiError::ForeignOrigin);
    }
    if !caller.may_read() {
        return Err(ApiError::Forbidden);
    }
    if state.stop.is_cancelled() {
        return Err(ApiError::NotReady);
    }
    let guard = state.hub.join(&caller, peer.0, state.sockets)?;
    Ok((caller, guard))
}

/// The first frame.
pub fn hello(state: &AppState, guard: &ConnectionGuard) -> String {
    let hello = ServerFrame::Hello {
        connection: guard.connection,
        user: &guard.user,
        cursor: &guard.cursor,
        server_time: time::OffsetDateTime::now_utc(),
        build: env!("CARGO_PKG_VERSION"),
        online: state.hub.online(),
    };
    hello.to_text()
}
