//! Closes connections whose session or token is no longer valid. A single query checks all of them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use shared::session::Hash;
use shared::visibility::{Restriction, Visibility};
use sqlx::PgPool;
use sqlx::types::Json;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::fanout::connections::Access;
use crate::fanout::hub::Hub;

/// The interval between checks when nothing has changed.
const INTERVAL: Duration = Duration::from_secs(2);

/// Checks the sessions and tokens of open connections until `stop`: every two seconds, and whenever `changed` is notified.
///
/// An open connection keeps its session from expiring due to inactivity.
pub async fn watch(hub: Arc<Hub>, pool: PgPool, changed: Arc<Notify>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = changed.notified() => {}
            () = tokio::time::sleep(INTERVAL) => {}
        }
        let credentials = hub.credentials();
        if credentials.is_empty() {
            continue;
        }
        match valid(&pool, &credentials).await {
            Ok(valid) => hub.close_invalid(&credentials, &valid),
            Err(error) => tracing::warn!(%error, "sessions could not be checked; connections stay open until the next check"),
        }
    }
}

/// Checks that sessions can be read.
///
/// # Errors
/// Returns an error if Postgres is unavailable or has no schema.
pub async fn check_readable(pool: &PgPool) -> Result<(), sqlx::Error> {
    sqlx::query!("select count(*) from sessions where false").fetch_one(pool).await.map(drop)
}

/// The credentials that are still valid, with what they allow at present.
async fn valid(pool: &PgPool, credentials: &HashSet<Hash>) -> Result<HashMap<Hash, Access>, sqlx::Error> {
    let hashes: Vec<&[u8]> = credentials.iter().map(Hash::as_slice).collect();
    let rows = sqlx::query!(
        r#"select id_hash as "hash!", role as "role!", restriction as "user: Json<Restriction>", null::jsonb as "token: Json<Restriction>",
                  is_masked(role, addresses) as "is_masked!"
           from sessions join users on users.id = user_id
           where id_hash = any($1) and expires_at > now() and last_seen_at > now() - interval '8 hours' and disabled_at is null
           union all
           select token_hash, role, users.restriction, api_tokens.restriction,
                  api_tokens.addresses = 'masked' or is_masked(role, users.addresses)
           from api_tokens join users on users.id = user_id
           where token_hash = any($1) and disabled_at is null"#,
        &hashes as &[&[u8]]
    )
    .fetch_all(pool)
    .await?;
    sqlx::query!(
        "update sessions set last_seen_at = now() where id_hash = any($1) and last_seen_at < now() - interval '1 minute'
           and last_seen_at > now() - interval '8 hours'",
        &hashes as &[&[u8]]
    )
    .execute(pool)
    .await?;
    let plain = |restriction: Option<Json<Restriction>>| restriction.map(|Json(restriction)| restriction);
    let valid = rows.into_iter().filter_map(|row| {
        let visibility = Visibility::new(plain(row.user), plain(row.token));
        Some((Hash::from_slice(&row.hash)?, Access { role: row.role.parse().ok()?, visibility, is_masked: row.is_masked }))
    });
    Ok(valid.collect())
}
