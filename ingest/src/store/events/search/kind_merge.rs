//! Reads events of several kinds by merging the newest of each, so that kinds that are common but not selected cost nothing.

use std::time::Duration;

use shared::event::Event;
use shared::filter::{Field, Filter};
use sqlx::{PgConnection, PgPool, QueryBuilder};

use super::scan::Scan;
use crate::store::copy::EVENT_COLUMNS;
use crate::store::events::list::{push_after, push_list_order};
use crate::store::events::search_plan::SearchPlan;
use crate::store::events::selection::push_conditions;
use crate::store::time_limit;

/// Merging more kinds than this takes longer than it saves.
const MAX_KINDS: usize = 40;

/// Whether the filter names several kinds, or excludes one.
pub(super) fn selects_several_kinds(filter: &Filter) -> bool {
    filter.kinds.len() > 1 || filter.not.iter().any(|(field, _)| *field == Field::Kind)
}

/// Whether the filter has no other conditions than those on kinds and the time.
pub(super) fn selects_nothing_else(filter: &Filter) -> bool {
    let mut rest = Filter { kinds: Vec::new(), from: None, to: None, ..filter.clone() };
    rest.not.retain(|(field, _)| *field != Field::Kind);
    rest.is_empty()
}

/// Ends the search with the newest events of the kinds that the filter selects. Returns false if that takes too long or there are too many.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(super) async fn merge(pool: &PgPool, filter: &Filter, scan: &mut Scan<'_>, limit: Duration) -> Result<bool, sqlx::Error> {
    let mut transaction = time_limit::begin(pool, limit).await?;
    let kinds = time_limit::in_time(selected_kinds(&mut transaction, filter).await)?;
    let Some(kinds) = kinds.filter(|kinds| kinds.len() <= MAX_KINDS) else { return Ok(false) };
    let found = read(&mut transaction, filter, kinds, scan).await;
    let Some(events) = time_limit::in_time(found)? else { return Ok(false) };
    scan.end_with(events);
    Ok(true)
}

async fn read(
    connection: &mut PgConnection,
    filter: &Filter,
    kinds: Vec<String>,
    scan: &Scan<'_>,
) -> Result<Vec<Event>, sqlx::Error> {
    if kinds.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = QueryBuilder::new(format!("select {EVENT_COLUMNS}, erased_at from ("));
    for (number, kind) in kinds.into_iter().enumerate() {
        sql.push(if number == 0 { "(" } else { " union all (" }).push("select * from events where true");
        let of_kind = Filter { kinds: vec![kind], ..filter.clone() };
        push_conditions(&mut sql, &of_kind, SearchPlan { terms: Vec::new(), with_earlier_forms: scan.with_earlier_forms() });
        push_after(&mut sql, scan.position());
        push_list_order(&mut sql);
        sql.push(" limit ").push_bind(scan.missing()).push(")");
    }
    sql.push(") as events");
    push_list_order(&mut sql);
    sql.push(" limit ").push_bind(scan.missing());
    sql.build_query_as().fetch_all(connection).await
}

/// The kinds that the filter selects, once each: those that it names, or those of stored events. Each step leaps to the next kind, however many
/// events the one before has.
async fn selected_kinds(connection: &mut PgConnection, filter: &Filter) -> Result<Vec<String>, sqlx::Error> {
    let mut kinds = filter.kinds.clone();
    if kinds.is_empty() {
        // In the snapshot of the query that follows, so that no event of a new kind is missed.
        kinds = sqlx::query_scalar!(
            r#"with recursive kinds as (
                 (select min(kind) as kind from events)
                 union all
                 select (select min(kind) from events where events.kind > kinds.kind) from kinds where kind is not null
               )
               select kind as "kind!" from kinds where kind is not null limit $1"#,
            i64::try_from(MAX_KINDS + filter.not.len() + 1).unwrap_or(i64::MAX)
        )
        .fetch_all(connection)
        .await?;
    }
    kinds.sort_unstable();
    kinds.dedup();
    kinds.retain(|kind| !filter.not.iter().any(|(field, value)| *field == Field::Kind && value == kind));
    Ok(kinds)
}
