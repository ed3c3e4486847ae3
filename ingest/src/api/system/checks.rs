//! What the doctor looks at, one function a matter.

use std::collections::HashSet;
use std::time::Duration;

use redis::AsyncCommands;
use sqlx::PgPool;
use time::OffsetDateTime;

use crate::api::system::{Finding, Patient};
use crate::config::Webhook;
use crate::periodic::alarms as alarm;
use crate::redact::printable;
use crate::store::{migrations, partitions};

/// A full batch of Mandrill's is 2 to 3 MB.
const FULL_BATCH: usize = 4 << 20;
/// Clocks further apart than this put events at the wrong time.
const CLOCKS_APART: i64 = 5;
/// An outbox older than this is not being relayed.
const OUTBOX_OLD: i64 = 60;
const PATIENCE: Duration = Duration::from_secs(3);

/// Keys, addresses and bounds.
pub(crate) fn configuration(webhook: &Webhook) -> Vec<Finding> {
    let keys = &webhook.webhook_keys;
    let secrets: HashSet<&str> = keys.iter().map(|key| key.label.as_str()).collect();
    let mut findings = vec![if keys.is_empty() {
        Finding::fail(
            "keys",
            "no webhook key is configured: every delivery is refused",
            "copy the webhook's key from Mandrill (Settings → Webhooks) into WEBHOOK_KEYS, or run `ingest webhook add`; then restart",
        )
    } else if secrets.len() < keys.iter().len() {
        Finding::warn("keys", "two keys have the same label", "give each key a label of its own: LABEL=KEY,OTHER=KEY")
    } else {
        Finding::ok("keys", format!("{} configured", keys.iter().len()))
    }];
    let urls: Vec<&str> = webhook.webhook_urls.iter().collect();
    let plain = urls.iter().find(|url| url.starts_with("http://") && !is_local(url));
    let odd = urls.iter().find(|url| !url.starts_with("http://") && !url.starts_with("https://"));
    findings.push(match (urls.is_empty(), odd, plain) {
        (true, _, _) => Finding::fail(
            "urls",
            "no webhook address is configured: every delivery is refused",
            "put the address exactly as typed into Mandrill into WEBHOOK_URLS",
        ),
        (_, Some(url), _) => Finding::fail(
            "urls",
            format!("`{}` is no http address", printable(url)),
            "write https://HOST/webhook/ in WEBHOOK_URLS",
        ),
        (_, _, Some(url)) => Finding::warn(
            "urls",
            format!("{} is not https: events travel readable", printable(url)),
            "put a proxy that speaks TLS in front, and give Mandrill and WEBHOOK_URLS the https address",
        ),
        _ => Finding::ok("urls", urls.iter().map(|url| printable(url)).collect::<Vec<_>>().join(", ")),
    });
    let smallest = webhook.webhook_max_body.min(webhook.webhook_memory / 2);
    if smallest < FULL_BATCH {
        findings.push(Finding::warn(
            "bounds",
            format!("deliveries of at most {smallest} bytes fit; a full batch has 2 to 3 MB"),
            "raise WEBHOOK_MAX_BODY to 33554432, and WEBHOOK_MEMORY to twice that",
        ));
    }
    findings
}

fn is_local(url: &str) -> bool {
    let host = url.split("://").nth(1).unwrap_or_default();
    ["127.", "localhost", "[::1]"].iter().any(|local| host.starts_with(local))
}

/// Whether Redis answers.
pub(crate) async fn redis(pool: &deadpool_redis::Pool) -> Vec<Finding> {
    let asked = tokio::time::timeout(PATIENCE, async { pool.get().await.ok()?.ping::<String>().await.ok() });
    vec![match asked.await {
        Ok(Some(_)) => Finding::ok("redis", "answers"),
        _ => Finding::warn(
            "redis",
            "does not answer: deliveries are stored, and nothing is shown live",
            "look at Redis and REDIS_URL; what waits is relayed once it is back",
        ),
    }]
}

