//! `ingest user` and `ingest token`: people and tokens without a dashboard, as the first admin has none yet.

use std::io::Write;

use anyhow::{Context as _, bail};
use shared::session::{Hash, Role, new_secret};
use shared::{config, db};
use sqlx::PgPool;

use crate::api::accounts::email::is_email;
use crate::api::accounts::password;
use crate::config::{IfThere, Token, TokenCommand, User, UserCommand};
use crate::store::accounts::{tokens, users};

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
    if !password::has_valid_length(password) {
        bail!("a password has {} to {} characters", password::MIN_LENGTH, password::MAX_LENGTH);
    }
    let hash = password::hash(password.to_owned()).await?;
    let added = users::add_with_password(pool, email, &hash, role).await?;
    match if_there {
        _ if added => Ok(()),
        IfThere::Keep => Ok(()),
        IfThere::Fail => bail!("{email} is there already; --if-there replace gives them this role and password"),
        IfThere::Replace => replace_user(pool, email, role, password, &hash).await,
    }
}

/// Whoever knew the old password is signed out; where nothing changes, nobody is.
async fn replace_user(pool: &PgPool, email: &str, role: Role, password: &str, hash: &str) -> anyhow::Result<()> {
    let mut transaction = pool.begin().await?;
    let user = users::lock_by_email(&mut transaction, email).await?;
    let same = user.role == role.to_string() && user.disabled_at.is_none();
    if same && password::matches(password.to_owned(), user.password_hash).await? {
        return Ok(());
    }
    users::replace(&mut transaction, user.id, hash, role).await?;
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
    if !tokens::add_for_email(&pool, user, &Hash::of(&secret), name, scopes).await? {
        bail!("nobody has the address {user}");
    }
    writeln!(std::io::stdout(), "{secret}")?;
    Ok(())
}

fn connect(config: &config::Database) -> anyhow::Result<PgPool> {
    db::pool(config, "ingest-command", db::Purpose::Work).context("the database")
}
