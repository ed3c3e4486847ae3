//! `/api/stats`: how many events of which kind, over time, and by what they were about. Read from counts, which outlive the events.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use shared::session::Caller;
use sqlx::PgPool;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use utoipa::{IntoParams, ToSchema};
use warp::reply::{Reply, Response};

use crate::http::error::ApiError;
use crate::http::page::Pairs;
use crate::http::page::moment;
use crate::state::AppState;

/// The range when none is asked for.
const USUAL: Duration = Duration::WEEK;
/// Ranges up to so long are told by the hour, and by the day; longer ones by the month.
const BY_HOUR: Duration = Duration::days(3);
const BY_DAY: Duration = Duration::days(100);

type Counts = BTreeMap<String, i64>;

#[derive(Serialize, ToSchema)]
struct Statistics {
    #[serde(flatten)]
    period: Period,
    /// How long each bucket is.
    #[schema(pattern = "^(hour|day|month)$")]
    step: &'static str,
    zone: String,
    counts: BTreeMap<String, i64>,
    previous: Previous,
    /// Oldest first; those without events are left out.
    buckets: Vec<Bucket>,
    /// The ten commonest, by how many.
    bounces: Vec<Bounce>,
    domains: Vec<Named>,
    tags: Vec<Named>,
    templates: Vec<Named>,
}

#[derive(Serialize, ToSchema)]
struct Period {
    #[serde(with = "time::serde::rfc3339")]
    from: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    to: OffsetDateTime,
}

/// As long a time, just before.
#[derive(Serialize, ToSchema)]
#[schema(as = PreviousPeriod)]
struct Previous {
    #[serde(flatten)]
    period: Period,
    counts: BTreeMap<String, i64>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = StatisticsBucket)]
struct Bucket {
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    counts: BTreeMap<String, i64>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = BounceReason)]
struct Bounce {
    reason: String,
    count: i64,
}

#[derive(Serialize, ToSchema)]
#[schema(as = CountsByName)]
struct Named {
    name: String,
    counts: BTreeMap<String, i64>,
}

/// What is asked for, as the API's document says it.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only its description is used: a query string is read into a `Question`")]
struct Asked {
    /// Where the period begins.
    #[param(schema_with = moment)]
    from: Option<OffsetDateTime>,
    /// Where it ends; now, unless given.
    #[param(schema_with = moment)]
    to: Option<OffsetDateTime>,
    /// Whose days and months they are, as `Europe/Madrid`; `UTC` unless given.
    zone: Option<String>,
    /// Only simulated events, or only real ones.
    simulated: Option<bool>,
}

/// What is asked for.
struct Question {
    period: Period,
    zone: String,
    simulated: Option<bool>,
}

/// Counts events by kind, over time and by what they were about.
///
/// Of whole hours, rounded outward; of the last week unless asked for otherwise.
///
/// # Errors
/// 401, 400 `bad_page`.
#[utoipa::path(get, path = "/api/stats", operation_id = "getStatistics", tag = "statistics",
    params(Asked),
    responses((status = 200, description = "The counts.", body = Statistics),
        (status = 400, description = "`bad_page`"), (status = 503, description = "`too_slow`")))]
