//! Benchmark rows for lists, filters, searches and statistics through nginx, with 100,000 and 1,000,000 events.

use std::time::{Duration, Instant};

use anyhow::ensure;
use hdrhistogram::Histogram;
use sqlx::{Connection, PgConnection};
use stack::{Part, Stack};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::database;
use crate::report::Row;
use crate::run::{Effort, is_selected, print_line};
use crate::year;

const SMALL: u32 = 100_000;
const LARGE: u32 = 1_000_000;
/// Events of a year.
const YEAR: u32 = 10_000_000;
/// Number of distinct queries of each type per round.
const SAMPLES_PER_ROUND: i64 = 40;
/// Maximum time for the background job to count events that were inserted without ingest.
const COUNT_TIMEOUT: Duration = Duration::from_secs(300);

/// A stored event whose values the queries search for.
#[derive(sqlx::FromRow)]
struct Sample {
    number: i64,
    kind: String,
    recipient: String,
    sender: String,
    subject: String,
    tag: String,
    customer: String,
    plan: String,
    message: String,
}

/// The name of a query type, and a sample query string.
type Query = (&'static str, fn(&Sample) -> String);

const QUERIES: [Query; 13] = [
    ("newest", |_| String::new()),
    ("by kind", |sample| format!("kind={}", sample.kind)),
    ("by recipient", |sample| format!("recipient={}", sample.recipient)),
    ("by sender", |sample| format!("sender={}", sample.sender)),
    ("by subject", |sample| format!("subject={}", sample.subject.replace(' ', "%20"))),
    ("by tag", |sample| format!("tag={}", sample.tag)),
    ("by metadata", |sample| format!("metadata.customer={}", sample.customer)),
    ("by common metadata", |sample| format!("metadata.plan={}", sample.plan)),
    ("by address", |sample| format!("ip=198.51.{}.{}", sample.number % 256, sample.number / 2 % 256)),
    ("by link", |sample| format!("url=https%3A%2F%2Fexample.com%2F{}", sample.number % 5_000)),
    ("free text, rare", |sample| format!("q={}", sample.recipient.split('@').next().unwrap_or_default())),
    ("free text, common", |sample| format!("q={}", sample.subject.split(' ').nth(1).unwrap_or_default())),
    ("free text, none", |sample| format!("q=nothing{}", sample.number)),
];

/// Queries for most of which no index exists. They have a time of their own.
const EXCLUDING: [Query; 1] =
    [("excluding", |sample| format!("not.kind=send,delivered&q=digest&not.tag={}&simulated=false", sample.tag))];
const EXCLUDING_KINDS: [Query; 2] = [
    ("excluding kinds", |_| "not.kind=send,delivered,open,click".to_owned()),
    ("excluding all kinds", |_| "not.kind=send,delivered,open,click,hard_bounce".to_owned()),
];

/// Gives each of three clients one in a hundred events: by subaccount, tag, and domain of the sender.
const CLIENTS: &str = "
    update events set subaccount = 'client-a', terms = event_terms(search, template, 'client-a', url, ip) where id % 100 = 3;
    update events set tags = tags || 'client-b'::text, search = search || ' client-b',
      terms = event_terms(search || ' client-b', template, subaccount, url, ip) where id % 100 = 5;
    update events set sender = 'hello@client-c.example.com', search = search || ' hello@client-c.example.com',
      terms = event_terms(search || ' hello@client-c.example.com', template, subaccount, url, ip) where id % 100 = 7";
/// What limits a token to the events of each.
const RESTRICTIONS: [(&str, &str); 3] = [("subaccounts", "client-a"), ("tags", "client-b"), ("domains", "client-c.example.com")];

/// What the pages of the dashboard request first.
const PAGES: [Query; 9] = [
    ("events page, chart", |_| "/api/events/histogram".to_owned()),
    ("statistics page", |_| "/api/stats".to_owned()),
    ("recipient page", |sample| format!("/api/recipients/{}", sample.recipient)),
    ("message page", |sample| format!("/api/messages/{}", sample.message)),
    ("notifications page", |_| "/api/notifications".to_owned()),
    ("quarantine page", |_| "/api/quarantine".to_owned()),
    ("refusals page", |_| "/api/refusals".to_owned()),
    ("audit page", |_| "/api/audit".to_owned()),
    ("completion", |sample| format!("/api/complete?field=recipient&text={}", &sample.recipient[..7.min(sample.recipient.len())])),
];

pub(crate) async fn measure(effort: Effort, quick: bool, only: &str) -> anyhow::Result<Vec<Row>> {
    if !is_selected(only, "read") {
        return Ok(Vec::new());
    }
    if only == "read_p95_10m" {
        return measure_year(effort).await;
    }
    let small = Dataset::create(SMALL, effort).await?.p95_ms().await?;
    let mut rows =
        vec![Row::figure("read_p95_100k", "p95 of lists, filters and searches through nginx, 100,000 events", "ms", small)];
    // Storing a million events takes longer than the time allowed for an entire quick run.
    if !quick {
        let large = Dataset::create(LARGE, effort).await?;
        let (large_p95, year) = (large.p95_ms().await?, large.year_ms().await?);
        let limited = large.limited_p95_ms().await?;
        rows.extend([
            Row::figure("read_p95_1m", "p95 of lists, filters and searches through nginx, 1,000,000 events", "ms", large_p95),
            Row::figure("read_growth_1m", "p95 with 1,000,000 events divided by p95 with 100,000", "×", large_p95 / small),
            Row::figure("read_stats_year", "Statistics of a year, 1,000,000 events, median", "ms", year),
            Row::figure("read_limited_1m", "p95 of the same for callers who see 1 % of 1,000,000 events", "ms", limited),
        ]);
    }
    if !quick {
        rows.extend(measure_year(effort).await?);
    }
    Ok(rows)
}

/// Measures ten million events of a year, and a million for comparison.
async fn measure_year(effort: Effort) -> anyhow::Result<Vec<Row>> {
    let million = Dataset::of_year(LARGE, effort).await?;
    let before = million.p95_of(&QUERIES).await?;
    million.p95_of(&EXCLUDING_KINDS).await?;
    million.p95_of(&PAGES).await?;
    drop(million);
    let year = Dataset::of_year(YEAR, effort).await?;
    let after = year.p95_of(&QUERIES).await?;
    let kinds = year.p95_of(&EXCLUDING_KINDS).await?;
    year.p95_of(&EXCLUDING).await?;
    let pages = year.p95_of(&PAGES).await?;
    let figure = |id, name, value| Row::figure(id, name, "ms", value);
    Ok(vec![
        figure("read_p95_10m", "p95 of lists, filters and searches through nginx, 10,000,000 events of a year", after),
        Row::figure("read_growth_10m", "p95 with 10,000,000 events divided by p95 with 1,000,000", "×", after / before),
        figure("read_kinds_10m", "p95 of lists that exclude kinds, 10,000,000 events", kinds),
        figure("read_pages_10m", "p95 of what pages request first, 10,000,000 events", pages),
        figure("read_stats_year_10m", "Statistics of a year, 10,000,000 events, median", year.year_ms().await?),
    ])
}

/// A stack with `rows` events, and the credential of a caller.
struct Dataset {
    stack: Stack,
    http: reqwest::Client,
    /// The name and value of a header.
    credential: (&'static str, String),
    /// One sample per query of each type.
    samples: Vec<Sample>,
    rows: u32,
}

impl Dataset {
    async fn create(rows: u32, effort: Effort) -> anyhow::Result<Self> {
        let mut stack = Stack::start()?;
        database::prepare(&stack.database_url()).await?;
        print_line(&format!("  storing {rows} events"));
        database::fill(&stack.database_url(), rows).await?;
        let mut postgres = PgConnection::connect(&stack.database_url()).await?;
        sqlx::raw_sql(CLIENTS).execute(&mut postgres).await?;
        // When the service starts, a background job counts the events of completed hours.
        stack.restart(Part::Ingest)?;
        Self::ready(stack, rows, effort).await
    }

    async fn of_year(rows: u32, effort: Effort) -> anyhow::Result<Self> {
        let mut stack = Stack::start()?;
        database::prepare(&stack.database_url()).await?;
        print_line(&format!("  storing {rows} events of a year"));
        year::fill(&mut stack, rows).await?;
        Self::ready(stack, rows, effort).await
    }

    /// Waits for background work, and signs in.
    async fn ready(stack: Stack, rows: u32, effort: Effort) -> anyhow::Result<Self> {
        let mut postgres = PgConnection::connect(&stack.database_url()).await?;
        let counted = "select until > now() - interval '2 hours' from event_facets_until";
        let deadline = Instant::now() + COUNT_TIMEOUT;
        while !sqlx::query_scalar::<_, bool>(counted).fetch_one(&mut postgres).await? {
            ensure!(Instant::now() < deadline, "ingest did not count the past hours in time; check its log");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        // Bring the tables into the state that autovacuum would leave them in.
        sqlx::raw_sql("vacuum analyze").execute(&mut postgres).await?;
        sqlx::raw_sql("checkpoint").execute(&mut postgres).await?;
        wait_for_rest(&mut postgres).await?;
        let samples = sqlx::query_as(
            "select id as number, kind, recipient, sender, subject, tags[1] as tag, metadata ->> 'customer' as customer,
                    metadata ->> 'plan' as plan, message_id as message from events where id % 97 = 0 order by md5(id::text) limit $1",
        );
        let samples = samples.bind(SAMPLES_PER_ROUND * i64::try_from(effort.rounds)?).fetch_all(&mut postgres).await?;
        let http = reqwest::Client::new();
        let settings = stack.settings();
        let signed_in = http
            .post(format!("{}/api/session", stack.address()))
            .header("x-requested-with", "fetch")
            .json(&serde_json::json!({"email": settings.admin_email, "password": settings.admin_password}))
            .send()
            .await?
            .error_for_status()?;
        let cookie = signed_in.headers().get("set-cookie").and_then(|cookie| cookie.to_str().ok()).unwrap_or_default();
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        Ok(Self { stack, http, credential: ("cookie", cookie), samples, rows })
    }

    /// The highest p95 of three tokens that are limited to 1 % of the events.
    async fn limited_p95_ms(mut self) -> anyhow::Result<f64> {
        let mut highest: f64 = 0.0;
        let admin = self.credential.clone();
        for (part, value) in RESTRICTIONS {
            let body = serde_json::json!({"name": value, "scopes": ["read"], "restriction": {part: [value]}});
            let request = self.http.post(format!("{}/api/tokens", self.stack.address())).header("x-requested-with", "fetch");
            let created = request.header(admin.0, &admin.1).json(&body).send().await?.error_for_status()?;
            let created: serde_json::Value = serde_json::from_slice(&created.bytes().await?)?;
            self.credential = ("authorization", format!("Bearer {}", created["token"].as_str().unwrap_or_default()));
            print_line(&format!("  limited to {part} {value}:"));
            highest = highest.max(self.p95_of(&[&QUERIES[..], &EXCLUDING_KINDS].concat()).await?);
        }
        Ok(highest)
    }

    async fn time_get(&self, path: &str) -> anyhow::Result<Duration> {
        let sent = Instant::now();
        let response =
            self.http.get(format!("{}{path}", self.stack.address())).header(self.credential.0, &self.credential.1).send().await?;
        let status = response.status();
        response.bytes().await?;
        ensure!(status == 200, "{path} was answered with {status}");
        Ok(sent.elapsed())
    }

    /// Returns the p95 across all query types and prints the results for each type.
    async fn p95_ms(&self) -> anyhow::Result<f64> {
        self.p95_of(&[&QUERIES[..], &EXCLUDING].concat()).await
    }

    /// The p95 across these queries. Those that begin with a slash are paths, and all others filters of the list.
    async fn p95_of(&self, queries: &[Query]) -> anyhow::Result<f64> {
        let mut all = Histogram::<u64>::new(3)?;
        for (kind, query) in queries {
            let mut latency = Histogram::<u64>::new(3)?;
            for sample in &self.samples {
                let query = query(sample);
                let path = if query.starts_with('/') { query } else { format!("/api/events?{query}") };
                latency.record(u64::try_from(self.time_get(&path).await?.as_micros())?)?;
            }
            print_line(&format!(
                "  {:>9} events, {kind}: p50 {:.1} p95 {:.1} ms",
                self.rows,
                ms(&latency, 0.5),
                ms(&latency, 0.95)
            ));
            all.add(&latency)?;
        }
        Ok(ms(&all, 0.95))
    }

    async fn year_ms(&self) -> anyhow::Result<f64> {
        let year = OffsetDateTime::now_utc() - time::Duration::days(365);
        let path = format!("/api/stats?from={}", year.format(&Rfc3339)?);
        let mut latency = Histogram::<u64>::new(3)?;
        for _ in 0..SAMPLES_PER_ROUND {
            latency.record(u64::try_from(self.time_get(&path).await?.as_micros())?)?;
        }
        Ok(ms(&latency, 0.5))
    }
}

/// Waits until ingest has done what it does after a start, such as looking for common words: until Postgres has been idle for two seconds.
async fn wait_for_rest(postgres: &mut PgConnection) -> anyhow::Result<()> {
    let active = "select count(*) from pg_stat_activity
                  where state = 'active' and backend_type in ('client backend', 'autovacuum worker') and pid <> pg_backend_pid()";
    let (deadline, mut idle) = (Instant::now() + COUNT_TIMEOUT, 0);
    while idle < 10 {
        ensure!(Instant::now() < deadline, "Postgres is not idle; check what ingest does");
        tokio::time::sleep(Duration::from_millis(200)).await;
        let active: i64 = sqlx::query_scalar(active).fetch_one(&mut *postgres).await?;
        idle = if active == 0 { idle + 1 } else { 0 };
    }
    Ok(())
}

fn ms(histogram: &Histogram<u64>, quantile: f64) -> f64 {
    histogram.value_at_quantile(quantile) as f64 / 1_000.0
}
