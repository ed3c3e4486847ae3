//! Authentication with a session cookie or an API token.

use http::HeaderMap;
use http::header::AUTHORIZATION;
use sqlx::PgPool;
use sqlx::types::Json;

use crate::masking::{Addresses, RecipientIds};
use crate::origin::Origins;
use crate::session::caller::{Caller, Credential};
use crate::session::cookie::{cookie, cookie_name};
use crate::session::secret::Hash;
use crate::session::user::User;
use crate::visibility::Restriction;

/// Identifies the caller from the request's headers. Returns `None` if there is no valid credential.
///
/// Using a session extends it by eight hours, up to seven days after sign-in.
///
/// # Errors
/// When Postgres fails.
pub async fn authenticate(pool: &PgPool, headers: &HeaderMap, origins: &Origins) -> Result<Option<Caller>, sqlx::Error> {
    if let Some(token) = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(bearer_token) {
        return authenticate_token(pool, Hash::of(token)).await;
    }
    match cookie(headers, cookie_name(origins)) {
        Some(value) => authenticate_session(pool, Hash::of(value)).await,
        None => Ok(None),
    }
}

/// Identifies the caller again, in the middle of a long response. Returns `None` if the credential is no longer valid.
///
/// # Errors
/// When Postgres fails.
pub async fn authenticate_again(pool: &PgPool, credential: &Credential) -> Result<Option<Caller>, sqlx::Error> {
    match credential {
        Credential::Session(hash) => authenticate_session(pool, *hash).await,
        Credential::Token { hash, .. } => authenticate_token(pool, *hash).await,
    }
}

/// The token in an `Authorization` header. The name of the scheme has no case (RFC 9110, section 11.1).
fn bearer_token(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_start_matches(' '))
}

async fn authenticate_session(pool: &PgPool, hash: Hash) -> Result<Option<Caller>, sqlx::Error> {
    let row = sqlx::query!(
        r#"select users.id, users.email, users.role, users.restriction as "restriction: Json<Restriction>",
                  is_masked(users.role, users.addresses) as "is_masked!", (select key from recipient_id_key) as "key!",
                  sessions.last_seen_at < now() - interval '1 minute' as "stale!"
           from sessions join users on users.id = sessions.user_id
           where sessions.id_hash = $1 and sessions.expires_at > now()
             and sessions.last_seen_at > now() - interval '8 hours' and users.disabled_at is null"#,
        hash.as_slice()
    )
    .fetch_optional(pool)
    .await?;
    let Some(row) = row else { return Ok(None) };
    if row.stale {
        let touched = sqlx::query!(
            "with seen as (update sessions set last_seen_at = now() where id_hash = $1 returning user_id)
             update users set seen_at = now() from seen where users.id = seen.user_id",
            hash.as_slice()
        )
        .execute(pool)
        .await;
        log_untouched(touched.err());
    }
    let Ok(role) = row.role.parse() else { return Ok(None) };
    let (restriction, addresses) = (row.restriction.map(|restriction| restriction.0), Addresses::masked_if(row.is_masked));
    let user = User { id: row.id, email: row.email, role, restriction, addresses };
    Ok(Some(Caller { user, credential: Credential::Session(hash), recipient_ids: RecipientIds::new(&row.key) }))
}

async fn authenticate_token(pool: &PgPool, hash: Hash) -> Result<Option<Caller>, sqlx::Error> {
    let row = sqlx::query!(
        r#"select users.id, users.email, users.role, users.restriction as "restriction: Json<Restriction>", api_tokens.scopes,
                  api_tokens.id as token_id,
                  api_tokens.restriction as "of_token: Json<Restriction>",
                  api_tokens.addresses = 'masked' as "is_masked_for_token!", is_masked(users.role, users.addresses) as "is_masked!",
                  (select key from recipient_id_key) as "key!",
                  coalesce(api_tokens.last_used_at < now() - interval '1 minute', true) as "stale!"
           from api_tokens join users on users.id = api_tokens.user_id
           where api_tokens.token_hash = $1 and users.disabled_at is null"#,
        hash.as_slice()
    )
    .fetch_optional(pool)
    .await?;
    let Some(row) = row else { return Ok(None) };
    if row.stale {
        let touch = sqlx::query!("update api_tokens set last_used_at = now() where token_hash = $1", hash.as_slice());
        log_untouched(touch.execute(pool).await.err());
    }
    let Ok(role) = row.role.parse() else { return Ok(None) };
    let addresses = Addresses::masked_if(row.is_masked_for_token);
    let credential = Credential::Token {
        id: row.token_id,
        hash,
        scopes: row.scopes,
        restriction: row.of_token.map(|restriction| restriction.0),
        addresses,
    };
    let (restriction, addresses) = (row.restriction.map(|restriction| restriction.0), Addresses::masked_if(row.is_masked));
    let user = User { id: row.id, email: row.email, role, restriction, addresses };
    Ok(Some(Caller { user, credential, recipient_ids: RecipientIds::new(&row.key) }))
}

/// Reading goes on while Postgres takes no writes, so a time of last use that cannot be stored is no reason to refuse a request.
fn log_untouched(error: Option<sqlx::Error>) {
    if let Some(error) = error {
        tracing::debug!(%error, "the time of last use was not stored");
    }
}
