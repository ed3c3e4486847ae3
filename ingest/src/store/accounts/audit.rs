//! The audit log: who changed an account, erased personal data or read what, and when.

use serde::Serialize;
use serde_json::{Value, json};
use sqlx::{PgConnection, PgExecutor, PgPool};
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::audit::Read;

/// Key of the advisory lock that lets one replica stream at a time. The value is arbitrary, but no other lock uses it.
const STREAM_LOCK: i64 = 0x6d6c_6175_6474;

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

/// Reads up to `limit` entries with an id below `before`, newest first. With `hmacs`, only those about an address with one of them.
pub(crate) async fn list(
    pool: &PgPool,
    hmacs: Option<&[String]>,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<AuditEntry>, sqlx::Error> {
    sqlx::query_as!(
        AuditEntry,
        r#"select audit.id, at, users.email as "user_email?", action, detail
           from audit left join users on users.id = user_id
           where ($1::bigint is null or audit.id < $1) and ($3::text[] is null or detail ->> 'hmac' = any($3))
           order by audit.id desc limit $2"#,
        before,
        limit,
        hmacs
    )
    .fetch_all(pool)
    .await
}

/// An entry as it is streamed.
#[derive(Clone, Serialize)]
pub(crate) struct UnstreamedEntry {
    pub(crate) id: i64,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) at: OffsetDateTime,
    user_id: Option<i64>,
    user_email: Option<String>,
    action: String,
    detail: Value,
}

impl UnstreamedEntry {
    /// The entry without its detail, which is too long for the destination.
    pub(crate) fn cut(&self) -> Self {
        Self { detail: json!({"cut": true}), ..self.clone() }
    }
}

/// Up to `limit` entries that are not streamed yet, oldest first; none while another replica streams. They are locked until the transaction ends.
pub(crate) async fn unstreamed(connection: &mut PgConnection, limit: i64) -> Result<Vec<UnstreamedEntry>, sqlx::Error> {
    let is_alone = sqlx::query_scalar!(r#"select pg_try_advisory_xact_lock($1) as "is_alone!""#, STREAM_LOCK);
    if !is_alone.fetch_one(&mut *connection).await? {
        return Ok(Vec::new());
    }
    sqlx::query_as!(
        UnstreamedEntry,
        r#"select audit.id, at, user_id, users.email as "user_email?", action, detail
           from audit left join users on users.id = user_id
           where streamed_at is null order by audit.id limit $1"#,
        limit
    )
    .fetch_all(connection)
    .await
}

/// Marks entries as streamed.
pub(crate) async fn mark_streamed(connection: &mut PgConnection, ids: &[i64]) -> Result<(), sqlx::Error> {
    sqlx::query!("update audit set streamed_at = now() where id = any($1)", ids).execute(connection).await?;
    Ok(())
}

/// Deletes entries about reading that are older than 400 days, because there can be very many.
pub(crate) async fn delete_old_reads(pool: &PgPool) -> Result<(), sqlx::Error> {
    let actions = Read::ALL.map(|read| read.action().to_owned());
    sqlx::query!("delete from audit where action = any($1) and at < now() - interval '400 days'", &actions).execute(pool).await?;
    Ok(())
}
