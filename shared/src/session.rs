//! Who is asking: a session cookie or an API token, looked up in Postgres on every request.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::HeaderMap;
use http::header::{AUTHORIZATION, COOKIE};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use utoipa::ToSchema;

use crate::origin::Origins;

/// What a user may do. Admins may do all that viewers may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Sees events, and exchanges notifications.
    Viewer,
    /// Also simulates, manages users, and operates.
    Admin,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Viewer => "viewer",
            Self::Admin => "admin",
        })
    }
}

/// The text is no role.
#[derive(Debug, thiserror::Error)]
#[error("not one of `viewer`, `admin`")]
pub struct RoleError;

impl FromStr for Role {
    type Err = RoleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "viewer" => Ok(Self::Viewer),
            "admin" => Ok(Self::Admin),
            _ => Err(RoleError),
        }
    }
}

/// A person with an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct User {
    /// Row of `users`.
    pub id: i64,
    /// As it was typed when the account was made.
    pub email: String,
    /// What they may do.
    pub role: Role,
}

/// A user, and what vouches for them.
#[derive(Debug, Clone)]
pub struct Caller {
    /// On whose behalf.
    pub user: User,
    /// By what.
    pub credential: Credential,
}

/// What vouches for a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// A cookie from signing in, by its hash.
    Session(Hash),
    /// An API token, by its hash, with what it is good for.
    Token {
        /// Row of `api_tokens`.
        hash: Hash,
        /// `read`, `simulate`.
        scopes: Vec<String>,
    },
}

impl Credential {
    /// What the database knows it by.
    pub fn hash(&self) -> &Hash {
        match self {
            Self::Session(hash) | Self::Token { hash, .. } => hash,
        }
    }
}

impl Caller {
    /// True when the caller may read events: anybody signed in, or a token made for it.
    pub fn may_read(&self) -> bool {
        self.has_scope_or_session("read")
    }

    /// True when the caller may post events of their own making: an admin, or a token made for it.
    pub fn may_simulate(&self) -> bool {
        match &self.credential {
            Credential::Session(_) => self.user.role == Role::Admin,
            Credential::Token { .. } => self.has_scope_or_session("simulate"),
        }
    }

    /// True when the caller may see how the service runs: an admin, by a session or a token for reading.
    pub fn may_operate(&self) -> bool {
        self.user.role == Role::Admin && self.may_read()
    }

    /// True when the caller may manage accounts: an admin by a session. A token manages nobody, whoever made it.
    pub fn may_manage(&self) -> bool {
        self.user.role == Role::Admin && matches!(self.credential, Credential::Session(_))
    }

    fn has_scope_or_session(&self, scope: &str) -> bool {
        match &self.credential {
            Credential::Session(_) => true,
            Credential::Token { scopes, .. } => scopes.iter().any(|has| has == scope),
        }
    }
}

/// SHA-256 of a secret: all that the database keeps of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash([u8; 32]);

impl Hash {
    /// Of a cookie's or token's text.
    pub fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret).into())
    }

    /// From the database.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// For the database.
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }
}

/// A fresh secret of 256 bits for a cookie or token, in URL-safe text.
///
/// # Errors
/// When the system has no randomness to give.
pub fn new_secret() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

/// `__Host-sid` where every origin is https, else `sid`.
pub fn cookie_name(origins: &Origins) -> &'static str {
    if origins.all_secure() { "__Host-sid" } else { "sid" }
}

/// The cookie's value, if the request brings one.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .find_map(|pair| pair.trim().split_once('=').filter(|(key, _)| *key == name).map(|(_, value)| value))
}

/// Who sent these headers; none when they vouch for nobody.
///
/// Using a session keeps it alive for eight hours more, up to seven days after signing in.
///
/// # Errors
/// When Postgres fails.
pub async fn authenticate(pool: &PgPool, headers: &HeaderMap, origins: &Origins) -> Result<Option<Caller>, sqlx::Error> {
    let bearer = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| value.strip_prefix("Bearer "));
    if let Some(token) = bearer {
        return by_token(pool, Hash::of(token)).await;
    }
    match cookie(headers, cookie_name(origins)) {
        Some(value) => by_session(pool, Hash::of(value)).await,
        None => Ok(None),
    }
}

async fn by_session(pool: &PgPool, hash: Hash) -> Result<Option<Caller>, sqlx::Error> {
    let row = sqlx::query!(
        r#"select users.id, users.email, users.role,
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
        sqlx::query!(
            "with seen as (update sessions set last_seen_at = now() where id_hash = $1 returning user_id)
             update users set seen_at = now() from seen where users.id = seen.user_id",
            hash.as_slice()
        )
        .execute(pool)
        .await?;
    }
    let Ok(role) = row.role.parse() else { return Ok(None) };
    Ok(Some(Caller { user: User { id: row.id, email: row.email, role }, credential: Credential::Session(hash) }))
}

async fn by_token(pool: &PgPool, hash: Hash) -> Result<Option<Caller>, sqlx::Error> {
    let row = sqlx::query!(
        r#"select users.id, users.email, users.role, api_tokens.scopes,
                  coalesce(api_tokens.last_used_at < now() - interval '1 minute', true) as "stale!"
           from api_tokens join users on users.id = api_tokens.user_id
           where api_tokens.token_hash = $1 and users.disabled_at is null"#,
        hash.as_slice()
    )
    .fetch_optional(pool)
    .await?;
    let Some(row) = row else { return Ok(None) };
    if row.stale {
        sqlx::query!("update api_tokens set last_used_at = now() where token_hash = $1", hash.as_slice()).execute(pool).await?;
    }
    let Ok(role) = row.role.parse() else { return Ok(None) };
    let credential = Credential::Token { hash, scopes: row.scopes };
    Ok(Some(Caller { user: User { id: row.id, email: row.email, role }, credential }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, "theme=dark; sid=abc".parse().expect("a header"));
        headers.append(COOKIE, "other=1".parse().expect("a header"));
        assert_eq!(cookie(&headers, "sid"), Some("abc"));
        assert_eq!(cookie(&headers, "id"), None);
        assert_eq!(cookie(&headers, "__Host-sid"), None);
    }

    #[test]
    fn secrets_differ_and_are_long() {
        let (one, two) = (new_secret().expect("a secret"), new_secret().expect("a secret"));
        assert_ne!(one, two);
        assert_eq!(one.len(), 43);
    }
}
