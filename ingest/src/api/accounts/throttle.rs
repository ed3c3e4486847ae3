//! Slows down guessing: tries to sign in are counted by account and by network, over all replicas, in windows of 15 minutes.
//!
//! A try is counted before its password is checked, and taken back when it was right: tries at the same time do not slip through.

use shared::serve::Peer;
use sqlx::PgPool;

/// Failures after which an account, or a network, waits for its window to end.
const MOST_FOR_ACCOUNT: i32 = 10;
const MOST_FOR_NETWORK: i32 = 50;

/// One try to sign in, counted.
pub(crate) struct Try<'a> {
    email: &'a str,
    network: String,
}

impl<'a> Try<'a> {
    /// Counts the try. Gives the seconds to wait if there were too many before it. Accounts are told apart as the look-up
    /// does, by Postgres' own folding, and named by a hash, so that the table lists no addresses.
    pub(crate) async fn count(pool: &PgPool, email: &'a str, peer: Peer) -> Result<Result<Self, u64>, sqlx::Error> {
        let network = peer.network().to_string();
        let seconds = sqlx::query_scalar!(
            r#"with counted as (
                 insert into sign_in_failures (subject, failures)
                 values ('account:' || encode(sha256(convert_to(lower($1), 'UTF8')), 'hex'), 1), ('network:' || $2, 1)
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
            MOST_FOR_ACCOUNT,
            MOST_FOR_NETWORK
        )
        .fetch_one(pool)
        .await?;
        Ok(match seconds {
            Some(seconds) => Err(u64::try_from(seconds).unwrap_or(1)),
            None => Ok(Self { email, network }),
        })
    }

    /// The password was right: forgets the account's failures, and this one try of the network.
    pub(crate) async fn was_right(self, pool: &PgPool) -> Result<(), sqlx::Error> {
        sqlx::query!(
            "update sign_in_failures set failures = case when subject like 'account:%' then 0 else failures - 1 end
             where subject in ('account:' || encode(sha256(convert_to(lower($1), 'UTF8')), 'hex'), 'network:' || $2)",
            self.email,
            self.network
        )
        .execute(pool)
        .await?;
        Ok(())
    }
}

/// Removes windows that have ended.
pub(crate) async fn sweep(pool: &PgPool) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from sign_in_failures where started_at < now() - interval '15 minutes'").execute(pool).await?;
    Ok(())
}
