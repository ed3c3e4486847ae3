//! Records who reads what, as far as `AUDIT_READS` says.

use serde_json::{Value, json};
use shared::session::{Caller, Credential};

use crate::audit::Read;
use crate::http::error::ApiError;
use crate::state::AppState;
use crate::store::accounts::audit;

/// Records that the caller reads something. Call it before it is shown, because what cannot be recorded must not be.
///
/// # Errors
/// When Postgres fails.
pub(crate) async fn record(state: &AppState, caller: &Caller, read: Read, mut detail: Value) -> Result<(), ApiError> {
    if !state.audit.audit_reads.includes(read) {
        return Ok(());
    }
    if let (Credential::Token { id, .. }, Some(fields)) = (&caller.credential, detail.as_object_mut()) {
        fields.insert("token".to_owned(), json!(id));
    }
    Ok(audit::record(&state.pool, caller.user.id, read.action(), detail).await?)
}

/// What the audit log tells of an address: an HMAC, from which only those with the key can tell the address. Null without `SECRET_KEY`.
pub(crate) fn hmac(state: &AppState, email: &str) -> Option<String> {
    state.secret_keys.first().map(|key| hex::encode(key.address(email)))
}
