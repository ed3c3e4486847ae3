//! All users' rules, as seen by the writers; cached for two seconds.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use sqlx::PgPool;
use tokio::sync::Mutex;

use super::rules::{Rule, Rules};

/// Maximum delay before a change reaches other replicas.
const MAX_AGE: Duration = Duration::from_secs(2);

/// A cache of all users' rules.
#[derive(Debug)]
pub(crate) struct RuleCache {
    cached: Mutex<Option<Cached>>,
    /// Number of changes made through this process. These take effect immediately.
    changes: Arc<AtomicU64>,
}

#[derive(Debug)]
struct Cached {
    read_at: Instant,
    /// The value of `changes` just before the rules were read.
    changes: u64,
    rules: Arc<Rules>,
}

impl RuleCache {
    /// Creates an empty cache. `changes` counts the rule changes made in this process.
    pub(crate) fn new(changes: Arc<AtomicU64>) -> Self {
        Self { cached: Mutex::default(), changes }
    }

    /// Returns all users' rules. The result is at most two seconds old.
    ///
    /// # Errors
    /// When Postgres is unavailable.
    pub(crate) async fn get(&self, pool: &PgPool) -> Result<Arc<Rules>, sqlx::Error> {
        let mut cached = self.cached.lock().await;
        let changes = self.changes.load(Ordering::Acquire);
        if let Some(cached) = &*cached
            && cached.read_at.elapsed() < MAX_AGE
            && cached.changes == changes
        {
            return Ok(Arc::clone(&cached.rules));
        }
        let read_at = Instant::now();
        let rules = read(pool).await?;
        *cached = Some(Cached { read_at, changes, rules: Arc::clone(&rules) });
        Ok(rules)
    }
}

/// Reads all users' rules from Postgres.
///
/// # Errors
/// When Postgres is unavailable.
pub(crate) async fn read(pool: &PgPool) -> Result<Arc<Rules>, sqlx::Error> {
    // A rule that names an address would tell a user who sees none of it.
    let rows = sqlx::query!(
        r#"select user_id, case when not is_masked(role, addresses) then rules else
                    (select coalesce(jsonb_agg(rule), '[]') from jsonb_array_elements(rules) as rule where rule ->> 'recipient' is null)
                  end as "rules!"
           from notification_rules join users on users.id = user_id where disabled_at is null"#
    );
    let by_user = rows.fetch_all(pool).await?.into_iter().map(|row| (row.user_id, known(row.user_id, row.rules))).collect();
    Ok(Arc::new(Rules::new(by_user)))
}

/// Returns the rules that this version can parse. A rule written by a newer version must not block deliveries.
fn known(user: i64, rules: Value) -> Vec<Rule> {
    let Value::Array(rules) = rules else { return Vec::new() };
    let parsed = rules.into_iter().map(serde_json::from_value).collect::<Vec<_>>();
    if parsed.iter().any(Result::is_err) {
        tracing::warn!(user.id = user, "ignored a notification rule written by a newer version");
    }
    parsed.into_iter().flatten().collect()
}
