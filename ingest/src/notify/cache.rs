//! Everybody's rules as the writers use them: read from Postgres, and used for two seconds.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use sqlx::PgPool;
use tokio::sync::Mutex;

use crate::notify::rules::{Rule, Rules};

/// So long does a change need at most to reach other replicas.
const FRESH: Duration = Duration::from_secs(2);

/// The rules in use.
#[derive(Debug, Default)]
pub(crate) struct InUse(Mutex<Option<(Instant, Arc<Rules>)>>);

impl InUse {
    /// Everybody's rules, at most two seconds old.
    ///
    /// # Errors
    /// When Postgres is away.
    pub(crate) async fn get(&self, pool: &PgPool) -> Result<Arc<Rules>, sqlx::Error> {
        let mut in_use = self.0.lock().await;
        if let Some((read_at, rules)) = &*in_use
            && read_at.elapsed() < FRESH
        {
            return Ok(Arc::clone(rules));
        }
        let read_at = Instant::now();
        let own = sqlx::query!(
            "select user_id, rules from notification_rules join users on users.id = user_id where disabled_at is null"
        );
        let own = own.fetch_all(pool).await?.into_iter().map(|row| (row.user_id, understood(row.user_id, row.rules))).collect();
        let rules = Arc::new(Rules::new(own));
        *in_use = Some((read_at, Arc::clone(&rules)));
        Ok(rules)
    }

    /// Has them read again: they were changed here.
    pub(crate) async fn forget(&self) {
        *self.0.lock().await = None;
    }
}

/// Those that this version knows: one that a newer version has written must not stop deliveries.
fn understood(user: i64, rules: Value) -> Vec<Rule> {
    let Value::Array(rules) = rules else { return Vec::new() };
    let read = rules.into_iter().map(serde_json::from_value).collect::<Vec<_>>();
    if read.iter().any(Result::is_err) {
        tracing::warn!(user.id = user, "a rule of a newer version is left out");
    }
    read.into_iter().flatten().collect()
}
