//! `/api/stats/audience`: what persons read mail with, where and when, which links were clicked, and what became of the mail by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use shared::session::Caller;
use sqlx::PgPool;
use time::OffsetDateTime;
use utoipa::ToSchema;
use warp::reply::Response;

use crate::api::events::filters::Filters;
use crate::api::events::statistics::query::{StatisticsParams, StatisticsQuery};
use crate::http::error::ApiError;
use crate::http::page::Pairs;
use crate::http::reply;
use crate::state::AppState;
use crate::store::events::audience::{self, AudienceCount, HourOfDay, MailCount};
use crate::store::events::statistics::{Period, first_counted, is_stored, is_time_zone, oldest_event};
use crate::store::reports::Report;
use crate::store::time_limit;
use crate::verdict::readers::Reader;

/// Number of programs and devices that are listed. The query limits countries and links.
const MAX_NAMES: usize = 10;

#[derive(Serialize, ToSchema)]
pub(crate) struct Audience {
    #[serde(flatten)]
    period: Period,
    /// Set if events of the period are no longer stored: nothing is counted before this time.
    #[serde(with = "time::serde::rfc3339::option")]
    counted_from: Option<OffsetDateTime>,
    /// If a read replica counted: how many seconds old its data is at most.
    lag_seconds: Option<u64>,
    /// True if there are too many events to count in time. The lists are then empty.
    too_many: bool,
    /// Number of opens by persons, except through a proxy. The next three lists are of these.
    opens: i64,
    /// The programs with which persons opened mail, most common first. Opens through a proxy do not tell.
    clients: Vec<NamedCount>,
    /// `Phone`, `Tablet`, `Computer` or `Other`.
    devices: Vec<NamedCount>,
    /// The countries in which persons opened mail, as Mandrill located them; an empty name if it did not. Opens through a proxy do not tell.
    countries: Vec<NamedCount>,
    /// The links that were clicked, the most common among persons first.
    links: Vec<LinkCount>,
    /// The ten receiving domains with the most mail, most mail first.
    domains: Vec<NamedMail>,
    /// The ten tags with the most mail, most mail first.
    tags: Vec<NamedMail>,
    /// The ten templates with the most mail, most mail first.
    templates: Vec<NamedMail>,
    /// The ten subaccounts with the most mail, most mail first.
    subaccounts: Vec<NamedMail>,
    /// Opens and clicks by persons, directly or through a proxy, by the hour of the day in `zone`. Hours without any are left out.
    hours: Vec<HourOfDay>,
}

/// What became of the mail with a name.
#[derive(Serialize, ToSchema)]
pub(crate) struct NamedMail {
    name: String,
    sent: i64,
    delivered: i64,
    /// Hard and soft bounces.
    bounced: i64,
    deferred: i64,
    complained: i64,
    /// Messages sent in the period that persons opened, directly or through a proxy, each counted once.
    opened: i64,
    /// Messages sent in the period in which persons clicked, each counted once.
    clicked: i64,
}

/// A number of opens.
#[derive(Serialize, ToSchema)]
pub(crate) struct NamedCount {
    name: String,
    count: i64,
}

/// Numbers of clicks.
#[derive(Serialize, ToSchema)]
pub(crate) struct LinkCount {
    url: String,
    /// Clicks by persons.
    persons: i64,
    /// All other clicks, such as those of scanners.
    machines: i64,
}

/// Counts opens by persons by program, device, country and hour of the day, clicks by link, and mail by domain, tag, template and subaccount.
///
/// Takes the same parameters as `/api/stats`; `step` makes no difference.
///
/// # Errors
/// 401; 400 `bad_filter` or `bad_page`.
#[utoipa::path(get, path = "/api/stats/audience", operation_id = "getAudience", tag = "statistics",
    params(StatisticsParams, Filters),
    responses((status = 200, description = "The counts.", body = Audience),
        (status = 400, description = "`bad_filter`, `bad_page`")))]
pub async fn get(state: Arc<AppState>, caller: Caller, query: Pairs) -> Result<Response, ApiError> {
    let query = StatisticsQuery::parse(&query, &caller)?;
    if !is_time_zone(&state.reading, &query.zone).await? {
        return Err(ApiError::bad_page("zone"));
    }
    let query = &query;
    let Report { value, lag_seconds } = state.reports.read(|pool| async move { count(&pool, query).await }).await?;
    reply::json(&caller, &Audience { lag_seconds, ..value })
}

async fn count(pool: &PgPool, query: &StatisticsQuery) -> Result<Audience, sqlx::Error> {
    let StatisticsQuery { counted, filter, zone, .. } = query;
    let counted = *counted;
    let (oldest, first_counted) = tokio::try_join!(oldest_event(pool), first_counted(pool))?;
    let counts = tokio::try_join!(
        audience::count(pool, filter, counted),
        audience::count_mail(pool, filter, counted),
        audience::count_hours(pool, filter, counted, zone),
    );
    let counts = time_limit::in_time(counts)?;
    let too_many = counts.is_none();
    let (rows, mail, hours) = counts.unwrap_or_default();
    let Names { opens, clients, devices, countries, links } = names(rows);
    let period = counted.period;
    let counted_from = oldest.filter(|oldest| *oldest > period.from && !is_stored(period, Some(*oldest), first_counted));
    let mut by_facet = BTreeMap::<String, Vec<NamedMail>>::new();
    for MailCount { facet, name, sent, delivered, bounced, deferred, complained, opened, clicked } in mail {
        let named = NamedMail { name, sent, delivered, bounced, deferred, complained, opened, clicked };
        by_facet.entry(facet).or_default().push(named);
    }
    let mut take = |facet: &str| by_facet.remove(facet).unwrap_or_default();
    Ok(Audience {
        period,
        lag_seconds: None,
        counted_from,
        too_many,
        opens,
        clients,
        devices,
        countries,
        links,
        domains: take("domain"),
        tags: take("tag"),
        templates: take("template"),
        subaccounts: take("subaccount"),
        hours,
    })
}

struct Names {
    opens: i64,
    clients: Vec<NamedCount>,
    devices: Vec<NamedCount>,
    countries: Vec<NamedCount>,
    links: Vec<LinkCount>,
}

fn names(rows: Vec<AudienceCount>) -> Names {
    let (mut clients, mut devices) = (BTreeMap::new(), BTreeMap::new());
    let (mut countries, mut links, mut opens) = (Vec::new(), Vec::new(), 0);
    for AudienceCount { property, value, persons, machines } in rows {
        match property.as_str() {
            "all" => opens = persons,
            "user_agent" => {
                let reader = Reader::of(&value);
                *clients.entry(reader.client).or_default() += persons;
                *devices.entry(reader.device).or_default() += persons;
            }
            "country" => countries.push(NamedCount { name: value, count: persons }),
            _ => links.push(LinkCount { url: value, persons, machines }),
        }
    }
    Names { opens, clients: most_common(clients), devices: most_common(devices), countries, links }
}

fn most_common(counts: BTreeMap<&'static str, i64>) -> Vec<NamedCount> {
    let mut names: Vec<NamedCount> =
        counts.into_iter().map(|(name, count)| NamedCount { name: name.to_owned(), count }).collect();
    names.sort_by_key(|named| std::cmp::Reverse(named.count));
    names.truncate(MAX_NAMES);
    names
}
