//! What travels from commit to browser: numbered items in a Redis stream (memory) and on two channels (live).
//!
//! A script gives each item the next number, and appends and publishes runs of them, all at once. Readers see a hole in the
//! numbers and fill it from the stream. An epoch names an unbroken series of numbers: a new one begins when the stream is
//! gone or the server is another one, since what was published before can then no longer be vouched for.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use redis::Script;
use redis::aio::ConnectionLike;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::event::Event;
use crate::notification::{Notification, ReadMark};
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
/// Bytes that most items stay below.
const USUAL: usize = 1 << 10;
/// Bytes of a run, unless a single item is longer.
const LONGEST_RUN: usize = 128 << 10;
/// Runs appended by one script: Redis does nothing else meanwhile.
const RUNS: usize = 4;

/// One committed thing: an event, with its notification if it is an open; or a notification alone; or what somebody has read.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FeedItem<S = String> {
    /// The event, for the live list.
    pub event: Option<Event<S>>,
    /// The event's searchable words, folded; for filters alone, never sent to clients.
    pub search: Option<S>,
    /// What people are told.
    pub notification: Option<Notification<S>>,
    /// What somebody has read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<ReadMark>,
}

/// Items as they are published: few and long runs for one channel each, since what Redis does for a run costs the same however many
/// items it has. Within a channel the order stays.
#[derive(Debug)]
pub struct EncodedBatch {
    runs: Vec<EncodedRun>,
    /// Bytes of a new run.
    room: usize,
    /// The item that was added last; its memory serves the next.
    item: Vec<u8>,
}

#[derive(Debug)]
struct EncodedRun {
    channel: &'static str,
    items: usize,
    /// An array.
    json: Vec<u8>,
}

impl EncodedRun {
    /// Adds so many items, which are written with commas between them.
    fn add(&mut self, items: usize, json: &[u8]) {
        // What ended the array stands between the items now.
        let between = if self.json.pop().is_some() { b',' } else { b'[' };
        self.json.push(between);
        self.json.extend_from_slice(json);
        self.json.push(b']');
        self.items += items;
    }
}

impl EncodedBatch {
    /// Of one item.
    ///
    /// # Errors
    /// When it does not serialise.
    pub fn of<S: Serialize + AsRef<str>>(item: &FeedItem<S>) -> Result<Self, Error> {
        let mut encoded = Self::expecting(1);
        encoded.push(item)?;
        Ok(encoded)
    }

    /// Of none yet, but some to come.
    pub fn expecting(items: usize) -> Self {
        Self { runs: Vec::new(), room: USUAL * items.clamp(1, LONGEST_RUN / USUAL), item: Vec::with_capacity(USUAL) }
    }

    /// Adds an item.
    ///
    /// # Errors
    /// When it does not serialise; then nothing is added.
    pub fn push<S: Serialize + AsRef<str>>(&mut self, item: &FeedItem<S>) -> Result<(), Error> {
        let is_open = item.event.as_ref().is_some_and(|event| event.kind.as_ref() == "open");
        let channel = if is_open { OPEN_CHANNEL } else { FEED_CHANNEL };
        self.item.clear();
        serde_json::to_writer(&mut self.item, item).map_err(|_| Error::Shape("an item does not serialise"))?;
        let place = self.last_with_room(channel, self.item.len()).unwrap_or_else(|| {
            self.runs.push(EncodedRun { channel, items: 0, json: Vec::with_capacity(self.room) });
            self.runs.len() - 1
        });
        self.runs[place].add(1, &self.item);
        Ok(())
    }

    /// Adds others' items behind these.
    pub fn append(&mut self, others: Self) {
        for other in others.runs {
            match self.last_with_room(other.channel, other.json.len()) {
                Some(place) => self.runs[place].add(other.items, &other.json[1..other.json.len() - 1]),
                None => self.runs.push(other),
            }
        }
    }

    /// Where the last run of a channel is, if it has room for so many bytes.
    fn last_with_room(&self, channel: &str, bytes: usize) -> Option<usize> {
        let last = self.runs.iter().rposition(|run| run.channel == channel);
        last.filter(|last| self.runs[*last].json.len() + bytes < LONGEST_RUN)
    }

    /// How many items these are.
    pub fn len(&self) -> usize {
        self.runs.iter().map(|run| run.items).sum()
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Each item's JSON.
    ///
    /// # Errors
    /// Never, of what was added here.
    pub fn each(&self) -> Result<Vec<String>, Error> {
        let mut each = Vec::new();
        for run in &self.runs {
            let items: Vec<Box<RawValue>> = serde_json::from_slice(&run.json).map_err(|_| Error::Shape("a run"))?;
            each.extend(items.into_iter().map(|item| Box::<str>::from(item).into_string()));
        }
        Ok(each)
    }
}

/// An item as it arrives. The event's JSON is passed on as it came; whoever needs its fields reads them.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct ReceivedItem {
    /// The event.
    pub event: Option<Box<RawValue>>,
    /// Its searchable words.
    pub search: Option<String>,
    /// What people are told.
    pub notification: Option<Notification>,
    /// What somebody has read.
    pub read: Option<ReadMark>,
}

