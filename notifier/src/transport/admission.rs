//! Code shared by `/ws` and `/sse`: access control and the first frame.

use http::HeaderMap;
use shared::serve::Peer;
use shared::session::{self, Caller, Permission};

use crate::error::ApiError;
use crate::fanout::hub::ConnectionGuard;
use crate::fanout::protocol::ServerFrame;
use crate::state::AppState;

/// Authenticates the client and registers its connection.
///
/// # Errors
/// 401, 403, 429 or 503.
pub async fn admit(
    state: &AppState,
    headers: &HeaderMap,
    peer: Peer,
    origin_allowed: bool,
) -> Result<(Caller, ConnectionGuard), ApiError> {
    let caller = session::authenticate(&state.pool, headers, &state.origins).await?.ok_or(ApiError::SignedOut)?;
    if !origin_allowed {
        return Err(ApiError::ForeignOrigin);
    }
    if !caller.may(Permission::Read) {
        return Err(ApiError::Forbidden);
    }
    if state.stop.is_cancelled() {
        return Err(ApiError::NotReady);
    }
    let guard = state.hub.join(&caller, peer.0, state.limits)?;
    Ok((caller, guard))
}

/// The text of the first frame.
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
