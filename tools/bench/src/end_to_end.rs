//! From an accepted delivery to the frame in a client: idle, and at half of what this machine takes.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::ensure;
use hdrhistogram::Histogram;
use stack::Part;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::corpus::{Body, Corpus};
use crate::fanout::{Contender, listeners};
use crate::load::{self, to_f64};
use crate::post::post;
use crate::report::Row;
use crate::{Effort, database, say, wanted};

/// Pages that are open.
const PAGES: usize = 10;
/// Posts a second when nothing else goes on.
const IDLE: f64 = 10.0;
const CONNECTIONS: usize = 64;
/// Frames on their way to whoever counts them.
const FRAMES: usize = 1 << 20;
/// How long the last frames are waited for.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) async fn measure(effort: Effort, only: &str) -> anyhow::Result<Vec<Row>> {
    if !wanted(only, "end_to_end") {
        return Ok(Vec::new());
    }
    let ours = Contender::ours_unpinned().await?;
    let stack = ours.stack();
    let address = stack.direct(Part::Ingest);
    let mut corpus = Corpus::new(&stack.settings().webhook_keys, &stack.webhook_url());
    let peak =
        load::flood(&address, CONNECTIONS, corpus.bodies(60_000, 1), Some(Duration::from_secs(3))).await?.posts_per_second();
    // What that left for the relay is none of the next run's business.
    database::drained(&stack.database_url()).await?;
    let mut rows = Vec::new();
    for (name, what, rate) in [("idle", "idle, 10 posts/s", IDLE), ("half", "at half of peak", (peak / 2.0).floor())] {
        let count = rate * effort.time.as_secs_f64();
        let seen = run(&ours, &mut corpus, &address, count as usize, rate).await?;
        let ms = |histogram: &Histogram<u64>, quantile| histogram.value_at_quantile(quantile) as f64 / 1000.0;
        say(&format!(
            "end to end, {what} ({rate:.0} posts/s, {PAGES} pages): answer to frame p50 {:.2} p99 {:.2} ms; post to answer p50 {:.2} p99 {:.2} ms; post to frame p50 {:.2} p99 {:.2} ms",
            ms(&seen.after_answer, 0.5),
            ms(&seen.after_answer, 0.99),
            ms(&seen.to_answer, 0.5),
            ms(&seen.to_answer, 0.99),
            ms(&seen.after_post, 0.5),
            ms(&seen.after_post, 0.99)
        ));
        let (p50, p99): (&'static str, &'static str) =
            if name == "idle" { ("end_to_end_idle_p50", "end_to_end_idle") } else { ("end_to_end_half_p50", "end_to_end_half") };
        rows.push(Row::alone(
            p50,
            &format!("p50 from the accepting answer to the frame, {what}"),
            "ms",
            ms(&seen.after_answer, 0.5),
        ));
        rows.push(Row::alone(p99, &format!("p99 of the same, {what}"), "ms", ms(&seen.after_answer, 0.99)));
    }
    Ok(rows)
}

/// Microseconds.
struct Seen {
    to_answer: Histogram<u64>,
    after_answer: Histogram<u64>,
    after_post: Histogram<u64>,
}

async fn run(ours: &Contender, corpus: &mut Corpus, address: &str, count: usize, rate: f64) -> anyhow::Result<Seen> {
    let (frames, mut arrived) = mpsc::channel(FRAMES);
    let pages = listeners(ours.door(), PAGES, frames).await?;
    let opens = corpus.opens(count);
    let began = Instant::now() + Duration::from_millis(100);
    let mut posting = JoinSet::new();
    let mut shares: Vec<Vec<(Duration, String, Body)>> = (0..CONNECTIONS).map(|_| Vec::new()).collect();
    for (number, (id, body)) in opens.into_iter().enumerate() {
        shares[number % CONNECTIONS].push((Duration::from_secs_f64(to_f64(number) / rate), id, body));
    }
    for share in shares {
        let address = address.to_owned();
        posting.spawn(async move {
            let (mut connection, mut posted) = (None, Vec::with_capacity(share.len()));
            for (due, id, body) in share {
                tokio::time::sleep_until((began + due).into()).await;
                let sent = Instant::now();
                let status = post(&mut connection, &address, &body).await?;
                ensure!(status == 200, "a delivery was answered with {status}");
                posted.push((id, sent, Instant::now()));
            }
            Ok(posted)
        });
    }
    let mut received: Vec<(String, Instant)> = Vec::with_capacity(count * PAGES);
    let deadline = tokio::time::Instant::now() + Duration::from_secs_f64(to_f64(count) / rate) + PATIENCE;
    while received.len() < count * PAGES {
        let Ok(Some(frame)) = tokio::time::timeout_at(deadline, arrived.recv()).await else { break };
        received.push(frame);
    }
    ensure!(received.len() == count * PAGES, "{} of {} frames came", received.len(), count * PAGES);
    let mut posts = HashMap::with_capacity(count);
    let new = || Histogram::<u64>::new(3);
    let mut seen = Seen { to_answer: new()?, after_answer: new()?, after_post: new()? };
    let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX).max(1);
    while let Some(posted) = posting.join_next().await {
        for (id, sent, answered) in posted?? {
            seen.to_answer.record(micros(answered - sent))?;
            posts.insert(id, (sent, answered));
        }
    }
    for (id, at) in received {
        let Some((sent, answered)) = posts.get(&id) else { continue };
        seen.after_answer.record(micros(at.saturating_duration_since(*answered)))?;
        seen.after_post.record(micros(at - *sent))?;
    }
    drop(pages);
    Ok(seen)
}
