//! Alarms. Every admin is notified once when a problem starts and once when it ends.
//!
//! Every replica evaluates the alarms. An alarm's row is locked while its state changes, so only one replica sends the notification. While
//! no row can be written, the metric and the log show the alarm, and admins are notified afterwards.

use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use shared::config::Count;
use sqlx::PgPool;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::periodic::counts;
use crate::readiness::{self, Readiness};
use crate::store::alarms;
use crate::store::diagnostics::{self, HourlyRefusals};

/// How often the alarms are evaluated.
const INTERVAL: Duration = Duration::from_secs(2);
/// Maximum time for storing the alarms about Postgres and Redis, which must follow their state soon.
const TIMEOUT: Duration = Duration::from_secs(2);
/// How long Postgres or Redis must take no writes before the alarm is raised, so that a restart raises none.
const MIN_DURATION: Duration = Duration::from_secs(5);
/// Number of Mandrill's deliveries rejected within an hour that raises the alarm. Mandrill retries a batch every 15 to 25 minutes and
/// disables a webhook after 20 failures.
const MIN_REFUSALS: i64 = 3;

/// Conditions that raise alarms.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Alarms")]
pub struct AlarmArgs {
    /// Minutes without a delivery after which every admin is notified. Unset: silence raises no alarm.
    #[arg(long, env = "SILENCE_ALERT_MINUTES", default_value = "")]
    pub silence_alert_minutes: Count,
}

struct Alarm {
    /// Used as the key in the table and as the metric's label, so it must not change.
    name: &'static str,
    title: &'static str,
}

const REFUSALS: Alarm = Alarm { name: "refusals", title: "Mandrill deliveries are being refused" };
const SILENCE: Alarm = Alarm { name: "silence", title: "No deliveries from Mandrill" };
const WRITES: Alarm = Alarm { name: "writes", title: "Deliveries cannot be stored" };
const ARCHIVE: Alarm = Alarm { name: "archive", title: "The archive does not work" };
const REDIS: Alarm = Alarm { name: "redis", title: "Events are not shown live" };

/// Suppresses problems that do not last.
#[derive(Default)]
struct Lasting(Option<Instant>);

impl Lasting {
    /// Returns the problem once it has lasted for [`MIN_DURATION`].
    fn filter<T>(&mut self, problem: Option<T>) -> Option<T> {
        if problem.is_none() {
            self.0 = None;
            return None;
        }
        let since = self.0.get_or_insert_with(Instant::now);
        problem.filter(|_| since.elapsed() >= MIN_DURATION)
    }
}

/// What is remembered of earlier evaluations.
#[derive(Default)]
struct Memory {
    writes: Lasting,
    redis: Lasting,
    outage: Option<Outage>,
}

/// A time during which Postgres takes no writes.
struct Outage {
    since: OffsetDateTime,
    problem: &'static str,
    /// Whether the alarm's row could be raised nevertheless, as it can if only some tables are locked.
    stored: bool,
}

/// Evaluates the alarms.
pub(crate) struct Alarms {
    pub(crate) pool: PgPool,
    /// `SILENCE_ALERT_MINUTES`.
    pub(crate) silence_minutes: Option<u32>,
    pub(crate) readiness: Arc<Readiness>,
    /// Wakes the publisher after an alarm has changed.
    pub(crate) outbox_filled: Arc<Notify>,
}

