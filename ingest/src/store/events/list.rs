//! Reads events: the newest ones, one event, or a range of ids.

use shared::event::Event;
use shared::filter::Filter;
use shared::visibility::Visibility;
use sqlx::{FromRow, PgConnection, PgPool, Postgres, QueryBuilder};
use time::OffsetDateTime;

use crate::store::copy::EVENT_COLUMNS;
use crate::store::events::search_plan::SearchPlan;
use crate::store::events::selection::{push_conditions, push_visibility};

/// An event's receive time and id, which determine its position in the list.
pub(crate) type ListPosition = (OffsetDateTime, i64);

/// An event and its searchable text.
#[derive(Debug, FromRow)]
pub(crate) struct SearchableEvent {
    /// The event without its payload.
    #[sqlx(flatten)]
    pub(crate) event: Event,
    /// Case-folded; filters match words against it.
    pub(crate) search: String,
}

/// Reads up to `limit` of the newest events that match the filter and come after `after` in the list.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn newest(
    connection: &mut PgConnection,
    filter: &Filter,
    plan: SearchPlan,
    after: Option<ListPosition>,
    limit: i64,
) -> Result<Vec<Event>, sqlx::Error> {
    let mut sql = select_events();
    push_conditions(&mut sql, filter, plan);
    push_after(&mut sql, after);
    push_list_order(&mut sql);
    sql.push(" limit ").push_bind(limit);
    sql.build_query_as().fetch_all(connection).await
}

/// Appends the condition that an event comes after this position in the list.
pub(crate) fn push_after(sql: &mut QueryBuilder<Postgres>, after: Option<ListPosition>) {
    if let Some((received_at, id)) = after {
        // The first condition excludes newer partitions.
        sql.push(" and received_at <= ").push_bind(received_at);
        sql.push(" and (received_at, id) < (").push_bind(received_at).push(", ").push_bind(id).push(")");
    }
}

/// Appends the order of the list: newest first.
pub(crate) fn push_list_order(sql: &mut QueryBuilder<Postgres>) {
    sql.push(" order by received_at desc, id desc");
}

/// Reads one event, if it is visible.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn find(pool: &PgPool, id: i64, visibility: &Visibility) -> Result<Option<Event>, sqlx::Error> {
    let mut sql = select_events();
    sql.push(" and id = ").push_bind(id);
    push_visibility(&mut sql, visibility);
    sql.build_query_as().fetch_optional(pool).await
}

/// Reads the events that one transaction stored at `received_at`, from `first_id` to `last_id`, in id order.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn read_range(
    connection: &mut PgConnection,
    received_at: OffsetDateTime,
    first_id: i64,
    last_id: i64,
) -> Result<Vec<SearchableEvent>, sqlx::Error> {
    let mut sql = select_columns(", search");
    sql.push(" and received_at = ").push_bind(received_at);
    sql.push(" and id between ").push_bind(first_id).push(" and ").push_bind(last_id).push(" order by id");
    sql.build_query_as().fetch_all(connection).await
}

/// A `select` of an [`Event`]'s columns, to which conditions starting with `and` can be appended.
pub(crate) fn select_events() -> QueryBuilder<Postgres> {
    select_columns("")
}

fn select_columns(more: &str) -> QueryBuilder<Postgres> {
    QueryBuilder::new(format!("select {EVENT_COLUMNS}, erased_at{more} from events where true"))
}