/// Postgres is away, or not as it should be.
pub(crate) fn no_database(error: &sqlx::Error) -> Finding {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    match code.as_deref() {
        Some("42P01" | "42703") => Finding::fail("database", "the schema is missing or old", "run `ingest migrate`"),
        Some("28P01" | "28000") => Finding::fail("database", "the user or password is refused", "look at DATABASE_URL"),
        Some("3D000") => Finding::fail("database", "there is no such database", "look at DATABASE_URL"),
        _ => Finding::fail(
            "database",
            "Postgres does not answer: deliveries are told to come back",
            "look at Postgres and DATABASE_URL; Mandrill repeats a batch 20 times, over 5 to 8 hours",
        ),
    }
}

/// All that needs Postgres.
pub(crate) async fn database(patient: Patient<'_>) -> Result<Vec<Finding>, sqlx::Error> {
    let pool = patient.pool;
    let mut findings = server(pool).await?;
    findings.push(schema(pool).await?);
    findings.push(months(pool).await?);
    findings.push(outbox(pool).await?);
    findings.push(quarantine(pool).await?);
    findings.push(last_event(pool, patient.silence_minutes).await?);
    findings.extend(refusals(pool).await?);
    Ok(findings)
}

async fn server(pool: &PgPool) -> Result<Vec<Finding>, sqlx::Error> {
    let settings = sqlx::query!(
        r#"select current_setting('server_version') as "version!", current_setting('server_version_num')::int as "number!",
                  current_setting('fsync') as "fsync!", current_setting('full_page_writes') as "pages!",
                  (select setting from pg_settings where name = 'synchronous_commit') as "commit!", now() as "now!""#
    );
    let before = OffsetDateTime::now_utc();
    let settings = settings.fetch_one(pool).await?;
    let version = format!("PostgreSQL {}", settings.version);
    let durable = settings.fsync == "on" && settings.pages == "on" && settings.commit != "off";
    let mut findings = vec![if settings.number < 150_000 {
        Finding::warn("database", format!("{version} is older than 15"), "use PostgreSQL 15 or newer")
    } else if durable {
        Finding::ok("database", version)
    } else {
        Finding::fail(
            "database",
            format!("{version} may forget what it has committed: fsync or full_page_writes is off"),
            "turn both on; a 200 promises that the event is kept",
        )
    }];
    let apart = (settings.now - before).whole_seconds();
    findings.push(if apart.abs() <= CLOCKS_APART {
        Finding::ok("clock", "this machine and Postgres agree")
    } else {
        Finding::warn(
            "clock",
            format!("this machine and Postgres are {} s apart", apart.abs()),
            "synchronise both clocks; events are stamped by Postgres",
        )
    });
    Ok(findings)
}

async fn schema(pool: &PgPool) -> Result<Finding, sqlx::Error> {
    let (applied, known) = (migrations::applied_versions(pool).await?, migrations::known_versions());
    let missing = known.iter().filter(|version| !applied.contains(version)).count();
    Ok(if missing > 0 {
        Finding::fail("schema", format!("{missing} migrations are missing"), "run `ingest migrate`")
    } else if applied.iter().any(|version| !known.contains(version)) {
        Finding::warn("schema", "the database is newer than this program", "update this program")
    } else {
        Finding::ok("schema", format!("{} migrations applied", known.len()))
    })
}

