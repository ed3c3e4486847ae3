//! The list of erased addresses, and the removal of personal data from what is about to be stored.

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use time::OffsetDateTime;

use super::keys::SecretKeys;
use crate::webhook::batch::{Batch, Poison};
use crate::webhook::event::NewEvent;

/// An erasure as stored.
pub(crate) struct Erasure {
    pub(crate) id: i64,
    pub(crate) erased_at: OffsetDateTime,
    pub(crate) key_id: String,
    pub(crate) address: Vec<u8>,
}

/// The erased addresses.
#[derive(Debug, Clone, Default)]
pub(crate) struct Erasures {
    keys: SecretKeys,
    /// The id of the newest erasure in the list; 0 if it is empty.
    pub(crate) last_id: i64,
    /// When each address was last erased, by the position of the key and the HMAC.
    erased_at: HashMap<(usize, Vec<u8>), OffsetDateTime>,
    /// Whether an erasure was made with a key that is not configured, so that its address cannot be recognised.
    pub(crate) has_unknown_key: bool,
}

impl Erasures {
    pub(crate) fn new(keys: SecretKeys) -> Self {
        Self { keys, ..Self::default() }
    }

    /// Adds erasures, which must be newer than those in the list.
    pub(crate) fn extend(&mut self, erasures: Vec<Erasure>) {
        for Erasure { id, erased_at, key_id, address } in erasures {
            self.last_id = self.last_id.max(id);
            match self.keys.iter().position(|key| key.id == key_id) {
                Some(key) => {
                    let known = self.erased_at.entry((key, address)).or_insert(erased_at);
                    *known = erased_at.max(*known);
                }
                None => self.has_unknown_key = true,
            }
        }
    }

    /// When the address was last erased.
    pub(crate) fn erased_at(&self, email: &str) -> Option<OffsetDateTime> {
        let found = self
            .keys
            .iter()
            .enumerate()
            .filter_map(|(position, key)| self.erased_at.get(&(position, key.address(email).to_vec())));
        found.max().copied()
    }

    /// The ids of messages whose events do not name a recipient, so that only stored events tell whether the recipient was erased. Empty if
    /// no address was erased.
    pub(crate) fn doubtful_messages<'b>(&self, batches: impl IntoIterator<Item = &'b Batch<'b>>) -> Vec<String> {
        if self.erased_at.is_empty() {
            return Vec::new();
        }
        let events = batches.into_iter().flat_map(|batch| &batch.events);
        events
            .filter(|event| event.recipient.is_none())
            .filter_map(|event| Some(event.message_id.as_deref()?.to_owned()))
            .collect()
    }

    /// Removes personal data from events and poison that belong to an erased address and are older than the erasure.
    /// `erased_messages` are messages whose stored events were erased.
    pub(crate) fn apply(&self, batch: &mut Batch<'_>, erased_messages: &HashSet<String>) {
        if self.erased_at.is_empty() {
            return;
        }
        for event in &mut batch.events {
            let is_of_erased_message =
                event.recipient.is_none() && event.message_id.as_deref().is_some_and(|id| erased_messages.contains(id));
            if is_of_erased_message || self.covers(event) {
                event.erase();
            }
        }
        for poison in &mut batch.poison {
            poison.is_erased = self.covers_poison(poison);
        }
    }

    fn covers(&self, event: &NewEvent<'_>) -> bool {
        let sender = event.sender.as_deref().filter(|_| event.kind == "inbound");
        let erased_at =
            [event.recipient.as_deref(), sender].into_iter().flatten().filter_map(|email| self.erased_at(email)).max();
        erased_at.is_some_and(|erased_at| sent_at(event).is_some_and(|sent| sent < erased_at))
    }

    /// Poison cannot be read as an event, so it is searched for addresses and times.
    fn covers_poison(&self, poison: &Poison<'_>) -> bool {
        let text = String::from_utf8_lossy(&poison.raw).replace("%40", "@").replace("\\u0040", "@");
        let erased_at = addresses(&text).filter_map(|email| self.erased_at(email)).max();
        erased_at.is_some_and(|erased_at| oldest_time(&text).is_some_and(|time| time < erased_at))
    }
}

/// When the message of an event was sent: its own time, or the time of the event if that is earlier or the only one.
fn sent_at(event: &NewEvent<'_>) -> Option<OffsetDateTime> {
    let payload: Value = serde_json::from_str(event.payload).unwrap_or_default();
    let of_message = payload["msg"]["ts"].as_i64().filter(|seconds| *seconds > 0);
    let of_message = of_message.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    [of_message, event.occurred_at].into_iter().flatten().min()
}

/// The addresses in a text.
fn addresses(text: &str) -> impl Iterator<Item = &str> {
    let is_part = |character: char| character.is_alphanumeric() || ".!#$&*+/=?^_`{|}~'-".contains(character);
    text.match_indices('@').filter_map(move |(at, _)| {
        let local = text[..at]
            .rfind(|character| !is_part(character))
            .map_or(0, |end| end + text[end..].chars().next().map_or(1, char::len_utf8));
        let domain = text[at + 1..].find(|character: char| !(character.is_alphanumeric() || ".-".contains(character)));
        let end = domain.map_or(text.len(), |length| at + 1 + length);
        (local < at && at + 1 < end).then(|| text[local..end].trim_end_matches('.'))
    })
}

/// The oldest time in fields named `ts`.
fn oldest_time(text: &str) -> Option<OffsetDateTime> {
    let seconds = text.match_indices("\"ts\"").filter_map(|(at, name)| {
        let value = text[at + name.len()..].trim_start_matches([' ', ':', '"']);
        let digits = value.find(|character: char| !character.is_ascii_digit()).unwrap_or(value.len());
        value[..digits].parse::<i64>().ok().filter(|seconds| *seconds > 0)
    });
    OffsetDateTime::from_unix_timestamp(seconds.min()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_times_are_found_in_any_text() {
        let text = r#"{"msg":{"email":"Ada@example.com","cc":"<bo@example.org>, x"},"ts":12,"more":{"ts": "7"}} at@ @here"#;
        assert_eq!(addresses(text).collect::<Vec<_>>(), ["Ada@example.com", "bo@example.org"]);
        assert_eq!(oldest_time(text).map(OffsetDateTime::unix_timestamp), Some(7));
        assert_eq!(oldest_time("{}"), None);
        assert_eq!(addresses("é@example.com.").collect::<Vec<_>>(), ["é@example.com"]);
    }
}