/// Items with consecutive numbers, as they were published together.
#[derive(Debug)]
pub struct ReceivedBatch {
    /// The place before the first of them.
    pub after: Cursor,
    /// In order.
    pub items: Vec<ReceivedItem>,
    /// How many of them could not be understood, as those of a newer version, and are empty.
    pub unreadable: usize,
}

impl ReceivedBatch {
    /// Reads what a channel carried; none if that was never one of our runs.
    pub fn from_message(payload: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Message<'a> {
            epoch: String,
            first: u64,
            #[serde(borrow)]
            items: &'a RawValue,
        }
        let message: Message<'_> = serde_json::from_slice(payload).ok()?;
        Self::of(Cursor { epoch: message.epoch.into(), seq: message.first.checked_sub(1)? }, message.items.get())
    }

    fn of(after: Cursor, items: &str) -> Option<Self> {
        if let Ok(items) = serde_json::from_str(items) {
            return Some(Self { after, items, unreadable: 0 });
        }
        let each: Vec<&RawValue> = serde_json::from_str(items).ok()?;
        let mut unreadable = 0;
        let read = |raw: &&RawValue| {
            serde_json::from_str(raw.get()).unwrap_or_else(|_| {
                unreadable += 1;
                ReceivedItem::default()
            })
        };
        let items = each.iter().map(read).collect();
        Some(Self { after, items, unreadable })
    }

    /// What the stream holds for the numbers `first..=last`; empty items where that is not what our script wrote.
    fn of_stream(epoch: &Arc<str>, first: u64, last: u64, items: &str) -> Result<Self, Error> {
        let after = Cursor { epoch: Arc::clone(epoch), seq: first.saturating_sub(1) };
        let count = last.checked_sub(after.seq).and_then(|count| usize::try_from(count).ok()).filter(|count| *count <= KEEP);
        let count = count.ok_or(Error::Shape("the numbers of a run"))?;
        let run = Self::of(after.clone(), items).filter(|run| run.items.len() == count);
        Ok(run.unwrap_or_else(|| Self { after, items: vec![ReceivedItem::default(); count], unreadable: count }))
    }

    /// The number of its last item.
    pub fn last(&self) -> u64 {
        self.after.seq + self.items.len() as u64
    }
}

/// A place in the feed, written `epoch.seq`: everything up to `seq` has been seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// Which numbers these are.
    pub epoch: Arc<str>,
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
        Ok(Self { epoch: epoch.into(), seq: seq.parse().map_err(|_| CursorError)? })
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

/// All scripts begin so: find the current epoch, or begin a new one. ARGV[1] is the name for a new one.
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

/// ARGV[2]: how many to keep; then for each run its channel, how many items it has, and these as a JSON array. The
/// numbers are taken first: should a command fail half-way, what is left is a hole, which readers notice, and not a number used twice. An
/// entry's id is the number of its last item, so that whoever asks for what comes after a number gets the run that holds it.
const APPEND: &str = r#"
local function text(number) return string.format('%.0f', number) end
local last = seq
for i = 4, #ARGV, 3 do last = last + tonumber(ARGV[i]) end
redis.call('HSET', KEYS[2], 'seq', text(last))
for i = 3, #ARGV, 3 do
  local first = text(seq + 1)
  seq = seq + tonumber(ARGV[i + 1])
  local oldest = text(math.max(0, seq - tonumber(ARGV[2])))
  redis.call('XADD', KEYS[1], 'MINID', '~', oldest, text(seq) .. '-0', 'first', first, 'items', ARGV[i + 2])
  redis.call('PUBLISH', ARGV[i], '{"epoch":"' .. epoch .. '","first":' .. first .. ',"items":' .. ARGV[i + 2] .. '}')
end
return seq
"#;

