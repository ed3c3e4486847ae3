//! What may be missing after Postgres was restored from a backup, and how to get it back.

use sqlx::PgPool;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::api::system::report::Finding;
use crate::store::diagnostics;

/// The findings of `ingest doctor --after-restore`. Nothing that they tell of is an error of the restored database.
pub(crate) async fn findings(pool: &PgPool) -> Vec<Finding> {
    match diagnostics::restored_state(pool).await {
        Ok(state) => vec![
            events(state.newest_event, state.restored_to),
            changes(state.newest_change, state.restored_to),
            retention(state.partitions),
        ],
        Err(_) => vec![Finding::fail("restore", "The restored database cannot be read.", "See the other findings.")],
    }
}

fn events(newest: Option<OffsetDateTime>, restored_to: Option<OffsetDateTime>) -> Finding {
    let advice = "Mandrill does not post again what was answered with 200. Its search (`messages/search`), or its export of activity, has what \
                  happened since: compare the counts of that time, and export the events that are missing. Deliveries that failed meanwhile \
                  come by themselves, for 5 to 8 hours; what comes twice is stored once.";
    let what = match (newest, restored_to) {
        (None, _) => "The restored database contains no event.".to_owned(),
        (Some(newest), None) => {
            format!("The newest event was received at {}; what was accepted after that is missing.", text(newest))
        }
        (Some(newest), Some(to)) => format!(
            "The database was restored to {}, and the newest event until then was received at {}. What was accepted between that moment and \
             the restore is missing.",
            text(to),
            text(newest)
        ),
    };
    Finding::warn("restore", what, advice)
}

fn changes(newest: Option<OffsetDateTime>, restored_to: Option<OffsetDateTime>) -> Finding {
    let since = restored_to.or(newest).map_or_else(|| "the backup".to_owned(), text);
    Finding::warn(
        "restore",
        format!(
            "Changes of accounts since {since} are undone: users who were removed, passwords that were changed, and tokens and sessions that \
             were revoked are back. So are recipients who were erased."
        ),
        "Repeat the erasures and changes since then. If an account or token may be in wrong hands, disable or revoke it now.",
    )
}

fn retention(partitions: i64) -> Finding {
    Finding::ok(
        "restore",
        format!(
            "{partitions} partitions of events are stored. Those that have expired are dropped again within ten minutes, if RETENTION_DAYS is set."
        ),
    )
}

fn text(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_default()
}
