//! Checks on incoming deliveries: the last accepted delivery, and the refusals in the last day.

use sqlx::PgPool;

use crate::api::system::report::Finding;
use crate::store::diagnostics::{self, RecentRefusals};

pub(crate) async fn last_delivery(pool: &PgPool, silence_minutes: Option<u32>) -> Result<Finding, sqlx::Error> {
    let Some(seconds) = diagnostics::seconds_since_delivery(pool).await? else {
        return Ok(Finding::warn(
            "last_event",
            "No delivery from Mandrill has arrived yet.",
            "Set up the webhook (docs/mandrill-setup.md) and press Send Test in Mandrill. Then check the refusals.",
        ));
    };
    let what = format!("The last delivery was accepted {} ago.", duration(seconds));
    Ok(match silence_minutes {
        Some(minutes) if seconds > i64::from(minutes) * 60 => Finding::fail(
            "last_event",
            what,
            "Check in Mandrill whether the webhook was disabled. `ingest webhook list` shows its last error.",
        ),
        _ => Finding::ok("last_event", what),
    })
}

/// One finding for each reason and near miss in the last day.
pub(crate) async fn refusals(pool: &PgPool) -> Result<Vec<Finding>, sqlx::Error> {
    let refusals = diagnostics::recent_refusals(pool).await?;
    if refusals.is_empty() {
        return Ok(vec![Finding::ok("refusals", "No delivery was refused within the last day.")]);
    }
    Ok(refusals.into_iter().map(refusal).collect())
}

fn refusal(RecentRefusals { reason, near_miss, hint, count, proven, likely, last_at, now }: RecentRefusals) -> Finding {
    let near_miss = near_miss.map(|codes| format!(" (near miss: {codes})")).unwrap_or_default();
    let ago = duration((now - last_at).whole_seconds());
    let what = if count == 1 {
        format!("1 delivery was refused as `{reason}`{near_miss}, {ago} ago.")
    } else {
        format!("{count} deliveries were refused as `{reason}`{near_miss}, the last one {ago} ago.")
    };
    let advice = hint.unwrap_or_else(|| advice_for(&reason).to_owned());
    if proven > 0 {
        Finding::fail("refusals", what, format!("{advice} Mandrill disables a webhook after 20 failures, about 5 hours."))
    } else if likely > 0 {
        let what = format!("{what} {likely} of them look like Mandrill's deliveries.");
        let advice = format!(
            "{advice} If Mandrill shows no failing webhook, the requests do not come from Mandrill, and no action is needed."
        );
        Finding::fail("refusals", what, advice)
    } else {
        let advice = match reason.as_str() {
            "wrong_signature" | "no_key" | "no_url" => {
                "A client other than Mandrill posts here. No delivery is lost; block the client if it goes on."
            }
            other => advice_for(other),
        };
        Finding::warn("refusals", what, advice)
    }
}

fn advice_for(reason: &str) -> &'static str {
    match reason {
        "no_key" => "Set WEBHOOK_KEYS.",
        "no_url" => "Set WEBHOOK_URLS.",
        "wrong_signature" => "Compare WEBHOOK_KEYS and WEBHOOK_URLS with the webhook in Mandrill, character by character.",
        "too_large" => "Raise WEBHOOK_MAX_BODY, and set nginx's WEBHOOK_SPOOL to a higher value.",
        "form_field_extra" => "Mandrill's signed form has a new field. Update this program, or report the field to its authors.",
        "unsigned" | "media_type" => {
            "A client other than Mandrill posts here, or a proxy drops X-Mandrill-Signature. Block the client if it goes on."
        }
        "slow_body" | "broken_body" => "A proxy in front or the network interrupts request bodies.",
        _ => "Mandrill does not send such requests. A proxy modifies bodies in transit, or another client posts here.",
    }
}

/// Formats a duration in the largest unit that is still precise enough.
fn duration(seconds: i64) -> String {
    match seconds {
        ..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}