/// ARGV[2]: the number to read after; ARGV[3]: how many runs at most.
const READ: &str = r"
local found = {}
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], string.format('%.0f', tonumber(ARGV[2]) + 1) .. '-0', '+', 'COUNT', ARGV[3])) do
  found[#found + 1] = string.match(entry[1], '^%d+')
  found[#found + 1] = entry[2][2]
  found[#found + 1] = entry[2][4] or ''
end
return {epoch, string.format('%.0f', seq), found}
";

/// Where the feed ends.
const END: &str = "return {epoch, string.format('%.0f', seq)}";

/// Hashed once: it runs for each commit.
static APPENDING: LazyLock<Script> = LazyLock::new(|| script(APPEND));

fn script(body: &str) -> Script {
    Script::new(&format!("{CURRENT_EPOCH}{body}"))
}

fn new_epoch() -> Result<String, Error> {
    let mut epoch = new_secret().map_err(|_| Error::Shape("no randomness for an epoch"))?;
    epoch.truncate(16);
    Ok(epoch)
}

/// Numbers, remembers and publishes `items`, some runs at a time. After an error some may have been; appending all of them again is
/// safe, since readers drop what they have seen.
///
/// # Errors
/// When Redis is away or refuses.
pub async fn append(connection: &mut impl ConnectionLike, items: &EncodedBatch) -> Result<(), Error> {
    for runs in items.runs.chunks(RUNS) {
        let mut call = APPENDING.key(STREAM);
        call.key(META).arg(new_epoch()?).arg(KEEP);
        for run in runs {
            call.arg(run.channel).arg(run.items).arg(&run.json[..]);
        }
        let _last: u64 = call.invoke_async(connection).await?;
    }
    Ok(())
}

/// Where the feed stands: whatever was relayed before has at most this number.
///
/// # Errors
/// When Redis is away or refuses.
pub async fn end(connection: &mut impl ConnectionLike) -> Result<Cursor, Error> {
    let script = script(END);
    let (epoch, seq): (String, String) = script.key(STREAM).key(META).arg(new_epoch()?).invoke_async(connection).await?;
    Ok(Cursor { epoch: epoch.into(), seq: number(&seq)? })
}

fn number(text: &str) -> Result<u64, Error> {
    text.parse().map_err(|_| Error::Shape("a number of the stream"))
}

/// What the stream says of the numbers after some number.
#[derive(Debug)]
pub struct Page {
    /// The current epoch and its last number.
    pub end: Cursor,
    /// The oldest of what was asked for and is still kept, in order. The first run may begin before that.
    pub runs: Vec<ReceivedBatch>,
}

/// Reads at most `limit` runs that hold numbers above `after`, in the current epoch whatever it is.
///
/// # Errors
/// When Redis is away or refuses, or the stream does not hold what our script writes.
pub async fn read(connection: &mut impl ConnectionLike, after: u64, limit: usize) -> Result<Page, Error> {
    let script = script(READ);
    let (epoch, seq, found): (String, String, Vec<String>) =
        script.key(STREAM).key(META).arg(new_epoch()?).arg(after).arg(limit).invoke_async(connection).await?;
    let epoch: Arc<str> = epoch.into();
    let runs = found.chunks_exact(3).map(|run| ReceivedBatch::of_stream(&epoch, number(&run[1])?, number(&run[0])?, &run[2]));
    let runs = runs.collect::<Result<_, _>>()?;
    let seq = number(&seq)?;
    Ok(Page { end: Cursor { epoch, seq }, runs })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_as_it_is_written() {
        let cursor: Cursor = "Zx3_-a.42".parse().expect("a cursor");
        assert_eq!((&*cursor.epoch, cursor.seq), ("Zx3_-a", 42));
        assert_eq!(cursor.to_string(), "Zx3_-a.42");
        for text in ["", "abc", "abc.", "abc.x", "abc.-1"] {
            assert!(text.parse::<Cursor>().is_err(), "{text}");
        }
    }

    #[test]
    fn runs_hold_every_item_once_in_its_channels_order() {
        let message = |n: usize| Notification {
            id: i64::try_from(n).expect("a small number"),
            kind: "message",
            title: "",
            body: "",
            event_id: None,
            message_id: None,
            recipient: None,
            from: None,
            to: crate::notification::Audience::All,
            at: time::OffsetDateTime::UNIX_EPOCH,
        };
        let text = "x".repeat(1000);
        let item = |n| FeedItem { event: None, search: Some(text.as_str()), notification: Some(message(n)), read: None };
        // Some by one, some together, as commits come.
        let mut items = EncodedBatch::expecting(300);
        for first in (0..300).step_by(10) {
            let mut others = EncodedBatch::of(&item(first)).expect("an item");
            for n in first + 1..first + 10 {
                others.push(&item(n)).expect("an item");
            }
            items.append(others);
        }
        assert!(items.runs.len() < 6 && items.runs.iter().all(|run| run.json.len() <= LONGEST_RUN), "{}", items.runs.len());
        assert_eq!((items.len(), EncodedBatch::expecting(0).is_empty()), (300, true));
        let each = items.each().expect("the items");
        let ids = each.iter().map(|item| serde_json::from_str::<FeedItem>(item).expect("an item").notification.expect("one").id);
        assert!(ids.eq(0..300));

        let long = "x".repeat(LONGEST_RUN / 2);
        for n in 0..4 {
            items.push(&FeedItem { search: Some(long.as_str()), ..item(n) }).expect("an item");
        }
        assert!(items.len() == 304 && items.runs.iter().all(|run| run.json.len() <= LONGEST_RUN));
    }

    #[test]
    fn an_item_of_a_newer_version_costs_itself_alone() {
        let message = br#"{"epoch":"e","first":7,"items":[{"event":{"id":1}},{"event":null,"notification":"?"},{"search":"x"}]}"#;
        let run = ReceivedBatch::from_message(message).expect("a run");
        assert_eq!((run.after.to_string().as_str(), run.last(), run.unreadable), ("e.6", 9, 1));
        assert_eq!(run.items[2].search.as_deref(), Some("x"));
        assert!(ReceivedBatch::from_message(b"hello").is_none());
    }
}
