//! Whose session has ended: looked up for all sockets in one query, every two seconds and when somebody says so.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use shared::session::{Hash, Role};
use sqlx::PgPool;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::fanout::hub::Hub;

const EVERY: Duration = Duration::from_secs(2);

/// Ends sockets whose session or token is gone, until `stop`. An open socket keeps its session from idling out.
pub async fn watch(hub: Arc<Hub>, pool: PgPool, changed: Arc<Notify>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = changed.notified() => {}
            () = tokio::time::sleep(EVERY) => {}
        }
        let held = hub.credentials();
        if held.is_empty() {
            continue;
        }
        match valid(&pool, &held).await {
            Ok(valid) => hub.close_invalid(&held, &valid),
            Err(error) => tracing::warn!(%error, "sessions could not be checked; sockets stay until they can"),
        }
    }
}

async fn valid(pool: &PgPool, held: &HashSet<Hash>) -> Result<HashMap<Hash, Role>, sqlx::Error> {
    let hashes: Vec<&[u8]> = held.iter().map(Hash::as_slice).collect();
    let rows = sqlx::query!(
        r#"select id_hash as "hash!", role as "role!" from sessions join users on users.id = user_id
           where id_hash = any($1) and expires_at > now() and last_seen_at > now() - interval '8 hours' and disabled_at is null
           union all
           select token_hash, role from api_tokens join users on users.id = user_id
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
    Ok(rows.into_iter().filter_map(|row| Some((Hash::from_slice(&row.hash)?, row.role.parse().ok()?))).collect())
}
