//! Checks of Postgres itself: availability, durability, clock, schema and partitions.

use sqlx::PgPool;
use sqlx::postgres::PgSslMode;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::api::system::report::Finding;
use crate::erasure::keys::SecretKeys;
use crate::store::diagnostics::{self, ServerSettings};
use crate::store::erasures::ErasureCache;
use crate::store::{migrations, partitions, sqlstate, upgrade_moments, write_probe};

/// `server_version_num` of the oldest supported version.
const MIN_VERSION: i32 = 150_000;
/// Maximum difference between the clocks of this machine and of Postgres, in seconds.
const MAX_CLOCK_DIFFERENCE: i64 = 5;
/// How far into the future the partitions must extend.
const MIN_LEAD: time::Duration = time::Duration::days(6);

/// The finding to report when a check's query fails.
pub(crate) fn unavailable(error: &sqlx::Error) -> Finding {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    match code.as_deref() {
        Some("42P01" | "42703") => Finding::fail("database", "The schema is missing or outdated.", "Run `ingest migrate`."),
        Some("3D000") => Finding::fail("database", "The database does not exist.", "Check DATABASE_URL."),
        _ => {
            let (problem, advice) =
                sqlstate::state(error).problem().unwrap_or(("Postgres does not respond.", "Check Postgres and DATABASE_URL."));
            Finding::fail(
                "database",
                format!("{problem} Deliveries are answered with 503."),
                format!("{advice} Mandrill retries a batch 20 times, over 5 to 8 hours."),
            )
        }
    }
}

/// Whether a delivery would be committed.
pub(crate) async fn writes(pool: &PgPool) -> Finding {
    match write_probe::run(pool).await.err().and_then(|refusal| refusal.state.problem()) {
        None => Finding::ok("writes", "Postgres takes writes."),
        Some((problem, advice)) => Finding::fail(
            "writes",
            format!("{problem} Deliveries are answered with 503."),
            format!("{advice} Mandrill retries a batch 20 times, over 5 to 8 hours."),
        ),
    }
}

/// The finding if a pooler makes all others impossible.
pub(crate) async fn pooler(pool: &PgPool) -> Result<Option<Finding>, sqlx::Error> {
    Ok(diagnostics::shares_connections(pool).await?.then(|| {
        Finding::fail(
            "database",
            "A pooler gives our connections to others between transactions, so that settings and locks are lost.",
            "Set `pool_mode = session` in PgBouncer for this database, or connect to Postgres directly.",
        )
    }))
}

/// The version and durability settings, and the clock offset.
pub(crate) async fn server(pool: &PgPool) -> Result<Vec<Finding>, sqlx::Error> {
    let before = OffsetDateTime::now_utc();
    let settings = diagnostics::server_settings(pool).await?;
    let protection = protection_of(pool).await?;
    Ok(vec![durability(&settings, &protection), clock((settings.now - before).whole_seconds().abs())])
}

/// How these connections are protected, in words.
pub(super) async fn protection_of(pool: &PgPool) -> Result<String, sqlx::Error> {
    Ok(protection(pool.connect_options().get_ssl_mode(), diagnostics::tls_version(pool).await?.as_deref()))
}

fn protection(mode: PgSslMode, tls: Option<&str>) -> String {
    let checked = match mode {
        PgSslMode::VerifyFull => "the certificate and the host are checked",
        PgSslMode::VerifyCa => "the certificate is checked, but not the host",
        PgSslMode::Disable | PgSslMode::Allow | PgSslMode::Prefer | PgSslMode::Require => "the certificate is not checked",
    };
    match tls {
        Some(version) => format!("the connection is encrypted ({version}), and {checked}"),
        None if matches!(mode, PgSslMode::Disable | PgSslMode::Allow | PgSslMode::Prefer) => {
            "the connection is not encrypted".to_owned()
        }
        None => format!("the connection to the pooler is encrypted, and {checked}; from there to Postgres it is not encrypted"),
    }
}

