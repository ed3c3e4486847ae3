//! The standing of a recipient: whether mail reaches an address, since when, and why.

use serde::Serialize;
use shared::event::ReasonClass;
use time::OffsetDateTime;
use utoipa::ToSchema;

/// Whether mail reaches an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Standing {
    /// Nothing tells whether mail arrives.
    Unknown,
    /// The address was taken off the denylist or put on the allowlist, and nothing tells yet whether mail arrives.
    Released,
    /// Mail arrives.
    Reachable,
    /// The last mail is deferred.
    Deferred,
    /// The last mail came back, perhaps not for good.
    SoftBounced,
    /// Mail came back for good.
    Bounced,
    /// The recipient marked mail as spam.
    Complained,
    /// The recipient unsubscribed.
    Unsubscribed,
    /// The address is on Mandrill's denylist.
    Denylisted,
}

impl Standing {
    pub(crate) const ALL: [Self; 9] = [
        Self::Unknown,
        Self::Released,
        Self::Reachable,
        Self::Deferred,
        Self::SoftBounced,
        Self::Bounced,
        Self::Complained,
        Self::Unsubscribed,
        Self::Denylisted,
    ];

    /// The stable code.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Released => "released",
            Self::Reachable => "reachable",
            Self::Deferred => "deferred",
            Self::SoftBounced => "soft_bounced",
            Self::Bounced => "bounced",
            Self::Complained => "complained",
            Self::Unsubscribed => "unsubscribed",
            Self::Denylisted => "denylisted",
        }
    }
}

/// An event about an address.
#[derive(Debug, Clone)]
pub(crate) struct AddressEvent {
    pub(crate) id: i64,
    pub(crate) kind: String,
    pub(crate) occurred_at: OffsetDateTime,
    pub(crate) reason_class: Option<String>,
}

/// A standing, and the event that brought it about; `None` if there is none.
pub(crate) type Stands<'a> = (Standing, Option<&'a AddressEvent>);

/// The present standing of an address with these events, in any order.
///
/// What a recipient or Mandrill decided lasts until it is taken back: an unsubscription, a complaint and the denylist end only with a removal
/// from the denylist or an entry on the allowlist. A bounce also ends with a later delivery. An open or click tells about mail that arrived
/// earlier, so it counts only if nothing else is known.
pub(crate) fn present(events: &mut [AddressEvent]) -> Stands<'_> {
    events.sort_by_key(|event| (event.occurred_at, rank(&event.kind), event.id));
    let mut present: Stands<'_> = (Standing::Unknown, None);
    for event in &*events {
        if let Some(next) = after(present.0, event)
            && next != present.0
        {
            present = (next, Some(event));
        }
    }
    present
}

/// Events of the same second are considered in this order, since Mandrill's times have no fractions: what ends a standing comes before what
/// begins one, and the weaker before the stronger.
fn rank(kind: &str) -> u8 {
    match kind {
        "blacklist_remove" | "whitelist_add" => 0,
        "deferral" => 1,
        "soft_bounce" => 2,
        "delivered" => 3,
        "open" | "click" => 4,
        "hard_bounce" => 5,
        "spam" => 6,
        "unsub" => 7,
        _ => 8,
    }
}

/// The standing after an event; `None` if the event does not tell.
fn after(present: Standing, event: &AddressEvent) -> Option<Standing> {
    let is_decided = matches!(present, Standing::Denylisted | Standing::Unsubscribed | Standing::Complained);
    let is_suppressed = event.reason_class.as_deref() == Some(ReasonClass::Suppressed.code());
    let next = match event.kind.as_str() {
        "blacklist_remove" | "whitelist_add" => Standing::Released,
        "blacklist_add" | "blacklist_change" => Standing::Denylisted,
        "reject" if is_suppressed && !is_decided && present != Standing::Bounced => Standing::Denylisted,
        "unsub" if present != Standing::Denylisted => Standing::Unsubscribed,
        "spam" if present != Standing::Denylisted => Standing::Complained,
        "hard_bounce" if !is_decided => Standing::Bounced,
        "soft_bounce" if !is_decided && present != Standing::Bounced => Standing::SoftBounced,
        "deferral" if !is_decided && present != Standing::Bounced => Standing::Deferred,
        "delivered" if !is_decided => Standing::Reachable,
        "open" | "click" if matches!(present, Standing::Unknown | Standing::Released) => Standing::Reachable,
        _ => return None,
    };
    Some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kinds and seconds. An exclamation mark means that the reason is `suppressed`.
    type Kinds = &'static [(&'static str, i64)];

    fn standing(kinds: Kinds) -> (&'static str, Option<i64>) {
        let event = |(at, (kind, seconds)): (usize, &(&str, i64))| AddressEvent {
            id: i64::try_from(at).expect("a small number"),
            kind: kind.trim_end_matches('!').to_owned(),
            occurred_at: OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(*seconds),
            reason_class: kind.ends_with('!').then(|| "suppressed".to_owned()),
        };
        let mut events: Vec<AddressEvent> = kinds.iter().enumerate().map(event).collect();
        let (standing, cause) = present(&mut events);
        (standing.code(), cause.map(|cause| cause.occurred_at.unix_timestamp()))
    }

    #[test]
    fn what_was_decided_lasts_until_it_is_taken_back() {
        let table: [(Kinds, &str, Option<i64>); 17] = [
            (&[], "unknown", None),
            (&[("send", 1)], "unknown", None),
            (&[("open", 1)], "reachable", Some(1)),
            (&[("delivered", 1), ("delivered", 5)], "reachable", Some(1)),
            (&[("delivered", 1), ("hard_bounce", 2), ("open", 3)], "bounced", Some(2)),
            (&[("hard_bounce", 2), ("delivered", 3)], "reachable", Some(3)),
            (&[("unsub", 1), ("delivered", 2), ("click", 3)], "unsubscribed", Some(1)),
            (&[("spam", 1), ("blacklist_add", 2), ("open", 3)], "denylisted", Some(2)),
            (&[("blacklist_add", 1), ("blacklist_remove", 2)], "released", Some(2)),
            (&[("blacklist_add", 1), ("blacklist_remove", 2), ("delivered", 3)], "reachable", Some(3)),
            (&[("blacklist_add", 5), ("unsub", 5)], "denylisted", Some(5)),
            (&[("blacklist_add", 5), ("blacklist_remove", 5)], "denylisted", Some(5)),
            (&[("whitelist_add", 6), ("blacklist_add", 5)], "released", Some(6)),
            (&[("delivered", 1), ("whitelist_add", 2), ("open", 3)], "reachable", Some(3)),
            (&[("reject!", 1)], "denylisted", Some(1)),
            (&[("delivered", 1), ("reject", 2)], "reachable", Some(1)),
            (&[("delivered", 1), ("soft_bounce", 2), ("deferral", 3), ("open", 4)], "deferred", Some(3)),
        ];
        for (kinds, expected, since) in table {
            assert_eq!(standing(kinds), (expected, since), "{kinds:?}");
        }
    }
}
