//! People and tokens: the commands that make them, and the list to choose a recipient from.

use std::io::Write;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use http::HeaderMap;
use serde::Serialize;
use shared::session::{Hash, Role, new_secret};
use shared::{config, db};
use sqlx::PgPool;
use warp::reply::{Reply, Response};

use super::{password, session};
use crate::app::Context;
use crate::config::{Token, TokenCommand, User, UserCommand};
use crate::error::ApiError;
use crate::read::List;

#[derive(Serialize)]
struct Person {
    id: i64,
    email: String,
    role: String,
}

/// `GET /api/users`: who can be written to, by address.
///
/// # Errors
/// 401 when signed out.
pub async fn list(context: Arc<Context>, headers: HeaderMap) -> Result<Response, ApiError> {
    session::reader(&context, &headers).await?;
    let items =
        sqlx::query_as!(Person, "select id, email, role from users where disabled_at is null order by lower(email) limit 1000")
            .fetch_all(&context.pool)
            .await?;
    Ok(warp::reply::json(&List { items, next: None }).into_response())
}

/// `ingest user …`.
///
/// # Errors
/// When Postgres fails, or the person cannot be added as asked.
pub async fn run_user(config: &User) -> anyhow::Result<()> {
    let UserCommand::Add { email, role, password, replace } = &config.command;
    let pool = connect(&config.database)?;
    add_user(&pool, email.trim(), *role, password, *replace).await?;
    writeln!(std::io::stdout(), "{email} can sign in as {role}")?;
    Ok(())
}

async fn add_user(pool: &PgPool, email: &str, role: Role, password: &config::Secret, replace: bool) -> anyhow::Result<()> {
    let password = password.reveal();
    if !email.contains('@') || email.contains(char::is_whitespace) || email.len() > 320 {
        bail!("`{email}` is no e-mail address");
    }
    if password.chars().count() < password::SHORTEST || password.len() > password::LONGEST {
        bail!("a password has {} to {} characters", password::SHORTEST, password::LONGEST);
    }
    let hash = password::hash(password.to_owned()).await?;
    let role = role.to_string();
    let mut transaction = pool.begin().await?;
    let replaced = if replace {
        sqlx::query_scalar!(
            "update users set password_hash = $2, role = $3, disabled_at = null where lower(email) = lower($1) returning id",
            email,
            hash,
            role
        )
        .fetch_optional(&mut *transaction)
        .await?
    } else {
        None
    };
    if let Some(id) = replaced {
        // Whoever knew the old password is signed out.
        sqlx::query!("delete from sessions where user_id = $1", id).execute(&mut *transaction).await?;
    } else {
        let added = sqlx::query!(
            "insert into users (email, password_hash, role) values ($1, $2, $3) on conflict (lower(email)) do nothing",
            email,
            hash,
            role
        )
        .execute(&mut *transaction)
        .await?;
        if added.rows_affected() == 0 {
            bail!("{email} is there already; --replace gives them this role and password");
        }
    }
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
    db::pool(config, "ingest-command").context("the database")
}
