//! How far imports of files have come.

use sqlx::{PgExecutor, PgPool};

/// The number of elements of the file with this digest that an interrupted import has stored or quarantined; `None` if there was none. Forgets imports
/// that were interrupted months ago.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn position(pool: &PgPool, digest: &[u8]) -> Result<Option<u64>, sqlx::Error> {
    sqlx::query!("delete from imports where advanced_at < now() - interval '60 days'").execute(pool).await?;
    let elements = sqlx::query_scalar!("select elements from imports where digest = $1", digest).fetch_optional(pool).await?;
    Ok(elements.map(i64::cast_unsigned))
}

/// Stores the number.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn advance(executor: impl PgExecutor<'_>, digest: &[u8], elements: u64) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into imports (digest, elements) values ($1, $2)
         on conflict on constraint imports_pkey do update set elements = excluded.elements, advanced_at = now()",
        digest,
        elements.cast_signed()
    )
    .execute(executor)
    .await?;
    Ok(())
}

/// Forgets an import that has ended.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn end(executor: impl PgExecutor<'_>, digest: &[u8]) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from imports where digest = $1", digest).execute(executor).await?;
    Ok(())
}
