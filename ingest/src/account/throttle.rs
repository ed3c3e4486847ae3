//! Slows down guessing: failed sign-ins are counted by account and by network, over all replicas, in windows of 15 minutes.

use shared::serve::Peer;
use shared::session::Hash;
use sqlx::PgPool;

/// Failures after which an account, or a network, waits for its window to end.
const MOST_FOR_ACCOUNT: i32 = 10;
const MOST_FOR_NETWORK: i32 = 50;

/// The two counters that one sign-in touches. The account's is named by a hash, so that the table lists no addresses.
pub(super) struct Subjects([String; 2]);

impl Subjects {
    pub(super) fn new(email: &str, peer: Peer) -> Self {
        let account: String = Hash::of(&email.to_lowercase()).as_slice().iter().map(|byte| format!("{byte:02x}")).collect();
        Self([format!("account:{account}"), format!("network:{}", peer.network())])
    }

    /// Seconds to wait before another try is looked at; none when it may be made now.
    pub(super) async fn wait(&self, pool: &PgPool) -> Result<Option<u64>, sqlx::Error> {
        let seconds = sqlx::query_scalar!(
            r#"select ceil(extract(epoch from max(started_at) + interval '15 minutes' - now()))::bigint
               from sign_in_failures
               where started_at > now() - interval '15 minutes'
                 and ((subject = $1 and failures >= $3) or (subject = $2 and failures >= $4))"#,
            self.0[0],
            self.0[1],
            MOST_FOR_ACCOUNT,
            MOST_FOR_NETWORK
        )
        .fetch_one(pool)
        .await?;
        Ok(seconds.and_then(|seconds| u64::try_from(seconds).ok()))
    }

    /// Counts a try before its password is checked, so that tries at the same time do not slip through.
    pub(super) async fn count(&self, pool: &PgPool) -> Result<(), sqlx::Error> {
        sqlx::query!(
            "insert into sign_in_failures (subject, failures) select subject, 1 from unnest($1::text[]) as t (subject) order by 1
             on conflict on constraint sign_in_failures_pkey do update set
               failures = case when sign_in_failures.started_at > now() - interval '15 minutes'
                          then sign_in_failures.failures + 1 else 1 end,
               started_at = case when sign_in_failures.started_at > now() - interval '15 minutes'
                            then sign_in_failures.started_at else now() end",
            &self.0[..]
        )
        .execute(pool)
        .await?;
        Ok(())
    }

    /// Forgets the account's failures and this one try of the network, after a sign-in that worked.
    pub(super) async fn clear(&self, pool: &PgPool) -> Result<(), sqlx::Error> {
        sqlx::query!("delete from sign_in_failures where subject = $1", self.0[0]).execute(pool).await?;
        sqlx::query!("update sign_in_failures set failures = failures - 1 where subject = $1", self.0[1]).execute(pool).await?;
        Ok(())
    }
}

/// Removes windows that have ended.
pub(super) async fn sweep(pool: &PgPool) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from sign_in_failures where started_at < now() - interval '15 minutes'").execute(pool).await?;
    Ok(())
}
