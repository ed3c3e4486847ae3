//! The names of event kinds.

use std::borrow::Cow;

use crate::webhook::json::object::Object;

/// Mandrill's names for message events, inbound mail, and changes to the denylist and allowlist. Unknown kinds are stored unchanged.
const KNOWN_KINDS: [&str; 25] = [
    "send",
    "deferral",
    "hard_bounce",
    "soft_bounce",
    "delivered",
    "open",
    "click",
    "spam",
    "unsub",
    "reject",
    "inbound",
    "blacklist_add",
    "blacklist_change",
    "blacklist_remove",
    "whitelist_add",
    "whitelist_remove",
    "sms_processing",
    "sms_queued",
    "sms_sent",
    "sms_delivered",
    "sms_canceled",
    "sms_failed",
    "sms_open",
    "sms_click",
    "sms_unsub",
];

/// Returns the kind as a metric label. All unknown kinds share one label, to limit the number of label values.
pub fn known_kind(kind: &str) -> &'static str {
    KNOWN_KINDS.into_iter().find(|known| *known == kind).unwrap_or("other")
}

/// Mandrill's prose and its API write some kinds with hyphens.
pub(super) fn known_spelling(kind: Cow<'_, str>) -> Cow<'_, str> {
    if KNOWN_KINDS.contains(&&*kind) {
        return kind;
    }
    let spelled = kind.trim().to_ascii_lowercase().replace(['-', ' '], "_");
    if KNOWN_KINDS.contains(&&*spelled) { spelled.into() } else { kind }
}

/// Joins Mandrill's old name for a list to the action, as in `blacklist_add`.
pub(super) fn sync_kind(top: &Object<'_>, family: &str) -> String {
    let list = match family {
        "allowlist" | "safelist" => "whitelist",
        "denylist" => "blacklist",
        other => other,
    };
    let action = top.text("action").filter(|action| !action.is_empty());
    action.map_or_else(|| list.to_owned(), |action| format!("{list}_{action}"))
}
