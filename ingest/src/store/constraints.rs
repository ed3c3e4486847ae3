//! Validates constraints that a migration added as NOT VALID: they hold for new rows from then on, and checking the stored ones blocks nobody.

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;

/// A constraint that stored rows may violate.
struct Unvalidated {
    table: String,
    name: String,
}

/// Validates one constraint of one table. Returns false if there is none left.
///
/// # Errors
/// Returns an error if Postgres fails, or a row violates the constraint. A later call tries again.
pub(crate) async fn validate_next(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    // Partitions first: validating the constraint of the parent then has nothing left to read.
    let next = sqlx::query_as!(
        Unvalidated,
        r#"select conrelid::regclass::text as "table!", quote_ident(conname) as "name!"
           from pg_constraint join pg_class on pg_class.oid = conrelid
           where not convalidated and contype in ('c', 'f') and connamespace = current_schema()::regnamespace
             and pg_has_role(current_user, relowner, 'usage')
           order by relkind = 'p', conrelid::regclass::text, conname limit 1"#
    );
    let Some(Unvalidated { table, name }) = next.fetch_optional(&mut *connection).await? else { return Ok(false) };
    // The names come from the catalog, quoted.
    let validate = format!("alter table {table} validate constraint {name}");
    sqlx::query(AssertSqlSafe(validate)).execute(&mut *connection).await?;
    tracing::info!(table, constraint = name, "validated a constraint");
    Ok(true)
}
