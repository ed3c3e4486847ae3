//! Users: the user directory, and account management by admins.

use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::masking::Addresses;
use shared::session::{Caller, Grant, GrantError, Hash, Role};
use shared::visibility::Restriction;
use sqlx::types::Json;
use sqlx::{PgConnection, PgExecutor, PgPool};
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::store::accounts::{audit, invitations, user_row};

/// A user as other users see them.
#[derive(Serialize, ToSchema)]
pub(crate) struct Person {
    id: i64,
    email: String,
    #[schema(value_type = Role)]
    role: String,
}

/// A user as admins see them.
#[derive(Serialize, ToSchema)]
pub(crate) struct Account {
    id: i64,
    email: String,
    #[schema(value_type = Role)]
    role: String,
    /// The events that the user is limited to. Null if the user may see all events.
    #[schema(value_type = Option<Restriction>)]
    restriction: Option<Json<Restriction>>,
    /// How the user sees addresses. Null for what is usual for the role.
    #[schema(value_type = Option<Addresses>)]
    addresses: Option<String>,
    /// True if the user is not allowed to sign in.
    disabled: bool,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// Accurate to the minute.
    #[serde(with = "time::serde::rfc3339::option")]
    last_seen_at: Option<OffsetDateTime>,
    /// False until the user has set a password through an invitation.
    has_password: bool,
    /// When the user's invitation expires. Null if there is no valid invitation.
    #[serde(with = "time::serde::rfc3339::option")]
    invited_until: Option<OffsetDateTime>,
}

/// Changes to an account. Omitted fields are left unchanged.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ChangeUser)]
pub(crate) struct AccountChange {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<Role>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled: Option<bool>,
    /// The events that the user is limited to; null for all events. Only viewers can be limited.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Restriction>, required = false)]
    pub(crate) restriction: Option<Option<Restriction>>,
    /// How the user sees addresses; null for what is usual for the role. Admins always see them.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Addresses>, required = false)]
    addresses: Option<Option<Addresses>>,
}

/// Tells null from a missing field.
pub(super) fn present<'de, T: Deserialize<'de>, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// The outcome of [`change`].
pub(crate) enum ChangeOutcome {
    Changed(Box<Account>),
    NotFound,
    /// The change would leave no enabled admin.
    LastAdmin,
    /// The change would leave a role with a limit that it cannot have.
    NotPossible(GrantError),
}

/// A user whose row is locked until the transaction ends.
pub(crate) struct LockedUser {
    pub(crate) id: i64,
    pub(crate) role: String,
    pub(crate) password_hash: Option<String>,
    pub(crate) disabled_at: Option<OffsetDateTime>,
}

/// Lists the users who can sign in, ordered by email address. A caller who is limited to a part of all events does not learn who else is.
pub(crate) async fn list_people(pool: &PgPool, caller: &Caller) -> Result<Vec<Person>, sqlx::Error> {
    sqlx::query_as!(
        Person,
        "select id, email, role from users where disabled_at is null and (restriction is null or id = $1 or $2)
         order by lower(email) limit 1000",
        caller.user.id,
        caller.visibility().is_everything()
    )
    .fetch_all(pool)
    .await
}

/// Lists all accounts, ordered by email address.
pub(crate) async fn list_accounts(pool: &PgPool) -> Result<Vec<Account>, sqlx::Error> {
    read_accounts(pool, None).await
}

async fn read_accounts(executor: impl PgExecutor<'_>, id: Option<i64>) -> Result<Vec<Account>, sqlx::Error> {
    sqlx::query_as!(
        Account,
        r#"select users.id, email, role, restriction as "restriction: Json<Restriction>", addresses, disabled_at is not null as "disabled!", users.created_at, seen_at as last_seen_at,
                  password_hash is not null as "has_password!", expires_at as "invited_until?"
           from users left join invitations on user_id = users.id and expires_at > now()
           where $1::bigint is null or users.id = $1
           order by lower(email) limit 1000"#,
        id
    )
    .fetch_all(executor)
    .await
}

/// Adds a user with an invitation. Returns the account and when the invitation expires, or `None` if another user has this email
/// address.
pub(crate) async fn add(
    pool: &PgPool,
    admin: i64,
    email: &str,
    grant: &Grant,
    invitation: &Hash,
) -> Result<Option<(Account, OffsetDateTime)>, sqlx::Error> {
    let Grant { role, restriction, addresses } = grant;
    let mut transaction = pool.begin().await?;
    let added = sqlx::query_scalar!(
        "insert into users (email, role, restriction, addresses, read_up_to)
         select $1, $2, $3, $4, coalesce(max(id), 0) from notifications on conflict (lower(email)) do nothing returning id",
        email,
        role.to_string(),
        restriction.as_ref().map(Json) as Option<Json<&Restriction>>,
        addresses.map(Addresses::name)
    );
    let Some(id) = added.fetch_optional(&mut *transaction).await? else { return Ok(None) };
    let expires_at = invitations::insert(&mut *transaction, id, invitation).await?;
    let details = json!({"user": id, "role": role, "restriction": restriction, "addresses": addresses});
    audit::record(&mut *transaction, admin, "user_added", details).await?;
    let account = read_accounts(&mut *transaction, Some(id)).await?.pop().ok_or(sqlx::Error::RowNotFound)?;
    transaction.commit().await?;
    Ok(Some((account, expires_at)))
}

