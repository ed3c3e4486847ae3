//! The role of the services, which may read and write rows but not change tables, and the owner of the tables.

use shared::config::Secret;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};

/// The advisory lock held while the role is prepared: concurrent grants on a table fail.
const LOCK: i64 = 0x6d6c_726f_6c65;

/// What the role of the services is called, and its password.
#[derive(Debug)]
pub(crate) struct ServiceRole {
    pub(crate) name: String,
    /// Empty if it signs in without one.
    pub(crate) password: Secret,
}

/// Why the role could not be prepared.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServiceRoleError {
    #[error("the role of DATABASE_URL does not exist, and that of DATABASE_OWNER_URL may not create it")]
    MayNotCreate(#[source] sqlx::Error),
    #[error("Postgres rejects the password in DATABASE_URL, and the role of DATABASE_OWNER_URL may not change it")]
    MayNotChange(#[source] sqlx::Error),
    #[error(transparent)]
    Postgres(#[from] sqlx::Error),
}

/// Creates the role if it does not exist, and lets it read and write every table, those of later versions as well. With `replace_password`, an
/// existing role gets the password.
///
/// # Errors
/// Returns an error if Postgres fails or does not allow it. Nothing is changed in that case.
pub(crate) async fn prepare(owner: &PgPool, role: &ServiceRole, replace_password: bool) -> Result<(), ServiceRoleError> {
    let mut connection = owner.acquire().await?;
    let mut transaction = connection.begin().await?;
    sqlx::query!("select pg_advisory_xact_lock($1)", LOCK).execute(&mut *transaction).await?;
    let exists = sqlx::query_scalar!(r#"select exists (select from pg_roles where rolname = $1) as "exists!""#, role.name);
    if !exists.fetch_one(&mut *transaction).await? {
        set_login(&mut transaction, "create", role).await.map_err(ServiceRoleError::MayNotCreate)?;
        tracing::info!("created the role of the services");
    } else if replace_password {
        set_login(&mut transaction, "alter", role).await.map_err(ServiceRoleError::MayNotChange)?;
        tracing::info!("changed the password of the role of the services");
    }
    grant(&mut transaction, &role.name).await?;
    transaction.commit().await?;
    Ok(())
}

/// Returns whether the role of these connections may change the tables.
///
/// # Errors
/// Returns an error if Postgres fails or the schema is missing.
pub(crate) async fn owns_tables(pool: &PgPool) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select pg_has_role(current_user, relowner, 'usage') as "owns!" from pg_class where oid = 'events'::regclass"#
    )
    .fetch_one(pool)
    .await
}

/// Returns whether the role of these connections is a superuser.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn is_superuser(pool: &PgPool) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(r#"select rolsuper as "is_superuser!" from pg_roles where rolname = current_user"#).fetch_one(pool).await
}

async fn set_login(connection: &mut PgConnection, verb: &str, role: &ServiceRole) -> Result<(), sqlx::Error> {
    // Only the hash reaches Postgres and, if it logs statements, its log.
    let password = role.password.reveal().as_bytes();
    let hash = (!password.is_empty()).then(|| postgres_protocol::password::scram_sha_256(password));
    let statement = sqlx::query_scalar!(
        r#"select format('%s role %I login', $1::text, $2::text) || coalesce(format(' password %L', $3::text), '') as "statement!""#,
        verb,
        role.name,
        hash
    );
    let statement = statement.fetch_one(&mut *connection).await?;
    sqlx::query(AssertSqlSafe(statement)).execute(connection).await?;
    Ok(())
}

/// Grants what the services need, and nothing that changes tables. sqlx's own table can only be read.
async fn grant(connection: &mut PgConnection, role: &str) -> Result<(), sqlx::Error> {
    let statements = sqlx::query_scalar!(
        r#"with relations as (
             select relname = '_sqlx_migrations' as is_log, string_agg(oid::regclass::text, ', ') as names from pg_class
             where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p', 'v', 'm')
               and pg_has_role(current_user, relowner, 'usage')
             group by 1
           )
           select format('grant %s on table %s to %I',
                         case when is_log then 'select' else 'select, insert, update, delete' end, names, $1::text) as "statement!"
           from relations
           union all
             select format('grant usage on sequence %s to %I', string_agg(oid::regclass::text, ', '), $1) from pg_class
             where relnamespace = current_schema()::regnamespace and relkind = 'S' and pg_has_role(current_user, relowner, 'usage')
           union all select format('grant usage on schema %I to %I', current_schema(), $1)
           union all select format('grant execute on function %s to %I', string_agg(oid::regprocedure::text, ', '), $1) from pg_proc
             where pronamespace = current_schema()::regnamespace and prosecdef and pg_has_role(current_user, proowner, 'usage')
           union all select format(
             'alter default privileges in schema %I grant select, insert, update, delete on tables to %I', current_schema(), $1)"#,
        role
    );
    for statement in statements.fetch_all(&mut *connection).await? {
        sqlx::query(AssertSqlSafe(statement)).execute(&mut *connection).await?;
    }
    Ok(())
}