impl Alarms {
    /// Folds the counts and evaluates the alarms until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut memory = Memory::default();
        loop {
            if let Ok(Err(error)) = tokio::time::timeout(TIMEOUT, self.evaluate_readiness(&mut memory)).await {
                tracing::debug!(%error, "the alarms about Postgres and Redis could not be stored");
            }
            let evaluated = async {
                counts::fold(&self.pool).await?;
                self.evaluate_deliveries().await
            };
            if memory.outage.is_none()
                && let Err(error) = evaluated.await
            {
                tracing::debug!(%error, "the alarms could not be evaluated");
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(INTERVAL) => {}
            }
        }
    }

    /// The alarms about Postgres and Redis themselves.
    async fn evaluate_readiness(&self, memory: &mut Memory) -> Result<(), sqlx::Error> {
        let writes = memory.writes.filter(self.readiness.postgres().problem());
        let redis = memory.redis.filter(readiness::redis_problem(self.readiness.redis()));
        let outage = &mut memory.outage;
        set_metric(&WRITES, writes.is_some());
        set_metric(&REDIS, redis.is_some());
        match (writes, outage.as_mut()) {
            (Some((problem, advice)), known) => {
                let outage = match known {
                    Some(known) => known,
                    None => {
                        tracing::warn!(alarm = WRITES.name, problem, "deliveries cannot be stored");
                        outage.insert(Outage { since: OffsetDateTime::now_utc(), problem, stored: false })
                    }
                };
                let detail =
                    format!("{problem} {advice} Deliveries are answered with 503; Mandrill retries them for 5 to 8 hours.");
                self.update(&WRITES, Some(&detail)).await?;
                outage.stored = true;
            }
            (None, Some(Outage { since, problem, stored: false })) => {
                let from = since.format(&Rfc3339).unwrap_or_default();
                let detail = format!("From {from} on, no delivery could be stored. {problem} Mandrill retries the deliveries.");
                if alarms::record_past(&self.pool, WRITES.name, WRITES.title, &detail, *since).await? {
                    self.outbox_filled.notify_one();
                }
                *outage = None;
            }
            (None, _) => {
                self.update(&WRITES, None).await?;
                *outage = None;
            }
        }
        let redis =
            redis.map(|(problem, advice)| format!("{problem} {advice} Deliveries are stored; pages show them once Redis works."));
        self.update(&REDIS, redis.as_deref()).await?;
        Ok(())
    }

    /// The alarms about Mandrill's deliveries.
    async fn evaluate_deliveries(&self) -> Result<(), sqlx::Error> {
        let refused = refusals_problem(diagnostics::refused_within_an_hour(&self.pool).await?);
        set_metric(&REFUSALS, refused.is_some());
        self.update(&REFUSALS, refused.as_deref()).await?;
        let silence = match (self.silence_minutes, diagnostics::seconds_since_delivery(&self.pool).await?) {
            (Some(minutes), Some(seconds)) if seconds > i64::from(minutes) * 60 => Some(format!(
                "No delivery has arrived for {} minutes. Check in Mandrill whether the webhook was disabled.",
                seconds / 60
            )),
            _ => None,
        };
        set_metric(&SILENCE, silence.is_some());
        self.update(&SILENCE, silence.as_deref()).await?;
        Ok(())
    }

    /// Stores the state of an alarm. Returns true if it changed, in which case every admin is notified.
    async fn update(&self, alarm: &Alarm, problem: Option<&str>) -> Result<bool, sqlx::Error> {
        let changed = alarms::update(&self.pool, alarm.name, alarm.title, problem).await?;
        if changed {
            tracing::warn!(alarm = alarm.name, raised = problem.is_some(), "an alarm changed");
            self.outbox_filled.notify_one();
        }
        Ok(changed)
    }
}

/// Raises the alarm about the archive, or clears it.
///
/// # Errors
/// Returns an error if Postgres fails.
pub(crate) async fn set_archive_alarm(pool: &PgPool, problem: Option<&str>) -> Result<(), sqlx::Error> {
    set_metric(&ARCHIVE, problem.is_some());
    alarms::update(pool, ARCHIVE.name, ARCHIVE.title, problem).await?;
    Ok(())
}

fn refusals_problem(HourlyRefusals { proven, likely }: HourlyRefusals) -> Option<String> {
    if proven >= MIN_REFUSALS {
        Some(format!(
            "{proven} deliveries from Mandrill were refused within an hour. Mandrill disables a webhook after 20 failures, about 5 \
             hours. Run `ingest doctor` to see why."
        ))
    } else if proven + likely >= MIN_REFUSALS {
        Some(format!(
            "{} requests that look like Mandrill's deliveries were refused within an hour. Check in Mandrill whether a webhook fails, and \
             run `ingest doctor` to see why. If all webhooks work, the requests do not come from Mandrill, and no action is needed.",
            proven + likely
        ))
    } else {
        None
    }
}

fn set_metric(alarm: &Alarm, is_raised: bool) {
    metrics::gauge!("ingest_alarm", "name" => alarm.name).set(if is_raised { 1.0 } else { 0.0 });
}