async fn months(pool: &PgPool) -> Result<Finding, sqlx::Error> {
    let now = sqlx::query_scalar!(r#"select now() as "now!""#).fetch_one(pool).await?;
    let months = partitions::all(pool).await?;
    let last = months.iter().filter(|month| month.attached).map(|month| month.until).max();
    let broken = months.iter().find(|month| !month.attached || month.detaching);
    Ok(match (last, broken) {
        (Some(last), _) if last < now + time::Duration::days(31) => Finding::warn(
            "partitions",
            format!("the last month ends on {}", last.date()),
            "look at why the running service makes none ahead (its log says), or run `ingest migrate`",
        ),
        (None, _) => Finding::fail("partitions", "there is no month to store events in", "run `ingest migrate`"),
        (_, Some(month)) => Finding::warn(
            "partitions",
            format!("{} is detached, and not dropped", month.name),
            "set RETENTION_DAYS, and run `ingest retention`",
        ),
        (Some(last), None) => Finding::ok("partitions", format!("{} months, made ahead to {}", months.len(), last.date())),
    })
}

async fn outbox(pool: &PgPool) -> Result<Finding, sqlx::Error> {
    let backlog = sqlx::query!(
        r#"select count(*) as "rows!", coalesce(extract(epoch from now() - min(created_at)), 0)::bigint as "age!"
           from (select created_at from outbox order by id limit 100000) as first"#
    );
    let backlog = backlog.fetch_one(pool).await?;
    let what = format!("{} commits wait to be relayed, the oldest for {} s", backlog.rows, backlog.age);
    Ok(if backlog.age > OUTBOX_OLD {
        Finding::warn("relay", what, "nothing is lost; look at Redis, and at the service's log for what it refuses")
    } else {
        Finding::ok("relay", what)
    })
}

async fn quarantine(pool: &PgPool) -> Result<Finding, sqlx::Error> {
    let open = sqlx::query!(
        r#"select count(*) as "count!", mode() within group (order by reason) as reason from quarantine where state = 'open'"#
    );
    let open = open.fetch_one(pool).await?;
    Ok(match open.reason {
        Some(reason) if open.count > 0 => Finding::warn(
            "quarantine",
            format!("{} elements are kept apart, mostly `{reason}`", open.count),
            "see them on the page Quarantine; retry them after an update, or discard them",
        ),
        _ => Finding::ok("quarantine", "empty"),
    })
}

async fn last_event(pool: &PgPool, silence_minutes: Option<u32>) -> Result<Finding, sqlx::Error> {
    let Some(seconds) = alarm::seconds_since_delivery(pool).await? else {
        return Ok(Finding::warn(
            "last_event",
            "nothing has come from Mandrill yet",
            "set the webhook up (README, Set up Mandrill), press Send Test there, and look below for refusals",
        ));
    };
    let what = format!("the last delivery was accepted {} ago", in_words(seconds));
    Ok(match silence_minutes {
        Some(minutes) if seconds > i64::from(minutes) * 60 => Finding::fail(
            "last_event",
            what,
            "look in Mandrill whether the webhook was switched off (`ingest webhook list` shows its last error)",
        ),
        _ => Finding::ok("last_event", what),
    })
}

/// Those of the last day, by reason and near-miss.
async fn refusals(pool: &PgPool) -> Result<Vec<Finding>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select reason, near_miss, max(hint) as hint, sum(count)::bigint as "count!", max(last_at) as "last_at!", now() as "now!"
           from refusals where last_at > now() - interval '1 day'
           group by reason, near_miss order by max(last_at) desc limit 20"#
    );
    let rows = rows.fetch_all(pool).await?;
    if rows.is_empty() {
        return Ok(vec![Finding::ok("refusals", "none within a day")]);
    }
    let found = rows.into_iter().map(|row| {
        let near_miss = row.near_miss.map(|codes| format!(" (near miss: {codes})")).unwrap_or_default();
        let ago = in_words((row.now - row.last_at).whole_seconds());
        let deliveries = if row.count == 1 { "delivery" } else { "deliveries" };
        let what = format!("{} {deliveries} refused as `{}`{near_miss}, the last {ago} ago", row.count, row.reason);
        if alarm::IS_SIGNED.contains(&row.reason.as_str()) {
            let advice = row.hint.unwrap_or_else(|| advice_for(&row.reason).to_owned());
            Finding::fail("refusals", what, format!("{advice} Mandrill switches a webhook off after 20 failures, about 5 hours."))
        } else {
            Finding::warn("refusals", what, advice_for(&row.reason))
        }
    });
    Ok(found.collect())
}

fn advice_for(reason: &str) -> &'static str {
    match reason {
        "no_key" => "Set WEBHOOK_KEYS.",
        "no_url" => "Set WEBHOOK_URLS.",
        "wrong_signature" => "Compare WEBHOOK_KEYS and WEBHOOK_URLS with the webhook in Mandrill, character by character.",
        "too_large" => "Raise WEBHOOK_MAX_BODY, and WEBHOOK_SPOOL of nginx above it.",
        "unsigned" | "media_type" => {
            "Somebody other than Mandrill posts here; nothing to do, unless a proxy drops X-Mandrill-Signature."
        }
        "slow_body" | "broken_body" => "A proxy in front, or the network, breaks bodies off.",
        _ => "Mandrill does not send this: a proxy changes bodies on the way, or somebody else posts here.",
    }
}

fn in_words(seconds: i64) -> String {
    match seconds {
        ..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}
