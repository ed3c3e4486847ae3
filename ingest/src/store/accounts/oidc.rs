//! Finds, links and adds the users who sign in through an OpenID Connect provider.

use serde_json::json;
use shared::masking::Addresses;
use shared::session::{Grant, Role, User};
use shared::visibility::Restriction;
use sqlx::types::Json;
use sqlx::{Acquire as _, PgConnection, PgPool};

use crate::store::accounts::{audit, user_row, users};

/// A user as identified by the provider.
pub(crate) struct ProviderAccount<'a> {
    pub(crate) issuer: &'a str,
    /// The issuer's permanent identifier for the user.
    pub(crate) subject: &'a str,
    /// The email address, as verified by the provider.
    pub(crate) email: &'a str,
}

/// The user linked to a provider account.
enum LinkedUser {
    /// With the user's id.
    Enabled(i64),
    Disabled,
    Unknown,
}

/// How a user from the provider is taken in.
pub(crate) struct Admission {
    /// True to add a viewer at the first sign-in. Otherwise only known users sign in.
    pub(crate) may_add: bool,
    /// What the user may do and see from now on; `None` to leave that to admins.
    pub(crate) grant: Option<Grant>,
}

/// Returns the user linked to a provider account. At the first sign-in, it links the user with the same email address, or adds one. Returns `None`
/// if the user is disabled, or does not exist and is not added.
pub(crate) async fn admit(
    pool: &PgPool,
    account: &ProviderAccount<'_>,
    admission: &Admission,
) -> Result<Option<User>, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    let id = match find_linked(&mut transaction, account).await? {
        LinkedUser::Enabled(id) => Some(id),
        LinkedUser::Disabled => None,
        LinkedUser::Unknown => match link(&mut transaction, account).await? {
            None if admission.may_add => add(&mut transaction, account).await?,
            linked => linked,
        },
    };
    let Some(id) = id else { return Ok(None) };
    if let Some(grant) = &admission.grant {
        renew(&mut transaction, id, grant).await?;
    }
    let user = user_row::read(&mut *transaction, id).await?;
    transaction.commit().await?;
    Ok(Some(user))
}

/// Gives a user what the groups of the provider allow, unless no admin would be left.
async fn renew(connection: &mut PgConnection, id: i64, grant: &Grant) -> Result<(), sqlx::Error> {
    users::lock_admins_and(connection, id).await?;
    let Grant { role, restriction, addresses } = grant;
    let mut attempt = connection.begin().await?;
    let changed = sqlx::query!(
        "update users set role = $2, restriction = $3, addresses = $4
         where id = $1 and (role, restriction, addresses) is distinct from ($2, $3::jsonb, $4)",
        id,
        role.to_string(),
        restriction.as_ref().map(Json) as Option<Json<&Restriction>>,
        addresses.map(Addresses::name)
    );
    if changed.execute(&mut *attempt).await?.rows_affected() == 0 {
        return Ok(());
    }
    if !users::has_admin(&mut attempt).await? {
        tracing::warn!(user.id = id, "no group of the last admin grants that role; the account stays as it is");
        return attempt.rollback().await;
    }
    let to = json!({"role": role, "restriction": restriction, "addresses": addresses});
    audit::record(&mut *attempt, id, "user_renewed", json!({"user": id, "to": to})).await?;
    attempt.commit().await
}

async fn find_linked(connection: &mut PgConnection, account: &ProviderAccount<'_>) -> Result<LinkedUser, sqlx::Error> {
    let row = sqlx::query!(
        r#"select id, disabled_at is not null as "is_disabled!" from users where oidc_issuer = $1 and oidc_subject = $2"#,
        account.issuer,
        account.subject
    )
    .fetch_optional(&mut *connection)
    .await?;
    Ok(match row {
        Some(row) if row.is_disabled => LinkedUser::Disabled,
        Some(row) => LinkedUser::Enabled(row.id),
        None => LinkedUser::Unknown,
    })
}

/// Links the enabled user with this email address, unless another account from the same issuer is already linked.
async fn link(connection: &mut PgConnection, account: &ProviderAccount<'_>) -> Result<Option<i64>, sqlx::Error> {
    let id = sqlx::query_scalar!(
        "update users set oidc_issuer = $1, oidc_subject = $2
         where lower(email) = lower($3) and oidc_issuer is distinct from $1 and disabled_at is null returning id",
        account.issuer,
        account.subject,
        account.email
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(id) = id else { return Ok(None) };
    audit::record(connection, id, "user_linked", json!({"user": id})).await?;
    Ok(Some(id))
}

async fn add(connection: &mut PgConnection, account: &ProviderAccount<'_>) -> Result<Option<i64>, sqlx::Error> {
    let id = sqlx::query_scalar!(
        "insert into users (email, role, read_up_to, oidc_issuer, oidc_subject)
         select $1, 'viewer', coalesce(max(id), 0), $2, $3 from notifications
         on conflict (lower(email)) do nothing returning id",
        account.email,
        account.issuer,
        account.subject
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(id) = id else { return Ok(None) };
    audit::record(connection, id, "user_added", json!({"user": id, "role": Role::Viewer})).await?;
    Ok(Some(id))
}