/// Changes an account. Disabling a user deletes all their sessions and their invitation.
pub(crate) async fn change(pool: &PgPool, admin: i64, id: i64, change: &AccountChange) -> Result<ChangeOutcome, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    lock_admins_and(&mut transaction, id).await?;
    let changed = sqlx::query!(
        "update users set role = coalesce($2, role),
           disabled_at = case when $3 then coalesce(disabled_at, now()) when not $3 then null else disabled_at end,
           restriction = case when $4 then $5 else restriction end,
           addresses = case when $6 then $7 else addresses end
         where id = $1",
        id,
        change.role.map(|role| role.to_string()),
        change.disabled,
        change.restriction.is_some(),
        change.restriction.as_ref().and_then(Option::as_ref).map(Json) as Option<Json<&Restriction>>,
        change.addresses.is_some(),
        change.addresses.flatten().map(Addresses::name)
    );
    if changed.execute(&mut *transaction).await?.rows_affected() == 0 {
        return Ok(ChangeOutcome::NotFound);
    }
    if !has_admin(&mut transaction).await? {
        return Ok(ChangeOutcome::LastAdmin);
    }
    if let Err(error) = user_row::read_grant(&mut *transaction, id).await?.check() {
        return Ok(ChangeOutcome::NotPossible(error));
    }
    if change.disabled == Some(true) {
        sqlx::query!("delete from sessions where user_id = $1", id).execute(&mut *transaction).await?;
        sqlx::query!("delete from invitations where user_id = $1", id).execute(&mut *transaction).await?;
    }
    audit::record(&mut *transaction, admin, "user_changed", json!({"user": id, "to": change})).await?;
    let Some(account) = read_accounts(&mut *transaction, Some(id)).await?.pop() else { return Ok(ChangeOutcome::NotFound) };
    transaction.commit().await?;
    Ok(ChangeOutcome::Changed(Box::new(account)))
}

/// Locks the rows of all admins and of one other user, in the order of their ids, so that two admins can neither demote each other nor wait
/// for each other's rows.
pub(super) async fn lock_admins_and(connection: &mut PgConnection, id: i64) -> Result<(), sqlx::Error> {
    sqlx::query!("select id from users where role = 'admin' or id = $1 order by id for update", id).fetch_all(connection).await?;
    Ok(())
}

/// True if at least one enabled admin remains.
pub(super) async fn has_admin(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(r#"select exists (select from users where role = 'admin' and disabled_at is null) as "has_admin!""#)
        .fetch_one(connection)
        .await
}

/// Adds a user with a password. Returns false if a user with this email address exists.
pub(crate) async fn add_with_password(
    pool: &PgPool,
    email: &str,
    password_hash: &str,
    grant: &Grant,
) -> Result<bool, sqlx::Error> {
    let Grant { role, restriction, addresses } = grant;
    let added = sqlx::query!(
        "insert into users (email, password_hash, role, restriction, addresses, read_up_to)
         select $1, $2, $3, $4, $5, coalesce(max(id), 0) from notifications on conflict (lower(email)) do nothing",
        email,
        password_hash,
        role.to_string(),
        restriction.as_ref().map(Json) as Option<Json<&Restriction>>,
        addresses.map(Addresses::name)
    );
    Ok(added.execute(pool).await?.rows_affected() > 0)
}

/// Finds the user with this email address and locks the row.
pub(crate) async fn lock_by_email(connection: &mut PgConnection, email: &str) -> Result<LockedUser, sqlx::Error> {
    sqlx::query_as!(
        LockedUser,
        "select id, role, password_hash, disabled_at from users where lower(email) = lower($1) for update",
        email
    )
    .fetch_one(connection)
    .await
}

/// Sets a user's password and role, enables the account, and ends all its sessions. Only viewers can be limited, and
/// admins always see addresses.
pub(crate) async fn replace(
    connection: &mut PgConnection,
    id: i64,
    password_hash: &str,
    grant: &Grant,
) -> Result<(), sqlx::Error> {
    let Grant { role, restriction, addresses } = grant;
    sqlx::query!(
        "update users set password_hash = $2, role = $3, disabled_at = null,
           restriction = case when $3 = 'viewer' then coalesce($4, restriction) end,
           addresses = case when $3 <> 'admin' then coalesce($5, addresses) end
         where id = $1",
        id,
        password_hash,
        role.to_string(),
        restriction.as_ref().map(Json) as Option<Json<&Restriction>>,
        addresses.map(Addresses::name)
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!("delete from sessions where user_id = $1", id).execute(connection).await?;
    Ok(())
}
