//! Checks of pending work: the outbox, the audit log, the quarantine and the background jobs.

use sqlx::PgPool;
use time::Duration;

use crate::api::system::report::Finding;
use crate::audit::AuditArgs;
use crate::store::{background_jobs, diagnostics};

/// Age in seconds at which a pending row of the outbox or the audit log indicates that publishing or streaming has stopped.
const MAX_OUTBOX_AGE: i64 = 60;
/// Time without progress after which a background job is considered stuck.
const MAX_JOB_SILENCE: Duration = Duration::HOUR;

pub(crate) async fn outbox(pool: &PgPool) -> Result<Finding, sqlx::Error> {
    let backlog = diagnostics::outbox_backlog(pool).await?;
    let what = match backlog.rows {
        0 => "No commits are waiting to be published.".to_owned(),
        1 => format!("1 commit has been waiting to be published for {} s.", backlog.age),
        rows => format!("{rows} commits are waiting to be published, the oldest for {} s.", backlog.age),
    };
    Ok(if backlog.age > MAX_OUTBOX_AGE {
        let advice = "No event is lost. Check Redis, and check the service's log for items that Redis rejected.";
        Finding::warn("relay", what, advice)
    } else {
        Finding::ok("relay", what)
    })
}

/// `None` if the audit log is not streamed.
pub(crate) async fn audit_stream(pool: &PgPool, audit: &AuditArgs) -> Result<Option<Finding>, sqlx::Error> {
    if !audit.is_streamed() {
        return Ok(None);
    }
    let backlog = diagnostics::audit_backlog(pool).await?;
    let what = match backlog.rows {
        0 => "All entries of the audit log have been streamed.".to_owned(),
        rows => format!("{rows} entries of the audit log are waiting to be streamed, the oldest for {} s.", backlog.age),
    };
    Ok(Some(if backlog.age > MAX_OUTBOX_AGE {
        let advice =
            "No entry is lost. Check the destination in AUDIT_FILE or AUDIT_SYSLOG; the service's log says why it fails.";
        Finding::warn("audit", what, advice)
    } else {
        Finding::ok("audit", what)
    }))
}

pub(crate) async fn quarantine(pool: &PgPool) -> Result<Finding, sqlx::Error> {
    let open = diagnostics::open_quarantine(pool).await?;
    Ok(match open.reason {
        Some(reason) if open.count > 0 => {
            let what = if open.count == 1 {
                format!("1 item is in quarantine, for the reason `{reason}`.")
            } else {
                format!("{} items are in quarantine, mostly for the reason `{reason}`.", open.count)
            };
            Finding::warn("quarantine", what, "Open the Quarantine page. Retry the items after an update, or discard them.")
        }
        _ => Finding::ok("quarantine", "The quarantine is empty."),
    })
}

pub(crate) async fn background_jobs(pool: &PgPool) -> Result<Finding, sqlx::Error> {
    let now = diagnostics::now(pool).await?;
    let jobs = background_jobs::all(pool).await?;
    let open: Vec<_> = jobs.iter().filter(|job| job.finished_at.is_none()).collect();
    let progress = open.iter().map(|job| format!("`{}` has changed {} rows so far", job.name, job.changed)).collect::<Vec<_>>();
    Ok(match open.iter().map(|job| job.updated_at).min() {
        None => Finding::ok("background", "No background job has work left."),
        Some(oldest) if now - oldest > MAX_JOB_SILENCE => Finding::warn(
            "background",
            format!("A background job has made no progress for an hour: {}.", progress.join("; ")),
            "Deliveries are not affected. Check that a service is running, and check its log to see why the job fails.",
        ),
        Some(_) => Finding::ok("background", format!("Background jobs are running: {}.", progress.join("; "))),
    })
}
