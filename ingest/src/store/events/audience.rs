//! Counts what opened and clicked, and what became of the mail by name. It reads the events themselves.

use serde::Serialize;
use shared::filter::Filter;
use sqlx::{FromRow, PgPool, QueryBuilder};
use utoipa::ToSchema;

use crate::store::events::search_plan::{self, RowLimit};
use crate::store::events::selected_statistics::{COUNT_TIMEOUT, MAX_NAMES, push_selected};
use crate::store::events::selection::push_visible_tags;
use crate::store::events::statistics::Counted;
use crate::store::time_limit;

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
    let mut transaction = time_limit::begin(pool, COUNT_TIMEOUT).await?;
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

/// What became of the mail with the same domain, tag, template or subaccount.
#[derive(FromRow)]
pub(crate) struct MailCount {
    /// `domain`, `tag`, `template` or `subaccount`.
    pub(crate) facet: String,
    pub(crate) name: String,
    pub(crate) sent: i64,
    pub(crate) delivered: i64,
    /// Hard and soft bounces.
    pub(crate) bounced: i64,
    pub(crate) deferred: i64,
    pub(crate) complained: i64,
    /// Messages sent in the period that persons opened, each counted once.
    pub(crate) opened: i64,
    /// Messages sent in the period in which persons clicked, each counted once.
    pub(crate) clicked: i64,
}

/// Counts for the ten domains, tags, templates and subaccounts with the most mail, most mail first.
///
/// # Errors
/// Returns an error if Postgres fails or does not finish within two seconds.
pub(crate) async fn count_mail(pool: &PgPool, filter: &Filter, counted: Counted) -> Result<Vec<MailCount>, sqlx::Error> {
    let plan = search_plan::choose(pool, filter, RowLimit::All).await?;
    let mut transaction = time_limit::begin(pool, COUNT_TIMEOUT).await?;
    let mut sql = QueryBuilder::new("with selected as (");
    let columns = "message_id, kind, actor, recipient, sender, tags, template, subaccount, diagnostic";
    push_selected(&mut sql, columns, filter, plan, counted);
    sql.push(
        " and kind in ('send', 'delivered', 'hard_bounce', 'soft_bounce', 'deferral', 'spam', 'open', 'click')), sent as (
           select distinct message_id from selected where kind = 'send' and message_id is not null
         ), counted as (
           select facet, name, count(*) filter (where kind = 'send') as sent, count(*) filter (where kind = 'delivered') as delivered,
                  count(*) filter (where kind in ('hard_bounce', 'soft_bounce')) as bounced,
                  count(*) filter (where kind = 'deferral') as deferred, count(*) filter (where kind = 'spam') as complained,
                  count(distinct sent.message_id) filter (where kind = 'open' and actor in ('person', 'proxy')) as opened,
                  count(distinct sent.message_id) filter (where kind = 'click' and actor in ('person', 'proxy')) as clicked
           from selected left join sent on sent.message_id = selected.message_id
                cross join lateral facets_of(kind, recipient, sender, ",
    );
    push_visible_tags(&mut sql, &filter.visibility);
    sql.push(
        ", template, subaccount, diagnostic)
           where facet in ('domain', 'tag', 'template', 'subaccount') group by facet, name
         ), ranked as (
           select *, row_number() over (partition by facet order by sent desc, opened desc, name) as place from counted
         )
         select facet, name, sent, delivered, bounced, deferred, complained, opened, clicked from ranked where place <= ",
    );
    sql.push_bind(MAX_NAMES).push(" order by facet, place");
    let rows = sql.build_query_as().fetch_all(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(rows)
}

/// Opens and clicks in the same hour of the day.
#[derive(FromRow, Serialize, ToSchema)]
pub(crate) struct HourOfDay {
    /// From 0 to 23.
    hour: i32,
    opens: i64,
    clicks: i64,
}

/// Counts opens and clicks by the hour that the clocks of a time zone show. Hours without any are left out.
///
/// # Errors
/// Returns an error if Postgres fails, does not finish within two seconds, or does not know the zone.
pub(crate) async fn count_hours(
    pool: &PgPool,
    filter: &Filter,
    counted: Counted,
    zone: &str,
) -> Result<Vec<HourOfDay>, sqlx::Error> {
    let plan = search_plan::choose(pool, filter, RowLimit::All).await?;
    let mut transaction = time_limit::begin(pool, COUNT_TIMEOUT).await?;
    let mut sql = QueryBuilder::new("select extract(hour from moment at time zone ");
    sql.push_bind(zone);
    sql.push(
        ")::integer as hour, count(*) filter (where kind = 'open') as opens, count(*) filter (where kind = 'click') as clicks from (",
    );
    push_selected(&mut sql, "kind", filter, plan, counted);
    sql.push(" and kind in ('open', 'click') and actor in ('person', 'proxy')) as selected group by 1 order by 1");
    let rows = sql.build_query_as().fetch_all(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(rows)
}
