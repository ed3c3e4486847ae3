//! The Lua scripts that append to the feed and read it.

use std::sync::{Arc, LazyLock};

use redis::Script;
use redis::aio::ConnectionLike;

use crate::feed::cursor::Cursor;
use crate::feed::encode::EncodedBatch;
use crate::feed::keys::{KEEP, META, STREAM};
use crate::feed::receive::ReceivedBatch;
use crate::redis::Error;
use crate::session::new_secret;

/// Runs appended by one script: Redis does nothing else meanwhile.
const RUNS: usize = 4;

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