pub async fn get(state: Arc<AppState>, _: Caller, query: Pairs) -> Result<Response, ApiError> {
    let question = read(&query)?;
    let is_zone = sqlx::query_scalar!(r#"select exists (select from pg_timezone_names where name = $1) as "is!""#, question.zone);
    if !is_zone.fetch_one(&state.reading).await? {
        return Err(ApiError::BadPage);
    }
    Ok(warp::reply::json(&tell(&state.reading, question).await?).into_response())
}

fn read(query: &Pairs) -> Result<Question, ApiError> {
    let (mut from, mut to, mut zone, mut simulated) = (None, None, "UTC".to_owned(), None);
    let time = |text: &str| OffsetDateTime::parse(text, &Rfc3339).map(Some).map_err(|_| ApiError::BadPage);
    for (name, value) in query.0.iter().filter(|(_, value)| !value.is_empty()) {
        match name.as_str() {
            "from" => from = time(value)?,
            "to" => to = time(value)?,
            "zone" => zone = value.clone(),
            "simulated" => simulated = Some(value.parse().map_err(|_| ApiError::BadPage)?),
            _ => return Err(ApiError::BadPage),
        }
    }
    let to = to.unwrap_or_else(OffsetDateTime::now_utc);
    let from = from.unwrap_or(to - USUAL);
    let hour = |at: OffsetDateTime, up: i64| {
        OffsetDateTime::from_unix_timestamp((at.unix_timestamp() + up).div_euclid(3_600) * 3_600).map_err(|_| ApiError::BadPage)
    };
    let period = Period { from: hour(from, 0)?, to: hour(to, 3_600)? };
    // Far-off years, which Postgres could not subtract.
    if period.from >= period.to || !(1970..=9_999).contains(&period.from.year()) || zone.contains('\0') {
        return Err(ApiError::BadPage);
    }
    Ok(Question { period, zone, simulated })
}

async fn tell(pool: &PgPool, question: Question) -> Result<Statistics, sqlx::Error> {
    let Question { period, zone, simulated } = question;
    let length = period.to - period.from;
    let step = match length {
        length if length <= BY_HOUR => "hour",
        length if length <= BY_DAY => "day",
        _ => "month",
    };
    let before = Period { from: period.from - length, to: period.from };
    let (buckets, previous, facets) = tokio::try_join!(
        by_time(pool, &period, step, &zone, simulated),
        by_time(pool, &before, "month", "UTC", simulated),
        by_facet(pool, &period, simulated)
    )?;
    let Facets { bounces, domains, tags, templates } = facets;
    Ok(Statistics {
        counts: sum(&buckets),
        previous: Previous { counts: sum(&previous), period: before },
        period,
        step,
        zone,
        buckets,
        bounces,
        domains,
        tags,
        templates,
    })
}

fn sum(buckets: &[Bucket]) -> Counts {
    let mut counts = Counts::new();
    for (kind, count) in buckets.iter().flat_map(|bucket| &bucket.counts) {
        *counts.entry(kind.clone()).or_default() += count;
    }
    counts
}

/// From the hours that are folded, and what is not folded yet.
async fn by_time(
    pool: &PgPool,
    period: &Period,
    step: &str,
    zone: &str,
    simulated: Option<bool>,
) -> Result<Vec<Bucket>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select date_trunc($3, hour, $4) as "at!", kind as "kind!", sum(count)::bigint as "count!" from (
             select hour, kind, count from event_counts
             where outcome = 'stored' and hour >= $1 and hour < $2 and ($5::boolean is null or simulated = $5)
             union all
             select date_trunc('hour', at), kind, count from event_count_deltas
             where outcome = 'stored' and at >= $1 and at < $2 and ($5::boolean is null or simulated = $5)
           ) as counted
           group by 1, 2 having sum(count) > 0 order by 1, 2"#,
        period.from,
        period.to,
        step,
        zone,
        simulated
    )
    .fetch_all(pool)
    .await?;
    let mut buckets: Vec<Bucket> = Vec::new();
    for row in rows {
        match buckets.last_mut().filter(|bucket| bucket.at == row.at) {
            Some(bucket) => _ = bucket.counts.insert(row.kind, row.count),
            None => buckets.push(Bucket { at: row.at, counts: Counts::from([(row.kind, row.count)]) }),
        }
    }
    Ok(buckets)
}

#[derive(Default)]
struct Facets {
    bounces: Vec<Bounce>,
    domains: Vec<Named>,
    tags: Vec<Named>,
    templates: Vec<Named>,
}

/// From the hours that are counted, and from the events since.
async fn by_facet(pool: &PgPool, period: &Period, simulated: Option<bool>) -> Result<Facets, sqlx::Error> {
    let rows = sqlx::query!(
        r#"with counted as (
             select facet, name, kind, sum(count)::bigint as count from (
               select facet, name, kind, count from event_facets
               where hour >= $1 and hour < $2 and ($3::boolean is null or simulated = $3)
               union all
               select facet, name, kind, 1 from events_by_facet
               where received_at >= greatest($1, (select until from event_facets_until)) and received_at < $2
                 and ($3::boolean is null or simulated = $3)
             ) as both_parts group by facet, name, kind
           ), ranked as (
             select facet, name, row_number() over (partition by facet order by sum(count) desc, name) as place
             from counted group by facet, name
           )
           select facet as "facet!", name as "name!", kind as "kind!", count as "count!"
           from counted join ranked using (facet, name) where place <= 10 order by facet, place, kind"#,
        period.from,
        period.to,
        simulated
    )
    .fetch_all(pool)
    .await?;
    let mut facets = Facets::default();
    for row in rows {
        let list = match row.facet.as_str() {
            "domain" => &mut facets.domains,
            "tag" => &mut facets.tags,
            "template" => &mut facets.templates,
            _ => {
                match facets.bounces.last_mut().filter(|bounce| bounce.reason == row.name) {
                    Some(bounce) => bounce.count += row.count,
                    None => facets.bounces.push(Bounce { reason: row.name, count: row.count }),
                }
                continue;
            }
        };
        match list.last_mut().filter(|named| named.name == row.name) {
            Some(named) => _ = named.counts.insert(row.kind, row.count),
            None => list.push(Named { name: row.name, counts: Counts::from([(row.kind, row.count)]) }),
        }
    }
    Ok(facets)
}
