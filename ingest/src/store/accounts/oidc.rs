//! Finds, links and adds the users who sign in through an OpenID Connect provider.

use serde_json::json;
use shared::session::User;
use shared::visibility::Restriction;
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};

use crate::store::accounts::audit;
use crate::store::accounts::user_row::to_user;

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
    Enabled(User),
    Disabled,
    Unknown,
}

/// Returns the user linked to a provider account. At the first sign-in, it links the user with the same email address, or adds a viewer if
/// `may_add` is true. Returns `None` if the user is disabled, or does not exist and is not added.
pub(crate) async fn find_or_link(
    pool: &PgPool,
    account: &ProviderAccount<'_>,
    may_add: bool,
) -> Result<Option<User>, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    match find_linked(&mut transaction, account).await? {
        LinkedUser::Enabled(user) => return Ok(Some(user)),
        LinkedUser::Disabled => return Ok(None),
        LinkedUser::Unknown => {}
    }
    let user = match link(&mut transaction, account).await? {
        Some(user) => Some(user),
        None if may_add => add(&mut transaction, account).await?,
        None => None,
    };
    if user.is_some() {
        transaction.commit().await?;
    }
    Ok(user)
}

async fn find_linked(connection: &mut PgConnection, account: &ProviderAccount<'_>) -> Result<LinkedUser, sqlx::Error> {
    let row = sqlx::query!(
        r#"select id, email, role, restriction as "restriction: Json<Restriction>", disabled_at is not null as "is_disabled!"
           from users where oidc_issuer = $1 and oidc_subject = $2"#,
        account.issuer,
        account.subject
    )
    .fetch_optional(connection)
    .await?;
    Ok(match row {
        Some(row) if row.is_disabled => LinkedUser::Disabled,
        Some(row) => LinkedUser::Enabled(to_user(row.id, row.email, &row.role, row.restriction)?),
        None => LinkedUser::Unknown,
    })
}

/// Links the enabled user with this email address, unless another account from the same issuer is already linked.
async fn link(connection: &mut PgConnection, account: &ProviderAccount<'_>) -> Result<Option<User>, sqlx::Error> {
    let row = sqlx::query!(
        r#"update users set oidc_issuer = $1, oidc_subject = $2
           where lower(email) = lower($3) and oidc_issuer is distinct from $1 and disabled_at is null
           returning id, email, role, restriction as "restriction: Json<Restriction>""#,
        account.issuer,
        account.subject,
        account.email
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    audit::record(connection, row.id, "user_linked", json!({"user": row.id})).await?;
    to_user(row.id, row.email, &row.role, row.restriction).map(Some)
}

async fn add(connection: &mut PgConnection, account: &ProviderAccount<'_>) -> Result<Option<User>, sqlx::Error> {
    let row = sqlx::query!(
        "insert into users (email, role, read_up_to, oidc_issuer, oidc_subject)
         select $1, 'viewer', coalesce(max(id), 0), $2, $3 from notifications
         on conflict (lower(email)) do nothing returning id, email, role",
        account.email,
        account.issuer,
        account.subject
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    audit::record(connection, row.id, "user_added", json!({"user": row.id, "role": row.role})).await?;
    to_user(row.id, row.email, &row.role, None).map(Some)
}
