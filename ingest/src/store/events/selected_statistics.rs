//! Counts that read the events themselves: of the events that a filter selects, and of messages.

use shared::filter::Filter;
use sqlx::{FromRow, PgPool, Postgres, QueryBuilder};
use time::{Duration, OffsetDateTime};

use crate::store::events::search_plan::{self, RowLimit, SearchPlan};
use crate::store::events::selection::{push_conditions, push_visible_tags};
use crate::store::events::statistics::{BucketCount, Counted, FacetCount};
use crate::store::time_limit;

/// The number of messages that were opened or clicked for the first time in a bucket.
#[derive(FromRow)]
pub(crate) struct UniqueCount {
    /// The position of the bucket, from 0.
    pub(crate) bucket: i32,
    /// `open` or `click`.
    pub(crate) kind: String,
    /// Whether only opens and clicks by persons count.
    pub(crate) by_persons: bool,
    pub(crate) messages: i64,
    /// Those of them that were sent in the period.
    pub(crate) of_sent: i64,
}

/// Maximum time for counting what has no counts of its own.
pub(crate) const COUNT_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(2);
/// How long before the time of its occurrence an event can be received, if clocks differ.
const MAX_CLOCK_DIFFERENCE: Duration = Duration::DAY;
/// Number of names listed for each facet.
pub(crate) const MAX_NAMES: i32 = 10;

/// Counts the selected events by bucket, kind and verdict. `starts` are the starts of the buckets.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn count_by_bucket(
    pool: &PgPool,
    filter: &Filter,
    counted: Counted,
    starts: &[OffsetDateTime],
) -> Result<Vec<BucketCount>, sqlx::Error> {
    let plan = search_plan::choose(pool, filter, RowLimit::All).await?;
    let mut sql = QueryBuilder::new("select width_bucket(moment, ");
    sql.push_bind(starts.to_vec());
    sql.push(
        ") - 1 as bucket, kind, coalesce(reason_class, '') as reason_class, coalesce(actor, '') as actor, count(*) as count from (",
    );
    push_selected(&mut sql, "kind, reason_class, actor", filter, plan, counted);
    sql.push(") as selected group by 1, 2, 3, 4 order by 1, 2, 3, 4");
    sql.build_query_as().fetch_all(pool).await
}

/// Counts the selected events for the ten most common values of each facet, most common first.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn count_by_facet(pool: &PgPool, filter: &Filter, counted: Counted) -> Result<Vec<FacetCount>, sqlx::Error> {
    let plan = search_plan::choose(pool, filter, RowLimit::All).await?;
    let mut sql = QueryBuilder::new("with counted as (select facet, name, kind, count(*) as count from (");
    push_selected(&mut sql, "kind, recipient, sender, tags, template, subaccount, diagnostic", filter, plan, counted);
    sql.push(") as selected cross join lateral facets_of(kind, recipient, sender, ");
    push_visible_tags(&mut sql, &filter.visibility);
    sql.push(
        ", template, subaccount, diagnostic) group by 1, 2, 3
         ), ranked as (
           select facet, name, row_number() over (partition by facet order by sum(count) desc, name) as place
           from counted group by facet, name
         )
         select facet, name, kind, count from counted join ranked using (facet, name) where place <= ",
    );
    sql.push_bind(MAX_NAMES).push(" order by facet, place, kind");
    sql.build_query_as().fetch_all(pool).await
}

/// Counts each message of the selected events once, in the bucket of its first open or click within the period.
///
/// # Errors
/// Returns an error if Postgres fails or does not finish within two seconds.
pub(crate) async fn count_unique(
    pool: &PgPool,
    filter: &Filter,
    counted: Counted,
    starts: &[OffsetDateTime],
) -> Result<Vec<UniqueCount>, sqlx::Error> {
    let plan = search_plan::choose(pool, filter, RowLimit::All).await?;
    let mut transaction = time_limit::begin(pool, COUNT_TIMEOUT).await?;
    let mut sql = QueryBuilder::new("with selected as (");
    push_selected(&mut sql, "kind, message_id, id, actor", filter, plan, counted);
    sql.push(
        " and kind in ('send', 'open', 'click')), sent as (
           select distinct message_id from selected where kind = 'send' and message_id is not null
         ), firsts as (
           select kind, coalesce(message_id, id::text) as message, min(moment) as by_any,
                  min(moment) filter (where actor in ('person', 'proxy')) as by_person
           from selected where kind <> 'send' group by 1, 2
         )
         select width_bucket(moment, ",
    );
    sql.push_bind(starts.to_vec());
    sql.push(
        ") - 1 as bucket, kind, by_persons, count(*) as messages, count(message_id) as of_sent
         from firsts left join sent on message_id = message cross join lateral (values (false, by_any), (true, by_person)) as first (by_persons, moment)
         where moment is not null group by 1, 2, 3",
    );
    let rows = sql.build_query_as().fetch_all(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(rows)
}

/// Appends a query of the selected events of the period: these columns, and the time that counts as `moment`.
pub(crate) fn push_selected(
    sql: &mut QueryBuilder<Postgres>,
    columns: &str,
    filter: &Filter,
    plan: SearchPlan,
    counted: Counted,
) {
    let Counted { period, by_occurrence, simulated } = counted;
    let moment = if by_occurrence { "occurred_at" } else { "received_at" };
    sql.push(format_args!("select {columns}, {moment} as moment from events where {moment} >= "));
    sql.push_bind(period.from).push(format_args!(" and {moment} < ")).push_bind(period.to);
    // The time of receipt selects the partitions.
    let received_from = if by_occurrence { period.from - MAX_CLOCK_DIFFERENCE } else { period.from };
    let filter = Filter { from: Some(received_from), to: None, simulated, ..filter.clone() };
    push_conditions(sql, &filter, plan);
}
