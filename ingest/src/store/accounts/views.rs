//! Saved views: named filters of the events page.

use serde::Serialize;
use sqlx::PgPool;
use utoipa::ToSchema;

/// Maximum number of views that a user can own.
const MAX_VIEWS: i64 = 100;

/// A saved view.
#[derive(Serialize, ToSchema)]
pub(crate) struct View {
    id: i64,
    name: String,
    /// The query string of the events page.
    query: String,
    /// True if the view is visible to all users.
    shared: bool,
    /// True if the caller owns the view.
    pub(crate) mine: bool,
    owner_email: String,
}

/// Lists the views visible to `user`: their own and the shared ones, ordered by name.
pub(crate) async fn list(pool: &PgPool, user: i64) -> Result<Vec<View>, sqlx::Error> {
    read(pool, user, None).await
}

/// Finds a view that is visible to `user`.
pub(crate) async fn find(pool: &PgPool, user: i64, id: i64) -> Result<Option<View>, sqlx::Error> {
    Ok(read(pool, user, Some(id)).await?.pop())
}

async fn read(pool: &PgPool, user: i64, id: Option<i64>) -> Result<Vec<View>, sqlx::Error> {
    sqlx::query_as!(
        View,
        r#"select views.id, name, query, shared, user_id = $1 as "mine!", email as owner_email
           from views join users on users.id = user_id
           where (user_id = $1 or shared) and ($2::bigint is null or views.id = $2)
           order by lower(name), views.id limit 1000"#,
        user,
        id
    )
    .fetch_all(pool)
    .await
}

/// The outcome of [`add`].
pub(crate) enum AddOutcome {
    /// The id of the new view.
    Added(i64),
    /// The user already owns a view with this name.
    NameTaken,
    /// The user owns [`MAX_VIEWS`] views.
    TooMany,
}

/// Adds a view. The owner's row is locked, so that concurrent requests cannot exceed the limit.
pub(crate) async fn add(pool: &PgPool, user: i64, name: &str, query: &str, shared: bool) -> Result<AddOutcome, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    sqlx::query!("select id from users where id = $1 for update", user).fetch_optional(&mut *transaction).await?;
    let count = sqlx::query_scalar!(r#"select count(*) as "count!" from views where user_id = $1"#, user);
    if count.fetch_one(&mut *transaction).await? >= MAX_VIEWS {
        return Ok(AddOutcome::TooMany);
    }
    let added = sqlx::query_scalar!(
        "insert into views (user_id, name, query, shared) values ($1, $2, $3, $4)
         on conflict on constraint views_name_key do nothing returning id",
        user,
        name,
        query,
        shared
    );
    let Some(id) = added.fetch_optional(&mut *transaction).await? else { return Ok(AddOutcome::NameTaken) };
    transaction.commit().await?;
    Ok(AddOutcome::Added(id))
}

/// Changes a view. Returns false if its owner has another view with this name.
pub(crate) async fn change(pool: &PgPool, id: i64, name: &str, query: &str, shared: bool) -> Result<bool, sqlx::Error> {
    let changed = sqlx::query!(
        "update views set name = $2, query = $3, shared = $4 where id = $1
           and not exists (select from views as other where other.user_id = views.user_id and other.name = $2 and other.id <> $1)",
        id,
        name,
        query,
        shared
    );
    Ok(changed.execute(pool).await?.rows_affected() > 0)
}

/// Removes a view.
pub(crate) async fn remove(pool: &PgPool, id: i64) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from views where id = $1", id).execute(pool).await?;
    Ok(())
}
