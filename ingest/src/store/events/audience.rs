//! Counts what opened and clicked: user agents, countries and links. It reads the events themselves.

use shared::filter::Filter;
use sqlx::{FromRow, PgPool, QueryBuilder};

use crate::store::events::search_plan::{self, RowLimit};
use crate::store::events::selected_statistics::{begin_count, push_selected};
use crate::store::events::statistics::Counted;

/// The number of opens or clicks with the same property.
#[derive(FromRow)]
pub(crate) struct AudienceCount {
    /// `all`, `user_agent` or `country` of the opens by persons, or `url` of the clicks.
    pub(crate) property: String,
    /// Empty if it is unknown.
    pub(crate) value: String,
    /// Opens or clicks by persons, directly or through a proxy.
    pub(crate) persons: i64,
    /// All other opens or clicks.
    pub(crate) machines: i64,
}

/// Counts the most common values of each property, most common first.
///
/// # Errors
/// Returns an error if Postgres fails or does not finish within two seconds.
pub(crate) async fn count(pool: &PgPool, filter: &Filter, counted: Counted) -> Result<Vec<AudienceCount>, sqlx::Error> {
    let plan = search_plan::choose(pool, filter, RowLimit::All).await?;
    let mut transaction = begin_count(pool).await?;
    let mut sql = QueryBuilder::new("with selected as (");
    push_selected(&mut sql, "kind, actor, user_agent, country, url", filter, plan, counted);
    // Behind a proxy, the program and the place are those of the proxy. There are many different user agents of the same program.
    sql.push(
        " and kind in ('open', 'click')), counted as (
           select case when grouping(user_agent) = 0 then 'user_agent' when grouping(country) = 0 then 'country' else 'all' end as property,
                  coalesce(user_agent, country, '') as value, count(*) as persons, 0 as machines
           from selected where kind = 'open' and actor = 'person' group by grouping sets (user_agent, country, ())
           union all
           select 'url', url, count(*) filter (where actor in ('person', 'proxy')), count(*) filter (where actor is null or actor not in ('person', 'proxy'))
           from selected where kind = 'click' and url <> '' group by url
         ), ranked as (
           select *, row_number() over (partition by property order by persons desc, machines desc, value) as place from counted
         )
         select property, value, persons, machines from ranked
         where place <= case property when 'user_agent' then 5000 when 'country' then 10 else 20 end order by property, place",
    );
    let rows = sql.build_query_as().fetch_all(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(rows)
}
