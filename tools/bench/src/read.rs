//! Lists, filters, searches and statistics through nginx, among a hundred thousand events and among a million.

use std::time::{Duration, Instant};

use anyhow::ensure;
use hdrhistogram::Histogram;
use sqlx::{Connection, PgConnection};
use stack::{Part, Stack};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::report::Row;
use crate::{Effort, database, say, wanted};

const SMALL: u32 = 100_000;
const LARGE: u32 = 1_000_000;
/// Questions of each sort, of which each asks something else.
const ASKED: i64 = 40;
/// How long upkeep may take to count what was stored past ingest.
const COUNTED_BY: Duration = Duration::from_secs(300);

/// An event that is there, from which something to look for is taken.
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
}

/// What is asked, by sort.
type Question = (&'static str, fn(&Sample) -> String);

const QUESTIONS: [Question; 14] = [
    ("newest", |_| String::new()),
    ("by kind", |of| format!("kind={}", of.kind)),
    ("by recipient", |of| format!("recipient={}", of.recipient)),
    ("by sender", |of| format!("sender={}", of.sender)),
    ("by subject", |of| format!("subject={}", of.subject.replace(' ', "%20"))),
    ("by tag", |of| format!("tag={}", of.tag)),
    ("by metadata", |of| format!("metadata.customer={}", of.customer)),
    ("by common metadata", |of| format!("metadata.plan={}", of.plan)),
    ("by address", |of| format!("ip=198.51.{}.{}", of.number % 256, of.number / 2 % 256)),
    ("by link", |of| format!("url=https%3A%2F%2Fexample.com%2F{}", of.number % 5_000)),
    ("free text, rare", |of| format!("q={}", of.recipient.split('@').next().unwrap_or_default())),
    ("free text, common", |of| format!("q={}", of.subject.split(' ').nth(1).unwrap_or_default())),
    ("free text, none", |of| format!("q=nothing{}", of.number)),
    ("excluding", |of| format!("not.kind=send,delivered&q=digest&not.tag={}&simulated=false", of.tag)),
];

pub(crate) async fn measure(effort: Effort, quick: bool, only: &str) -> anyhow::Result<Vec<Row>> {
    if !wanted(only, "read") {
        return Ok(Vec::new());
    }
    let small = Library::of(SMALL, effort).await?.p95_ms().await?;
    let mut rows =
        vec![Row::alone("read_p95_100k", "p95 of lists, filters and searches through nginx, 100,000 events", "ms", small)];
    // Storing a million takes longer than all of a quick run may.
    if !quick {
        let large = Library::of(LARGE, effort).await?;
        let (among_large, year) = (large.p95_ms().await?, large.year_ms().await?);
        rows.extend([
            Row::alone("read_p95_1m", "the same, 1,000,000 events", "ms", among_large),
            Row::alone("read_growth_1m", "the second divided by the first", "×", among_large / small),
            Row::alone("read_stats_year", "Statistics of a year, 1,000,000 events, median", "ms", year),
        ]);
    }
    Ok(rows)
}

/// A stack that holds so many events, and somebody signed in.
struct Library {
    /// Serves until it is dropped.
    stack: Stack,
    http: reqwest::Client,
    cookie: String,
    /// One for each question of a sort.
    samples: Vec<Sample>,
    rows: u32,
}

impl Library {
    async fn of(rows: u32, effort: Effort) -> anyhow::Result<Self> {
        let mut stack = Stack::start()?;
        database::prepare(&stack.database_url()).await?;
        say(&format!("  storing {rows} events"));
        database::fill(&stack.database_url(), rows).await?;
        let mut postgres = PgConnection::connect(&stack.database_url()).await?;
        // Upkeep counts the hours that are over as the service starts.
        stack.restart(Part::Ingest)?;
        let counted = "select until > now() - interval '2 hours' from event_facets_until";
        let deadline = Instant::now() + COUNTED_BY;
        while !sqlx::query_scalar::<_, bool>(counted).fetch_one(&mut postgres).await? {
            ensure!(Instant::now() < deadline, "the hours are not counted");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        // As autovacuum leaves it.
        sqlx::raw_sql("vacuum analyze").execute(&mut postgres).await?;
        sqlx::raw_sql("checkpoint").execute(&mut postgres).await?;
        let samples = sqlx::query_as(
            "select id as number, kind, recipient, sender, subject, tags[1] as tag, metadata ->> 'customer' as customer,
                    metadata ->> 'plan' as plan from events order by md5(id::text) limit $1",
        );
        let samples = samples.bind(ASKED * i64::try_from(effort.rounds)?).fetch_all(&mut postgres).await?;
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
        Ok(Self { stack, http, cookie, samples, rows })
    }

    async fn ask(&self, path: &str) -> anyhow::Result<Duration> {
        let asked = Instant::now();
        let answer = self.http.get(format!("{}{path}", self.stack.address())).header("cookie", &self.cookie).send().await?;
        let status = answer.status();
        answer.bytes().await?;
        ensure!(status == 200, "{path} was answered with {status}");
        Ok(asked.elapsed())
    }

    /// Over all sorts alike; what each sort took is printed.
    async fn p95_ms(&self) -> anyhow::Result<f64> {
        let mut all = Histogram::<u64>::new(3)?;
        for (sort, question) in QUESTIONS {
            let mut took = Histogram::<u64>::new(3)?;
            for sample in &self.samples {
                let path = format!("/api/events?{}", question(sample));
                took.record(u64::try_from(self.ask(&path).await?.as_micros())?)?;
            }
            say(&format!("  {:>9} events, {sort}: p50 {:.1} p95 {:.1} ms", self.rows, ms(&took, 0.5), ms(&took, 0.95)));
            all.add(&took)?;
        }
        Ok(ms(&all, 0.95))
    }

    async fn year_ms(&self) -> anyhow::Result<f64> {
        let year = OffsetDateTime::now_utc() - time::Duration::days(365);
        let path = format!("/api/stats?from={}", year.format(&Rfc3339)?);
        let mut took = Histogram::<u64>::new(3)?;
        for _ in 0..ASKED {
            took.record(u64::try_from(self.ask(&path).await?.as_micros())?)?;
        }
        Ok(ms(&took, 0.5))
    }
}

fn ms(histogram: &Histogram<u64>, quantile: f64) -> f64 {
    histogram.value_at_quantile(quantile) as f64 / 1_000.0
}
