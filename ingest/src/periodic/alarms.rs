//! Alarms: what is wrong just now, told to every admin once when it begins and once when it ends.
//!
//! Any replica may look; the row of an alarm is locked while it changes, so each change is told once.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use shared::config::Count;
use sqlx::postgres::PgConnection;
use sqlx::{Connection, PgPool};
use tokio_util::sync::CancellationToken;

use crate::periodic::retention;
use crate::state::AppState;
use crate::store::diagnostics::{self, SIGNED_REFUSAL_REASONS};

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(5);
/// Signed deliveries refused within an hour that raise the alarm: Mandrill repeats a batch every 15 to 25 minutes, and switches
/// the webhook off after 20 failures.
const MOST_REFUSED: i64 = 3;

/// What raises alarms.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Alarms")]
pub struct Alarms {
    /// Minutes without a delivery after which every admin is told. Unset: silence is no alarm.
    #[arg(long, env = "SILENCE_ALERT_MINUTES", default_value = "")]
    pub silence_alert_minutes: Count,
}

/// Folds counts and looks at the alarms until `stop`.
pub(crate) async fn run(state: Arc<AppState>, stop: CancellationToken) {
    loop {
        let looked = async {
            retention::fold_counts(&state.pool).await?;
            look(&state.pool, state.silence_minutes).await
        };
        match looked.await {
            Ok(changed) if changed => state.outbox_filled.notify_one(),
            Ok(_) => {}
            Err(error) => tracing::debug!(%error, "alarms could not be looked at"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// Looks at each alarm; true when one has changed.
async fn look(pool: &PgPool, silence_minutes: Option<u32>) -> Result<bool, sqlx::Error> {
    let mut connection = pool.acquire().await?;
    let refused = refused_within_an_hour(pool).await?;
    let refusing = (refused >= MOST_REFUSED).then(|| {
        format!("{refused} signed deliveries were refused within an hour. Mandrill disables a webhook after 20 failures, about 5 hours. Run `ingest doctor` to see why.")
    });
    let mut changed = set(&mut connection, "refusals", "Deliveries from Mandrill are refused", refusing).await?;
    let silent = match (silence_minutes, diagnostics::seconds_since_delivery(pool).await?) {
        (Some(minutes), Some(seconds)) if seconds > i64::from(minutes) * 60 => Some(format!(
            "No delivery has arrived for {} minutes. Check in Mandrill whether the webhook was disabled.",
            seconds / 60
        )),
        _ => None,
    };
    changed |= set(&mut connection, "silence", "No deliveries from Mandrill", silent).await?;
    Ok(changed)
}

/// Signed deliveries refused within an hour, by any replica.
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

/// Raises an alarm, or clears it, and tells every admin if that is a change.
async fn set(connection: &mut PgConnection, name: &'static str, title: &str, wrong: Option<String>) -> Result<bool, sqlx::Error> {
    metrics::gauge!("ingest_alarm", "name" => name).set(if wrong.is_some() { 1.0 } else { 0.0 });
    let (raised, detail) = (wrong.is_some(), wrong.unwrap_or_default());
    let mut transaction = connection.begin().await?;
    // An alarm that was never raised need not be cleared.
    let changed = sqlx::query!(
        "insert into alarms (name, raised, detail) select $1, true, $3 where $2
         on conflict on constraint alarms_pkey do nothing",
        name,
        raised,
        detail
    );
    let mut changed = changed.execute(&mut *transaction).await?.rows_affected() == 1;
    if !changed {
        changed = sqlx::query!(
            "update alarms set raised = $2, changed_at = now(), detail = $3 where name = $1 and raised <> $2",
            name,
            raised,
            detail
        )
        .execute(&mut *transaction)
        .await?
        .rows_affected()
            == 1;
    }
    if changed {
        let (title, body) = if raised { (title.to_owned(), detail) } else { (format!("Resolved: {title}"), String::new()) };
        sqlx::query!(
            "with told as (
               insert into notifications (kind, title, body, audience) values ('alert', $1, $2, 'role:admin') returning id
             )
             insert into outbox (notification_id) select id from told",
            title,
            body
        )
        .execute(&mut *transaction)
        .await?;
        tracing::warn!(alarm = name, raised, "an alarm has changed");
    }
    transaction.commit().await?;
    Ok(changed)
}
