//! `ingest user` and `ingest token`: people and tokens without a dashboard, as the first admin has none yet.

use std::io::Write;

use anyhow::{Context as _, bail};
use shared::session::{Hash, Role, new_secret};
use shared::{config, db};
use sqlx::PgPool;

use crate::api::accounts::password;
use crate::api::accounts::users::is_email;
use crate::config::{IfThere, Token, TokenCommand, User, UserCommand};

/// `ingest user …`.
///
/// # Errors
/// When Postgres fails, or the person cannot be added as asked.
pub async fn run_user(config: &User) -> anyhow::Result<()> {
    let UserCommand::Add { email, role, password, if_there } = &config.command;
    let pool = connect(&config.database)?;
    add_user(&pool, email.trim(), *role, password, *if_there).await?;
    writeln!(std::io::stdout(), "{email} can sign in as {role}")?;
    Ok(())
}

async fn add_user(pool: &PgPool, email: &str, role: Role, password: &config::Secret, if_there: IfThere) -> anyhow::Result<()> {
    let password = password.reveal();
    if !is_email(email) {
        bail!("`{email}` is no e-mail address");
    }
    if !password::is_taken(password) {
        bail!("a password has {} to {} characters", password::SHORTEST, password::LONGEST);
    }
    let role = role.to_string();
    let hash = password::hash(password.to_owned()).await?;
    let added = sqlx::query!(
        "insert into users (email, password_hash, role, read_up_to)
         select $1, $2, $3, coalesce(max(id), 0) from notifications on conflict (lower(email)) do nothing",
        email,
        hash,
        role
    )
    .execute(pool)
    .await?;
    match if_there {
        _ if added.rows_affected() == 1 => Ok(()),
        IfThere::Keep => Ok(()),
        IfThere::Fail => bail!("{email} is there already; --if-there replace gives them this role and password"),
        IfThere::Replace => replace_user(pool, email, &role, password, hash).await,
    }
}

/// Whoever knew the old password is signed out; where nothing changes, nobody is.
async fn replace_user(pool: &PgPool, email: &str, role: &str, password: &str, hash: String) -> anyhow::Result<()> {
    let mut transaction = pool.begin().await?;
    let user =
        sqlx::query!("select id, role, password_hash, disabled_at from users where lower(email) = lower($1) for update", email)
            .fetch_one(&mut *transaction)
            .await?;
    let same = user.role == role && user.disabled_at.is_none();
    if same && password::verify(password.to_owned(), user.password_hash).await? {
        return Ok(());
    }
    sqlx::query!("update users set password_hash = $2, role = $3, disabled_at = null where id = $1", user.id, hash, role)
        .execute(&mut *transaction)
        .await?;
    sqlx::query!("delete from sessions where user_id = $1", user.id).execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(())
}

/// `ingest token …`.
///
/// # Errors
/// When Postgres fails, or nobody has that address.
pub async fn run_token(config: &Token) -> anyhow::Result<()> {
    let TokenCommand::Add { name, user, scopes } = &config.command;
    let pool = connect(&config.database)?;
    let secret = new_secret().map_err(|_| anyhow::anyhow!("the system has no randomness to give"))?;
    let hash = Hash::of(&secret);
    let added = sqlx::query!(
        "insert into api_tokens (token_hash, name, user_id, scopes)
         select $1, $2, id, $4 from users where lower(email) = lower($3) and disabled_at is null",
        hash.as_slice(),
        name,
        user,
        scopes
    )
    .execute(&pool)
    .await?;
    if added.rows_affected() == 0 {
        bail!("nobody has the address {user}");
    }
    writeln!(std::io::stdout(), "{secret}")?;
    Ok(())
}

fn connect(config: &config::Database) -> anyhow::Result<PgPool> {
    db::pool(config, "ingest-command", db::Purpose::Work).context("the database")
}
