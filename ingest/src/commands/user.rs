//! `ingest user`: creates users without a dashboard, such as the first admin.

use std::io::Write;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand, ValueEnum};
use shared::config::{Database, Log, Secret};
use shared::db;
use shared::masking::Addresses;
use shared::session::{Grant, Role};
use sqlx::PgPool;

use crate::api::accounts::email::is_email;
use crate::api::accounts::password;
use crate::commands::sight::RestrictionArgs;
use crate::store::accounts::users;

/// Options for `ingest user`.
#[derive(Debug, Args)]
pub struct User {
    #[command(subcommand)]
    pub command: UserCommand,
    #[command(flatten)]
    pub database: Database,
    #[command(flatten)]
    pub log: Log,
}

#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Adds a user.
    Add {
        /// E-mail address to sign in with.
        email: String,
        /// Role: `viewer`, `operator` or `admin`.
        #[arg(long, default_value_t = Role::Viewer)]
        role: Role,
        /// Password of at least 10 characters. Prefer the environment variable: other users on the machine can see the command line.
        #[arg(long, env = "USER_PASSWORD", hide_env_values = true)]
        password: Secret,
        /// How to handle an existing user.
        #[arg(long, value_enum, default_value_t = IfExists::Fail)]
        if_there: IfExists,
        #[command(flatten)]
        restriction: RestrictionArgs,
        /// How the user sees addresses: `full`, or `masked` as `a•••@example.com`. By default as usual for the role.
        #[arg(long, value_parser = ["full", "masked"])]
        addresses: Option<String>,
    },
}

/// How to handle an existing user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum IfExists {
    /// Fail and change nothing.
    Fail,
    /// Keep the user unchanged.
    Keep,
    /// Set this role and password, and what the user sees if it is given, and enable the user. If anything changes, sign the user out.
    Replace,
}

/// Runs `ingest user …`.
///
/// # Errors
/// If Postgres fails, the address or password is invalid, or the user exists and `--if-there` is `fail`.
pub async fn run(config: &User) -> anyhow::Result<()> {
    let UserCommand::Add { email, role, password, if_there, restriction, addresses } = &config.command;
    let addresses = addresses.as_deref().map(|addresses| Addresses::masked_if(addresses == "masked"));
    let grant = Grant { role: *role, restriction: restriction.restriction()?, addresses };
    grant.check()?;
    let pool = db::pool(&config.database, "ingest-command", db::Purpose::Work).context("the database cannot be used")?;
    add_user(&pool, email.trim(), &grant, password, *if_there).await?;
    writeln!(std::io::stdout(), "{email} can sign in as {role}")?;
    Ok(())
}

async fn add_user(pool: &PgPool, email: &str, grant: &Grant, password: &Secret, if_there: IfExists) -> anyhow::Result<()> {
    let password = password.reveal();
    if !is_email(email) {
        bail!("`{email}` is not an email address");
    }
    if !password::has_valid_length(password) {
        bail!("the password must have {} to {} characters", password::MIN_LENGTH, password::MAX_LENGTH);
    }
    let hash = password::hash(password.to_owned()).await?;
    let added = users::add_with_password(pool, email, &hash, grant).await?;
    match if_there {
        _ if added => Ok(()),
        IfExists::Keep => Ok(()),
        IfExists::Fail => bail!("{email} already exists; use --if-there replace to set this role and password"),
        IfExists::Replace => replace_user(pool, email, grant, password, &hash).await,
    }
}

/// Sets the role, the password and what is seen, enables the user, and ends their sessions. If nothing changes, the sessions are kept.
async fn replace_user(pool: &PgPool, email: &str, grant: &Grant, password: &str, hash: &str) -> anyhow::Result<()> {
    let mut transaction = pool.begin().await?;
    let user = users::lock_by_email(&mut transaction, email).await?;
    let is_limited = grant.restriction.is_some() || grant.addresses.is_some();
    let same = user.role == grant.role.to_string() && user.disabled_at.is_none() && !is_limited;
    if same && password::matches(password.to_owned(), user.password_hash).await? {
        return Ok(());
    }
    users::replace(&mut transaction, user.id, hash, grant).await?;
    transaction.commit().await?;
    Ok(())
}