fn durability(settings: &ServerSettings, protection: &str) -> Finding {
    let version = format!("PostgreSQL {}", settings.version);
    let is_durable = settings.fsync == "on" && settings.pages == "on" && settings.commit != "off";
    if settings.number < MIN_VERSION {
        Finding::warn("database", format!("{version} is older than PostgreSQL 15."), "Upgrade to PostgreSQL 15 or newer.")
    } else if is_durable {
        Finding::ok("database", format!("{version}; {protection}."))
    } else {
        Finding::fail(
            "database",
            format!("{version} can lose committed events: fsync, full_page_writes or synchronous_commit is off."),
            "Turn all three on. A 200 promises that the event is stored permanently.",
        )
    }
}

fn clock(difference: i64) -> Finding {
    if difference <= MAX_CLOCK_DIFFERENCE {
        Finding::ok("clock", "The clocks of this machine and of Postgres agree.")
    } else {
        Finding::warn(
            "clock",
            format!("The clocks of this machine and of Postgres differ by {difference} s."),
            "Synchronise both clocks. Events get their time of receipt from Postgres.",
        )
    }
}

pub(crate) async fn schema(pool: &PgPool) -> Result<Finding, sqlx::Error> {
    let (applied, known) = (migrations::applied_versions(pool).await?, migrations::known_versions());
    let missing = known.iter().filter(|version| !applied.contains(version)).count();
    Ok(if missing > 0 {
        let what = if missing == 1 { "1 migration is missing.".to_owned() } else { format!("{missing} migrations are missing.") };
        Finding::fail("schema", what, "Run `ingest migrate`.")
    } else if applied.iter().any(|version| !known.contains(version)) {
        Finding::warn("schema", "The schema is newer than this program.", "Update this program.")
    } else {
        Finding::ok("schema", format!("All {} migrations are applied.", known.len()))
    })
}

/// Warns of replicas that would not take part in the new way of identifying sync events.
pub(crate) async fn replicas(pool: &PgPool) -> Result<Finding, sqlx::Error> {
    let moment = upgrade_moments::sync_senders_from(pool).await?;
    Ok(if diagnostics::old_writers(pool).await? == 0 {
        Finding::ok("replicas", "No replica of version 0.2.0 or older is connected.")
    } else {
        let moment = moment.format(&Rfc3339).unwrap_or_default();
        Finding::warn(
            "replicas",
            "A replica of version 0.2.0 or older is connected.",
            format!("Update it before {moment}: from then on, it could store a change to the denylist or allowlist twice."),
        )
    })
}

/// Whether erased addresses can be recognised, and addresses be erased.
pub(crate) async fn secret_key(pool: &PgPool, keys: &SecretKeys) -> Result<Finding, sqlx::Error> {
    let erasures = ErasureCache::new(keys.clone()).get(pool).await?;
    Ok(if erasures.has_unknown_key {
        Finding::fail(
            "secret_key",
            "Addresses were erased with a key that SECRET_KEY does not contain, so deliveries are answered with 503.",
            "Add the former key to SECRET_KEY, after the present one and a comma.",
        )
    } else if keys.first().is_none() {
        let advice = "Set SECRET_KEY to a random text of at least 16 characters, and keep it as long as the database.";
        Finding::warn("secret_key", "No secret key is configured, so no recipient can be erased.", advice)
    } else {
        Finding::ok("secret_key", "Recipients can be erased.")
    })
}

pub(crate) async fn partitions(pool: &PgPool) -> Result<Finding, sqlx::Error> {
    let now = diagnostics::now(pool).await?;
    let partitions = partitions::all(pool).await?;
    let last = partitions.iter().filter(|partition| partition.attached).map(|partition| partition.until).max();
    let detached = partitions.iter().find(|partition| !partition.attached || partition.detaching);
    Ok(match (last, detached) {
        (Some(last), _) if last < now + MIN_LEAD => Finding::warn(
            "partitions",
            format!("The last partition ends on {}.", last.date()),
            "Run `ingest migrate`, or check the running service's log to see why it is not creating new ones.",
        ),
        (None, _) => Finding::fail("partitions", "There are no partitions to store events in.", "Run `ingest migrate`."),
        (_, Some(partition)) => Finding::warn(
            "partitions",
            format!("{} is detached but was not dropped.", partition.name),
            "Set RETENTION_DAYS and run `ingest retention`.",
        ),
        (Some(last), None) => {
            let what = format!("{} partitions exist. The last one ends on {}.", partitions.len(), last.date());
            Finding::ok("partitions", what)
        }
    })
}
