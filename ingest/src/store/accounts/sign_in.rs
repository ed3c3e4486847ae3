//! Sign-in: the password hash of an email address, and the count of failed attempts.
//!
//! Attempts are counted per account and network, and per network, across all replicas, in windows of 15 minutes. A stranger therefore cannot
//! lock the owner of an account out, who signs in from another network.

use shared::session::User;
use sqlx::PgPool;

use crate::store::accounts::user_row;

/// A user and their password hash.
pub(crate) struct StoredCredentials {
    pub(crate) user: User,
    /// `None` for users who have not set a password.
    pub(crate) password_hash: Option<String>,
}

/// Number of attempts from a network in one window after which an account, or the whole network, must wait.
pub(crate) struct AttemptLimits {
    pub(crate) account: i32,
    pub(crate) network: i32,
}

/// Finds the credentials of the enabled user with this email address, ignoring case.
pub(crate) async fn find_credentials(pool: &PgPool, email: &str) -> Result<Option<StoredCredentials>, sqlx::Error> {
    let row = sqlx::query!("select id, password_hash from users where lower(email) = lower($1) and disabled_at is null", email);
    let Some(row) = row.fetch_optional(pool).await? else { return Ok(None) };
    Ok(Some(StoredCredentials { user: user_row::read(pool, row.id).await?, password_hash: row.password_hash }))
}

/// Counts an attempt as failed. Returns the number of seconds to wait if a limit had already been reached.
///
/// Postgres folds the case of the email address as in [`find_credentials`]. The table stores a hash, so it does not reveal the address.
pub(crate) async fn count_attempt(
    pool: &PgPool,
    email: &str,
    network: &str,
    limits: AttemptLimits,
) -> Result<Option<u64>, sqlx::Error> {
    let seconds = sqlx::query_scalar!(
        r#"with counted as (
                 insert into sign_in_failures (subject, failures)
                 values ('account:' || encode(sha256(convert_to(lower($1), 'UTF8')), 'hex') || '@' || $2, 1), ('network:' || $2, 1)
                 on conflict on constraint sign_in_failures_pkey do update set
                   failures = case when sign_in_failures.started_at > now() - interval '15 minutes'
                              then sign_in_failures.failures + 1 else 1 end,
                   started_at = case when sign_in_failures.started_at > now() - interval '15 minutes'
                                then sign_in_failures.started_at else now() end
                 returning subject, failures, started_at
               )
               select ceil(extract(epoch from max(started_at) + interval '15 minutes' - now()))::bigint from counted
               where failures > case when subject like 'account:%' then $3::int else $4 end"#,
        email,
        network,
        limits.account,
        limits.network
    )
    .fetch_one(pool)
    .await?;
    Ok(seconds.map(|seconds| u64::try_from(seconds).unwrap_or(1)))
}

/// Resets the account's count after a successful attempt, and subtracts the attempt from the network's count.
pub(crate) async fn clear_attempt(pool: &PgPool, email: &str, network: &str) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update sign_in_failures set failures = case when subject like 'account:%' then 0 else failures - 1 end
             where subject in ('account:' || encode(sha256(convert_to(lower($1), 'UTF8')), 'hex') || '@' || $2, 'network:' || $2)",
        email,
        network
    )
    .execute(pool)
    .await?;
    Ok(())
}
