//! The Lua scripts that append to the feed and read it.

use std::sync::{Arc, LazyLock};

use redis::Script;

use crate::feed::cursor::Cursor;
use crate::feed::encode::EncodedBatch;
use crate::feed::keys::{META, STREAM};
use crate::feed::receive::ReceivedBatch;
use crate::redis::{Connection, Error, Redis};
use crate::session::new_secret;

/// Maximum number of runs appended by one script call. Redis is blocked while the script runs.
const RUNS_PER_CALL: usize = 4;

/// The start of every script: reads the current epoch, or begins a new one named `ARGV[1]`.
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

/// Appends and publishes runs. `ARGV[2]` is the number of items to keep. It is followed by three arguments for each run: the
/// channel, the number of items, and the items as a JSON array.
///
/// The script reserves the numbers first. If a later command fails, readers notice a gap, and no number is used twice. The id of
/// an entry is the number of its last item, so that reading after any number finds the run that contains the next number.
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

/// Reads at most `ARGV[3]` runs with numbers after `ARGV[2]`.
const READ: &str = r"
local found = {}
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], string.format('%.0f', tonumber(ARGV[2]) + 1) .. '-0', '+', 'COUNT', ARGV[3])) do
  found[#found + 1] = string.match(entry[1], '^%d+')
  found[#found + 1] = entry[2][2]
  found[#found + 1] = entry[2][4] or ''
end
return {epoch, string.format('%.0f', seq), found}
";

/// Reads the position of the end of the feed.
const END: &str = "return {epoch, string.format('%.0f', seq)}";

/// Created and hashed only once, since it runs on every commit.
static APPEND_SCRIPT: LazyLock<Script> = LazyLock::new(|| script(APPEND));

fn script(body: &str) -> Script {
    Script::new(&format!("{CURRENT_EPOCH}{body}"))
}

fn new_epoch() -> Result<String, Error> {
    let mut epoch = new_secret()?;
    epoch.truncate(16);
    Ok(epoch)
}

/// Numbers, stores and publishes `items`, a few runs at a time. After an error, some of them may already be published. Appending
/// all of them again is safe, since readers drop duplicates.
///
/// # Errors
/// When Redis is unavailable or rejects the script.
pub async fn append(connection: &mut Connection, items: &EncodedBatch) -> Result<(), Error> {
    for runs in items.runs.chunks(RUNS_PER_CALL) {
        let mut call = APPEND_SCRIPT.key(connection.key(STREAM));
        call.key(connection.key(META)).arg(new_epoch()?).arg(connection.feed_keep());
        for run in runs {
            call.arg(run.channel).arg(run.items).arg(&run.json[..]);
        }
        let _last: u64 = call.invoke_async(connection).await?;
    }
    Ok(())
}

/// Empties the history. The next append begins a new epoch, so that all clients fetch again.
///
/// # Errors
/// When Redis is unavailable.
pub async fn forget(redis: &Redis) -> Result<(), Error> {
    let mut connection = redis.get().await?;
    let stream = connection.key(STREAM);
    let () = redis::AsyncCommands::del(&mut connection, stream).await?;
    Ok(())
}

/// Returns the position of the end of the feed. No item published so far has a higher number.
///
/// # Errors
/// When Redis is unavailable or rejects the script.
pub async fn end(connection: &mut Connection) -> Result<Cursor, Error> {
    let script = script(END);
    let mut call = script.key(connection.key(STREAM));
    let (epoch, seq): (String, String) = call.key(connection.key(META)).arg(new_epoch()?).invoke_async(connection).await?;
    Ok(Cursor { epoch: epoch.into(), seq: parse_number(&seq)? })
}

fn parse_number(text: &str) -> Result<u64, Error> {
    text.parse().map_err(|_| Error::Malformed("a number in the stream is invalid"))
}

/// A page of the stream.
#[derive(Debug)]
pub struct Page {
    /// The end of the feed, in the current epoch.
    pub end: Cursor,
    /// The oldest runs that were requested and are still in the stream, in order. The first run may begin before the requested
    /// number.
    pub runs: Vec<ReceivedBatch>,
}

/// Reads at most `limit` runs that contain numbers greater than `after`. Always reads the current epoch.
///
/// # Errors
/// When Redis is unavailable or rejects the script, or when the stream is malformed.
pub async fn read(connection: &mut Connection, after: u64, limit: usize) -> Result<Page, Error> {
    let script = script(READ);
    let mut call = script.key(connection.key(STREAM));
    call.key(connection.key(META)).arg(new_epoch()?).arg(after).arg(limit);
    let (epoch, seq, found): (String, String, Vec<String>) = call.invoke_async(connection).await?;
    let epoch: Arc<str> = epoch.into();
    let runs = found
        .chunks_exact(3)
        .map(|run| ReceivedBatch::from_stream_entry(&epoch, parse_number(&run[1])?, parse_number(&run[0])?, &run[2]));
    let runs = runs.collect::<Result<_, _>>()?;
    let seq = parse_number(&seq)?;
    Ok(Page { end: Cursor { epoch, seq }, runs })
}
