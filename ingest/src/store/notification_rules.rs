//! Each user's custom rules. A user without a row has the default rule.

use sqlx::PgPool;
use sqlx::types::Json;

use crate::notify::rules::Rule;

/// Maximum number of users with custom rules. The audience of a single notification can list the ids of all of them.
const MAX_USERS_WITH_RULES: i64 = 200;

/// Key of the advisory lock that guards the limit. The value is arbitrary, but no other lock uses it.
const LOCK: i64 = 0x6d6c_7275_6c65;

/// A user's custom rules; `None` if the default rule applies.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn get(pool: &PgPool, user: i64) -> Result<Option<Vec<Rule>>, sqlx::Error> {
    let row = sqlx::query!(r#"select rules as "rules: Json<Vec<Rule>>" from notification_rules where user_id = $1"#, user);
    Ok(row.fetch_optional(pool).await?.map(|row| row.rules.0))
}

/// Replaces a user's custom rules. Returns false and stores nothing if too many other users have custom rules.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn set(pool: &PgPool, user: i64, rules: &[Rule]) -> Result<bool, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    // Otherwise, concurrent requests could exceed the limit.
    sqlx::query!("select pg_advisory_xact_lock($1)", LOCK).execute(&mut *transaction).await?;
    let stored = sqlx::query!(
        "insert into notification_rules (user_id, rules)
         select $1, $2 where (select count(*) from notification_rules where user_id <> $1) < $3
         on conflict (user_id) do update set rules = excluded.rules, changed_at = now()",
        user,
        Json(rules) as _,
        MAX_USERS_WITH_RULES
    );
    let is_stored = stored.execute(&mut *transaction).await?.rows_affected() > 0;
    transaction.commit().await?;
    Ok(is_stored)
}

/// Deletes a user's custom rules, so that the default rule applies again.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn reset(pool: &PgPool, user: i64) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from notification_rules where user_id = $1", user).execute(pool).await?;
    Ok(())
}
