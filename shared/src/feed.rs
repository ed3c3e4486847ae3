//! What travels from commit to browser: numbered items in a Redis stream (memory) and on two channels (live).
//!
//! A script gives each item the next number, appends it to the stream and publishes it, all at once. Readers see a hole in
//! the numbers and fill it from the stream. An epoch names one unbroken run of numbers: a new one begins when the stream is
//! gone or the server is another one, since what was published before can then no longer be vouched for.

use std::fmt;
use std::str::FromStr;

use redis::Script;
use redis::aio::ConnectionLike;
use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::notification::Notification;
use crate::redis::Error;
use crate::session::new_secret;

/// The stream that remembers.
pub const STREAM: &str = "ml:feed";
/// Epoch, last number and server of the stream.
const META: &str = "ml:feed:meta";
/// Carries opens.
pub const OPEN_CHANNEL: &str = "ml:open";
/// Carries everything else.
pub const FEED_CHANNEL: &str = "ml:feed";
/// Says that the outbox has something new.
pub const WAKE_CHANNEL: &str = "ml:wake";
/// Says that a session ended or a role changed.
pub const SESSIONS_CHANNEL: &str = "ml:sessions";
/// How many items the stream keeps, roughly.
pub const KEEP: usize = 10_000;

/// One committed thing: an event, with its notification if it is an open; or a notification alone.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Item {
    /// The event, for the live list.
    pub event: Option<Event>,
    /// The event's searchable words, folded; for filters alone, never sent to clients.
    pub search: Option<String>,
    /// What people are told.
    pub notification: Option<Notification>,
}

impl Item {
    fn channel(&self) -> &'static str {
        match &self.event {
            Some(event) if event.kind == "open" => OPEN_CHANNEL,
            _ => FEED_CHANNEL,
        }
    }
}

/// An item as it is published: its JSON, and the channel that carries it.
#[derive(Debug, Clone)]
pub struct Encoded {
    channel: &'static str,
    json: String,
}

impl Encoded {
    /// Of an item.
    ///
    /// # Errors
    /// When it does not serialise.
    pub fn of(item: &Item) -> Result<Self, Error> {
        let json = serde_json::to_string(item).map_err(|_| Error::Shape("an item does not serialise"))?;
        Ok(Self { channel: item.channel(), json })
    }

    /// The item's JSON.
    pub fn json(&self) -> &str {
        &self.json
    }
}

/// An item with its place, as published.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Entry {
    /// The run of numbers it belongs to.
    pub epoch: String,
    /// Its number in that run, from 1.
    pub seq: u64,
    /// What it carries.
    pub item: Item,
}

/// A place in the feed, written `epoch.seq`: everything up to `seq` has been seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// The run of numbers.
    pub epoch: String,
    /// The last number seen; 0 for none.
    pub seq: u64,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.epoch, self.seq)
    }
}

/// The text is no cursor.
#[derive(Debug, thiserror::Error)]
#[error("not a cursor of the form epoch.seq")]
pub struct CursorError;

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (epoch, seq) = text.split_once('.').ok_or(CursorError)?;
        Ok(Self { epoch: epoch.to_owned(), seq: seq.parse().map_err(|_| CursorError)? })
    }
}

