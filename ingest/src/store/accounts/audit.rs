//! The audit log: who changed an account or erased personal data, and when.

use serde::Serialize;
use serde_json::Value;
use sqlx::{PgExecutor, PgPool};
use time::OffsetDateTime;
use utoipa::ToSchema;

/// An entry of the audit log.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditEntry {
    pub(crate) id: i64,
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    /// The user who performed the action. Null if the user no longer exists.
    user_email: Option<String>,
    action: String,
    /// The target of the action, and its parameters.
    #[schema(value_type = BTreeMap<String, Value>)]
    detail: Value,
}

/// Records an action by `user`. Call it in the same transaction as the change itself, so that neither exists without the other.
pub(crate) async fn record(executor: impl PgExecutor<'_>, user: i64, action: &str, detail: Value) -> Result<(), sqlx::Error> {
    sqlx::query!("insert into audit (user_id, action, detail) values ($1, $2, $3)", user, action, detail)
        .execute(executor)
        .await?;
    Ok(())
}

/// Reads up to `limit` entries with an id below `before`, newest first.
pub(crate) async fn list(pool: &PgPool, before: Option<i64>, limit: i64) -> Result<Vec<AuditEntry>, sqlx::Error> {
    sqlx::query_as!(
        AuditEntry,
        r#"select audit.id, at, users.email as "user_email?", action, detail
           from audit left join users on users.id = user_id
           where $1::bigint is null or audit.id < $1 order by audit.id desc limit $2"#,
        before,
        limit
    )
    .fetch_all(pool)
    .await
}
