//! Read-only queries about the state of the service, for the readiness check, the gauges, the alarms and the doctor.

use sqlx::{Executor, PgConnection, PgPool, Row};
use time::OffsetDateTime;

/// Other clients of a pooler can get between two looks.
const SHARING_ATTEMPTS: usize = 5;

/// Gauge values that must be read from Postgres.
pub(crate) struct QueueDepths {
    /// Items in the outbox.
    pub(crate) outbox: f64,
    /// Age of the oldest outbox row in seconds; 0 if the outbox is empty.
    pub(crate) age: f64,
    /// Open items in quarantine.
    pub(crate) quarantine: f64,
}

pub(crate) async fn queue_depths(pool: &PgPool) -> Result<QueueDepths, sqlx::Error> {
    sqlx::query_as!(
        QueueDepths,
        r#"select (select coalesce(sum(items), 0) from outbox)::float8 as "outbox!",
                  (select coalesce(extract(epoch from now() - min(created_at)), 0) from outbox)::float8 as "age!",
                  (select count(*) from quarantine where state = 'open')::float8 as "quarantine!""#
    )
    .fetch_one(pool)
    .await
}

/// Seconds since the last accepted delivery from Mandrill; `None` if there has been none yet.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn seconds_since_delivery(pool: &PgPool) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        "select extract(epoch from now() - max(last_at))::bigint from (
           select max(last_at) as last_at from event_tallies
           where not simulated and webhook <> '' and at = (select max(at) from event_tallies where not simulated and webhook <> '')
           union all select max(at) from event_tally_deltas where not simulated and webhook <> ''
           union all select max(last_at) from event_counts where not simulated
           union all select max(at) from event_count_deltas where not simulated
         ) as last"
    )
    .fetch_one(pool)
    .await
}

/// True once a delivery from Mandrill has been counted.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn has_received_deliveries(pool: &PgPool) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (select from event_tallies where not simulated and webhook <> '')
               or exists (select from event_tally_deltas where not simulated and webhook <> '')
               or exists (select from event_counts where not simulated)
               or exists (select from event_count_deltas where not simulated) as "any!""#
    )
    .fetch_one(pool)
    .await
}

/// The server's version, durability settings and clock.
pub(crate) struct ServerSettings {
    pub(crate) version: String,
    /// `server_version_num`, such as 150004 for 15.4.
    pub(crate) number: i32,
    pub(crate) fsync: String,
    /// `full_page_writes`.
    pub(crate) pages: String,
    /// `synchronous_commit`.
    pub(crate) commit: String,
    pub(crate) now: OffsetDateTime,
}

pub(crate) async fn server_settings(pool: &PgPool) -> Result<ServerSettings, sqlx::Error> {
    sqlx::query_as!(
        ServerSettings,
        r#"select current_setting('server_version') as "version!", current_setting('server_version_num')::int as "number!",
                  current_setting('fsync') as "fsync!", current_setting('full_page_writes') as "pages!",
                  (select setting from pg_settings where name = 'synchronous_commit') as "commit!", now() as "now!""#
    )
    .fetch_one(pool)
    .await
}

/// The version of TLS that protects the connection of Postgres; `None` without TLS.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn tls_version(pool: &PgPool) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!("select version from pg_stat_ssl where pid = pg_backend_pid()").fetch_one(pool).await
}

/// Whether a pooler gives a connection of ours to another one between transactions, and so loses its settings and locks. Two connections that
/// are open at the same time then reach the same server process.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn shares_connections(pool: &PgPool) -> Result<bool, sqlx::Error> {
    if pool.options().get_max_connections() < 2 {
        return Ok(false);
    }
    let (mut one, mut other) = (pool.acquire().await?, pool.acquire().await?);
    for _ in 0..SHARING_ATTEMPTS {
        if backend(&mut one).await? == backend(&mut other).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The process that serves a connection. Without a prepared statement, which poolers may refuse.
async fn backend(connection: &mut PgConnection) -> Result<i32, sqlx::Error> {
    connection.fetch_one(sqlx::raw_sql("select pg_backend_pid()")).await?.try_get(0)
}

/// How many connections belong to writers of version 0.2.0 or older, whose application name has no version.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn old_writers(pool: &PgPool) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from pg_stat_activity where datname = current_database() and application_name = 'ingest-writing'"#
    )
    .fetch_one(pool)
    .await
}

/// The current time according to the database clock.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn now(pool: &PgPool) -> Result<OffsetDateTime, sqlx::Error> {
    sqlx::query_scalar!(r#"select now() as "now!""#).fetch_one(pool).await
}

/// Rows that wait to be published or streamed, counted up to 100,000.
pub(crate) struct Backlog {
    pub(crate) rows: i64,
    /// Age of the oldest row in seconds; 0 if there is none.
    pub(crate) age: i64,
}

