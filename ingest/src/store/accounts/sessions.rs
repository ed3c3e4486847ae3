//! Sessions of signed-in users. They end seven days after sign-in, or after eight hours without a request.

use serde::Serialize;
use serde_json::json;
use shared::session::Hash;
use sqlx::PgPool;
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::store::accounts::audit;

/// A session.
#[derive(Serialize, ToSchema)]
pub(crate) struct Session {
    id: i64,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// Accurate to the minute.
    #[serde(with = "time::serde::rfc3339")]
    last_seen_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
    user_agent: Option<String>,
    /// True for the session that sent the request.
    current: bool,
}

/// Stores a new session and marks its user as seen.
pub(crate) async fn insert(pool: &PgPool, session: &Hash, user: i64, user_agent: Option<&str>) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "with begun as (
           insert into sessions (id_hash, user_id, expires_at, user_agent)
           values ($1, $2, now() + interval '7 days', $3) returning user_id
         )
         update users set seen_at = now() from begun where users.id = begun.user_id",
        session.as_slice(),
        user,
        user_agent
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Lists a user's valid sessions, most recently used first.
pub(crate) async fn list(pool: &PgPool, user: i64, current: &Hash) -> Result<Vec<Session>, sqlx::Error> {
    sqlx::query_as!(
        Session,
        r#"select id, created_at, last_seen_at, expires_at, user_agent, id_hash = $2 as "current!" from sessions
           where user_id = $1 and expires_at > now() and last_seen_at > now() - interval '8 hours'
           order by last_seen_at desc, id desc limit 1000"#,
        user,
        current.as_slice()
    )
    .fetch_all(pool)
    .await
}

/// Ends the session with this hash.
pub(crate) async fn delete(pool: &PgPool, session: &Hash) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from sessions where id_hash = $1", session.as_slice()).execute(pool).await?;
    Ok(())
}

/// Ends a session of `user`, or any session if `of_any_user`. Returns false if no such session exists.
pub(crate) async fn delete_by_id(pool: &PgPool, id: i64, user: i64, of_any_user: bool) -> Result<bool, sqlx::Error> {
    let deleted = sqlx::query!("delete from sessions where id = $1 and (user_id = $2 or $3)", id, user, of_any_user);
    Ok(deleted.execute(pool).await?.rows_affected() > 0)
}

/// Ends all sessions of `user` except `current`, on behalf of `actor`. Returns the number of ended sessions.
pub(crate) async fn delete_others(pool: &PgPool, actor: i64, user: i64, current: &Hash) -> Result<u64, sqlx::Error> {
    let deleted = sqlx::query!("delete from sessions where user_id = $1 and id_hash <> $2", user, current.as_slice());
    let count = deleted.execute(pool).await?.rows_affected();
    audit::record(pool, actor, "sessions_ended", json!({"user": user, "count": count})).await?;
    Ok(count)
}