impl Serialize for Cursor {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Both scripts begin so: find the current epoch, or begin a new one. ARGV[1] is the name for a new one.
const CURRENT_EPOCH: &str = r"
local server = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
local known = redis.call('HMGET', KEYS[2], 'epoch', 'seq', 'server')
local epoch, seq = known[1], tonumber(known[2])
if not epoch or known[3] ~= server or (seq > 0 and redis.call('EXISTS', KEYS[1]) == 0) then
  redis.call('DEL', KEYS[1], KEYS[2])
  epoch, seq = ARGV[1], 0
  redis.call('HSET', KEYS[2], 'epoch', epoch, 'seq', seq, 'server', server)
end
";

/// ARGV[2]: how many to keep; then for each item its channel and its JSON. The numbers are taken first: should a command
/// fail half-way, what is left is a hole, which readers notice, and not a number that is used twice.
const APPEND: &str = r#"
redis.call('HSET', KEYS[2], 'seq', string.format('%.0f', seq + (#ARGV - 2) / 2))
for i = 3, #ARGV, 2 do
  seq = seq + 1
  local number = string.format('%.0f', seq)
  redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], number .. '-0', 'item', ARGV[i + 1])
  redis.call('PUBLISH', ARGV[i], '{"epoch":"' .. epoch .. '","seq":' .. number .. ',"item":' .. ARGV[i + 1] .. '}')
end
return seq
"#;

/// ARGV[2]: the number to read after; ARGV[3]: how many at most.
const READ: &str = r"
local found = {}
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], string.format('%.0f', tonumber(ARGV[2]) + 1) .. '-0', '+', 'COUNT', ARGV[3])) do
  found[#found + 1] = string.match(entry[1], '^%d+')
  found[#found + 1] = entry[2][2]
end
return {epoch, string.format('%.0f', seq), found}
";

fn new_epoch() -> Result<String, Error> {
    let mut epoch = new_secret().map_err(|_| Error::Shape("no randomness for an epoch"))?;
    epoch.truncate(16);
    Ok(epoch)
}

/// Numbers, remembers and publishes `items`. After an error some may have been; appending all of them again is safe, since
/// readers drop what they have seen.
///
/// # Errors
/// When Redis is away or refuses.
pub async fn append(connection: &mut impl ConnectionLike, items: &[&Encoded]) -> Result<(), Error> {
    let script = Script::new(&format!("{CURRENT_EPOCH}{APPEND}"));
    let mut call = script.key(STREAM);
    call.key(META).arg(new_epoch()?).arg(KEEP);
    for item in items {
        call.arg(item.channel).arg(&item.json);
    }
    let _last: u64 = call.invoke_async(connection).await?;
    Ok(())
}

/// What the stream says of the numbers after some number.
#[derive(Debug)]
pub struct Page {
    /// The current epoch and its last number.
    pub end: Cursor,
    /// The oldest of what was asked for and is still kept, in order.
    pub entries: Vec<Entry>,
    /// How many of them could not be understood, as those of a newer version, and are empty.
    pub unreadable: usize,
}

/// Reads at most `limit` entries with numbers above `after`, in the current epoch whatever it is.
///
/// # Errors
/// When Redis is away or refuses, or numbers are not what our script writes.
pub async fn read(connection: &mut impl ConnectionLike, after: u64, limit: usize) -> Result<Page, Error> {
    let script = Script::new(&format!("{CURRENT_EPOCH}{READ}"));
    let (epoch, seq, found): (String, String, Vec<String>) =
        script.key(STREAM).key(META).arg(new_epoch()?).arg(after).arg(limit).invoke_async(connection).await?;
    let number = |text: &str| text.parse::<u64>().map_err(|_| Error::Shape("a number of the stream"));
    let mut entries = Vec::with_capacity(found.len() / 2);
    let mut unreadable = 0;
    for pair in found.chunks_exact(2) {
        let item = serde_json::from_str(&pair[1]).unwrap_or_else(|_| {
            unreadable += 1;
            Item::default()
        });
        entries.push(Entry { epoch: epoch.clone(), seq: number(&pair[0])?, item });
    }
    Ok(Page { end: Cursor { epoch, seq: number(&seq)? }, entries, unreadable })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_as_it_is_written() {
        let cursor: Cursor = "Zx3_-a.42".parse().expect("a cursor");
        assert_eq!((cursor.epoch.as_str(), cursor.seq), ("Zx3_-a", 42));
        assert_eq!(cursor.to_string(), "Zx3_-a.42");
        for text in ["", "abc", "abc.", "abc.x", "abc.-1"] {
            assert!(text.parse::<Cursor>().is_err(), "{text}");
        }
    }
}