/// Commits and messages in the outbox.
pub(crate) async fn outbox_backlog(pool: &PgPool) -> Result<Backlog, sqlx::Error> {
    sqlx::query_as!(
        Backlog,
        r#"select count(*) as "rows!", coalesce(extract(epoch from now() - min(created_at)), 0)::bigint as "age!"
           from (select created_at from outbox order by id limit 100000) as first"#
    )
    .fetch_one(pool)
    .await
}

/// Entries of the audit log that are not streamed yet.
pub(crate) async fn audit_backlog(pool: &PgPool) -> Result<Backlog, sqlx::Error> {
    sqlx::query_as!(
        Backlog,
        r#"select count(*) as "rows!", coalesce(extract(epoch from now() - min(at)), 0)::bigint as "age!"
           from (select at from audit where streamed_at is null order by id limit 100000) as first"#
    )
    .fetch_one(pool)
    .await
}

/// Open items in quarantine.
pub(crate) struct OpenQuarantine {
    pub(crate) count: i64,
    /// The most frequent reason.
    pub(crate) reason: Option<String>,
}

pub(crate) async fn open_quarantine(pool: &PgPool) -> Result<OpenQuarantine, sqlx::Error> {
    sqlx::query_as!(
        OpenQuarantine,
        r#"select count(*) as "count!", mode() within group (order by reason) as reason from quarantine where state = 'open'"#
    )
    .fetch_one(pool)
    .await
}

/// Refusals within the last hour that concern Mandrill.
pub(crate) struct HourlyRefusals {
    /// How many one of our keys signed.
    pub(crate) proven: i64,
    /// How many look like Mandrill's deliveries, which anyone can imitate.
    pub(crate) likely: i64,
}

/// Counts the refusals of all replicas within the last hour.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn refused_within_an_hour(pool: &PgPool) -> Result<HourlyRefusals, sqlx::Error> {
    sqlx::query_as!(
        HourlyRefusals,
        r#"select coalesce(sum(proven), 0)::bigint as "proven!", coalesce(sum(likely), 0)::bigint as "likely!" from refusals
           where last_at > now() - interval '1 hour'"#
    )
    .fetch_one(pool)
    .await
}

/// Refusals in the last day with the same reason and near miss.
pub(crate) struct RecentRefusals {
    pub(crate) reason: String,
    /// Codes joined by `+`.
    pub(crate) near_miss: Option<String>,
    /// The fix that the near miss suggests.
    pub(crate) hint: Option<String>,
    pub(crate) count: i64,
    /// How many of them one of our keys signed.
    pub(crate) proven: i64,
    /// How many of the others look like Mandrill's deliveries.
    pub(crate) likely: i64,
    pub(crate) last_at: OffsetDateTime,
    /// The time of the query, according to the same clock that set `last_at`.
    pub(crate) now: OffsetDateTime,
}

/// Refusals in the last day, latest first; up to 20 groups.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn recent_refusals(pool: &PgPool) -> Result<Vec<RecentRefusals>, sqlx::Error> {
    sqlx::query_as!(
        RecentRefusals,
        r#"select reason, near_miss, max(hint) as hint, sum(count)::bigint as "count!",
                  sum(proven)::bigint as "proven!", sum(likely)::bigint as "likely!", max(last_at) as "last_at!", now() as "now!"
           from refusals where last_at > now() - interval '1 day'
           group by reason, near_miss order by max(last_at) desc limit 20"#
    )
    .fetch_all(pool)
    .await
}

/// How far a restored database goes.
pub(crate) struct RestoredState {
    /// The moment to which the server was restored; `None` once it was restarted, and if it was restored in another way.
    pub(crate) restored_to: Option<OffsetDateTime>,
    /// When the newest event until that moment was received.
    pub(crate) newest_event: Option<OffsetDateTime>,
    /// When accounts were last changed until that moment.
    pub(crate) newest_change: Option<OffsetDateTime>,
    /// Months of events.
    pub(crate) partitions: i64,
}

/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn restored_state(pool: &PgPool) -> Result<RestoredState, sqlx::Error> {
    sqlx::query_as!(
        RestoredState,
        r#"select until.at as restored_to,
                  (select max(received_at) from events where received_at <= coalesce(until.at, 'infinity')) as newest_event,
                  (select max(audit.at) from audit where audit.at <= coalesce(until.at, 'infinity')) as newest_change,
                  (select count(*) from pg_inherits where inhparent = 'events'::regclass) as "partitions!"
           from pg_last_xact_replay_timestamp() as until (at)"#
    )
    .fetch_one(pool)
    .await
}
