//! Benchmark rows for the latency from a delivery's 200 response to the frame in a client, when idle and at half the peak rate.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::ensure;
use hdrhistogram::Histogram;
use stack::Part;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::corpus::{Body, Corpus};
use crate::database;
use crate::fanout::{Contender, open_listeners};
use crate::load::{self, to_f64};
use crate::post::post;
use crate::report::Row;
use crate::run::{Effort, is_selected, print_line};

/// Number of open pages.
const PAGES: usize = 10;
/// Posts per second in the idle run.
const IDLE_RATE: f64 = 10.0;
const CONNECTIONS: usize = 64;
/// Maximum number of frames waiting to be counted.
const FRAME_CAPACITY: usize = 1 << 20;
/// How long to wait for the final frames.
const RECEIVE_TIMEOUT: Duration = Duration::from_secs(20);

pub(crate) async fn measure(effort: Effort, only: &str) -> anyhow::Result<Vec<Row>> {
    if !is_selected(only, "end_to_end") {
        return Ok(Vec::new());
    }
    let ours = Contender::ours_unpinned().await?;
    let stack = ours.stack();
    let address = stack.direct(Part::Ingest);
    let mut corpus = Corpus::new(&stack.settings().webhook_keys, &stack.webhook_url());
    let peak =
        load::flood(&address, CONNECTIONS, corpus.bodies(60_000, 1), Some(Duration::from_secs(3))).await?.posts_per_second();
    // The next run must not start with a backlog in the outbox.
    database::wait_for_outbox(&stack.database_url()).await?;
    let mut rows = Vec::new();
    for (name, what, rate) in [("idle", "idle, 10 posts/s", IDLE_RATE), ("half", "at half of peak", (peak / 2.0).floor())] {
        let count = rate * effort.time.as_secs_f64();
        let latencies = run(&ours, &mut corpus, &address, count as usize, rate).await?;
        let ms = |histogram: &Histogram<u64>, quantile| histogram.value_at_quantile(quantile) as f64 / 1000.0;
        print_line(&format!(
            "end to end, {what} ({rate:.0} posts/s, {PAGES} pages): response to frame p50 {:.2} p99 {:.2} ms; post to response p50 {:.2} p99 {:.2} ms; post to frame p50 {:.2} p99 {:.2} ms",
            ms(&latencies.answer_to_frame, 0.5),
            ms(&latencies.answer_to_frame, 0.99),
            ms(&latencies.post_to_answer, 0.5),
            ms(&latencies.post_to_answer, 0.99),
            ms(&latencies.post_to_frame, 0.5),
            ms(&latencies.post_to_frame, 0.99)
        ));
        let (p50, p99): (&'static str, &'static str) =
            if name == "idle" { ("end_to_end_idle_p50", "end_to_end_idle") } else { ("end_to_end_half_p50", "end_to_end_half") };
        rows.push(Row::figure(
            p50,
            &format!("p50 from the 200 response to the frame, {what}"),
            "ms",
            ms(&latencies.answer_to_frame, 0.5),
        ));
        rows.push(Row::figure(
            p99,
            &format!("p99 from the 200 response to the frame, {what}"),
            "ms",
            ms(&latencies.answer_to_frame, 0.99),
        ));
    }
    Ok(rows)
}

/// In microseconds.
struct Latencies {
    post_to_answer: Histogram<u64>,
    answer_to_frame: Histogram<u64>,
    post_to_frame: Histogram<u64>,
}

async fn run(ours: &Contender, corpus: &mut Corpus, address: &str, count: usize, rate: f64) -> anyhow::Result<Latencies> {
    let (frames, mut receiver) = mpsc::channel(FRAME_CAPACITY);
    let pages = open_listeners(ours.endpoint(), PAGES, frames).await?;
    let opens = corpus.opens(count);
    let started = Instant::now() + Duration::from_millis(100);
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
                tokio::time::sleep_until((started + due).into()).await;
                let sent = Instant::now();
                let status = post(&mut connection, &address, &body).await?;
                ensure!(status == 200, "ingest answered a delivery with {status}; check its log");
                posted.push((id, sent, Instant::now()));
            }
            Ok(posted)
        });
    }
    let mut received: Vec<(String, Instant)> = Vec::with_capacity(count * PAGES);
    let deadline = tokio::time::Instant::now() + Duration::from_secs_f64(to_f64(count) / rate) + RECEIVE_TIMEOUT;
    while received.len() < count * PAGES {
        let Ok(Some(frame)) = tokio::time::timeout_at(deadline, receiver.recv()).await else { break };
        received.push(frame);
    }
    ensure!(received.len() == count * PAGES, "only {} of {} frames arrived", received.len(), count * PAGES);
    let mut posts = HashMap::with_capacity(count);
    let new = || Histogram::<u64>::new(3);
    let mut latencies = Latencies { post_to_answer: new()?, answer_to_frame: new()?, post_to_frame: new()? };
    let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX).max(1);
    while let Some(posted) = posting.join_next().await {
        for (id, sent, answered) in posted?? {
            latencies.post_to_answer.record(micros(answered - sent))?;
            posts.insert(id, (sent, answered));
        }
    }
    for (id, at) in received {
        let Some((sent, answered)) = posts.get(&id) else { continue };
        latencies.answer_to_frame.record(micros(at.saturating_duration_since(*answered)))?;
        latencies.post_to_frame.record(micros(at - *sent))?;
    }
    drop(pages);
    Ok(latencies)
}
