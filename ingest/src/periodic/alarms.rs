//! Alarms. Every admin is notified once when a problem starts and once when it ends.
//!
//! Every replica evaluates the alarms. An alarm's row is locked while its state changes, so only one replica sends the notification.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use shared::config::Count;
use sqlx::postgres::PgConnection;
use sqlx::{Connection, PgPool};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::periodic::counts;
use crate::store::diagnostics::{self, SIGNED_REFUSAL_REASONS};

/// How often the alarms are evaluated.
const INTERVAL: Duration = Duration::from_secs(5);
/// Number of signed deliveries rejected within an hour that raises the alarm. Mandrill retries a batch every 15 to 25 minutes and
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

/// Folds the counts and evaluates the alarms until `stop`. Wakes the publisher after an alarm changes.
pub(crate) async fn run(pool: PgPool, silence_minutes: Option<u32>, outbox_filled: Arc<Notify>, stop: CancellationToken) {
    loop {
        let evaluated = async {
            counts::fold(&pool).await?;
            evaluate(&pool, silence_minutes).await
        };
        match evaluated.await {
            Ok(changed) if changed => outbox_filled.notify_one(),
            Ok(_) => {}
            Err(error) => tracing::debug!(%error, "the alarms could not be evaluated"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(INTERVAL) => {}
        }
    }
}

/// Evaluates every alarm. Returns true if any of them changed.
async fn evaluate(pool: &PgPool, silence_minutes: Option<u32>) -> Result<bool, sqlx::Error> {
    let mut connection = pool.acquire().await?;
    let refused = refused_within_an_hour(pool).await?;
    let refusals = (refused >= MIN_REFUSALS).then(|| {
        format!(
            "{refused} signed deliveries were refused within an hour. Mandrill disables a webhook after 20 failures, about 5 \
             hours. Run `ingest doctor` to see why."
        )
    });
    let mut changed = update(&mut connection, &REFUSALS, refusals).await?;
    let silence = match (silence_minutes, diagnostics::seconds_since_delivery(pool).await?) {
        (Some(minutes), Some(seconds)) if seconds > i64::from(minutes) * 60 => Some(format!(
            "No delivery has arrived for {} minutes. Check in Mandrill whether the webhook was disabled.",
            seconds / 60
        )),
        _ => None,
    };
    changed |= update(&mut connection, &SILENCE, silence).await?;
    Ok(changed)
}

/// Returns the number of signed deliveries rejected within the last hour by any replica.
async fn refused_within_an_hour(pool: &PgPool) -> Result<i64, sqlx::Error> {
    let reasons = SIGNED_REFUSAL_REASONS.map(str::to_owned);
    sqlx::query_scalar!(
        r#"select coalesce(sum(count), 0)::bigint as "count!" from refusals
           where reason = any($1) and last_at > now() - interval '1 hour'"#,
        &reasons
    )
    .fetch_one(pool)
    .await
}

/// Raises the alarm if there is a `problem` and clears it otherwise. If its state changed, notifies every admin and returns true.
async fn update(connection: &mut PgConnection, alarm: &Alarm, problem: Option<String>) -> Result<bool, sqlx::Error> {
    let Alarm { name, title } = *alarm;
    metrics::gauge!("ingest_alarm", "name" => name).set(if problem.is_some() { 1.0 } else { 0.0 });
    let (raised, detail) = (problem.is_some(), problem.unwrap_or_default());
    let mut transaction = connection.begin().await?;
    let changed = set_state(&mut transaction, name, raised, &detail).await?;
    if changed {
        let title = if raised { title.to_owned() } else { format!("Resolved: {title}") };
        notify_admins(&mut transaction, &title, &detail).await?;
        tracing::warn!(alarm = name, raised, "an alarm changed");
    }
    transaction.commit().await?;
    Ok(changed)
}

/// Returns true if the alarm's state changed. An alarm without a row has never been raised, so it does not need to be cleared.
async fn set_state(connection: &mut PgConnection, name: &str, raised: bool, detail: &str) -> Result<bool, sqlx::Error> {
    let inserted = sqlx::query!(
        "insert into alarms (name, raised, detail) select $1, true, $3 where $2
         on conflict on constraint alarms_pkey do nothing",
        name,
        raised,
        detail
    );
    if inserted.execute(&mut *connection).await?.rows_affected() == 1 {
        return Ok(true);
    }
    let updated = sqlx::query!(
        "update alarms set raised = $2, changed_at = now(), detail = $3 where name = $1 and raised <> $2",
        name,
        raised,
        detail
    );
    Ok(updated.execute(&mut *connection).await?.rows_affected() == 1)
}

/// Adds a notification for all admins, together with its outbox entry.
async fn notify_admins(connection: &mut PgConnection, title: &str, body: &str) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "with told as (
               insert into notifications (kind, title, body, audience) values ('alert', $1, $2, 'role:admin') returning id
             )
             insert into outbox (notification_id) select id from told",
        title,
        body
    )
    .execute(&mut *connection)
    .await?;
    Ok(())
}
