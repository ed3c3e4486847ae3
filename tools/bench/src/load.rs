//! Load on one address: as fast as so many connections can, or open loop at a fixed rate.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::bail;
use hdrhistogram::Histogram;
use http::StatusCode;
use tokio::task::JoinSet;

use crate::corpus::Body;
use crate::post::post;

/// What a run did.
#[derive(Debug)]
pub(crate) struct Run {
    /// Posts answered with 200.
    pub posts: usize,
    /// Events in them.
    pub events: usize,
    /// Posts answered with 503: told to come back.
    pub postponed: usize,
    /// From the first post to the last answer.
    pub took: Duration,
    /// Microseconds from the moment a post was due to its answer.
    pub latency: Histogram<u64>,
}

impl Run {
    /// Events acknowledged a second.
    pub(crate) fn events_per_second(&self) -> f64 {
        to_f64(self.events) / self.took.as_secs_f64()
    }

    /// Posts acknowledged a second.
    pub(crate) fn posts_per_second(&self) -> f64 {
        to_f64(self.posts) / self.took.as_secs_f64()
    }

    /// A quantile of the latency, in milliseconds.
    pub(crate) fn latency_ms(&self, quantile: f64) -> f64 {
        self.latency.value_at_quantile(quantile) as f64 / 1000.0
    }
}

/// Counts here are far below 2^52.
#[expect(clippy::cast_precision_loss, reason = "counts of events, far below 2^52")]
pub(crate) fn to_f64(count: usize) -> f64 {
    count as f64
}

/// The bodies that are still to be posted, and when.
struct Plan {
    bodies: Mutex<VecDeque<Body>>,
    began: Instant,
    /// Between two posts over all connections; none: at once.
    pace: Option<Duration>,
    until: Option<Duration>,
}

impl Plan {
    /// The next body, and the moment it is due.
    fn next(&self, number: &mut usize) -> Option<(Body, Instant)> {
        let mut bodies = self.bodies.lock().unwrap_or_else(PoisonError::into_inner);
        if self.until.is_some_and(|until| self.began.elapsed() > until) {
            return None;
        }
        let body = bodies.pop_front()?;
        *number = bodies.len();
        drop(bodies);
        Some((body, Instant::now()))
    }
}

/// Posts all bodies over so many connections as fast as they are answered, or until time is up.
///
/// # Errors
/// When an answer is neither 200 nor 503, or nobody answers.
pub(crate) async fn flood(address: &str, connections: usize, bodies: Vec<Body>, until: Option<Duration>) -> anyhow::Result<Run> {
    run(address, connections, Plan { bodies: Mutex::new(bodies.into()), began: Instant::now(), pace: None, until }).await
}

/// Posts a body each `1 / rate` seconds, whatever the answers do: one that is late waits in line, and its latency counts
/// from when it was due. `connections` bounds how many are under way.
///
/// # Errors
/// As [`flood`].
pub(crate) async fn pace(address: &str, connections: usize, bodies: Vec<Body>, rate: f64) -> anyhow::Result<Run> {
    let pace = Some(Duration::from_secs_f64(1.0 / rate));
    run(address, connections, Plan { bodies: Mutex::new(bodies.into()), began: Instant::now(), pace, until: None }).await
}

async fn run(address: &str, connections: usize, plan: Plan) -> anyhow::Result<Run> {
    let total = plan.bodies.lock().unwrap_or_else(PoisonError::into_inner).len();
    let plan = Arc::new(plan);
    let mut workers = JoinSet::new();
    for _ in 0..connections {
        let (plan, address) = (Arc::clone(&plan), address.to_owned());
        workers.spawn(async move { work(&plan, &address, total).await });
    }
    let mut run = Run { posts: 0, events: 0, postponed: 0, took: Duration::ZERO, latency: Histogram::new(3)? };
    while let Some(part) = workers.join_next().await {
        let part = part??;
        run.posts += part.posts;
        run.events += part.events;
        run.postponed += part.postponed;
        run.latency.add(&part.latency)?;
    }
    run.took = plan.began.elapsed();
    Ok(run)
}

async fn work(plan: &Plan, address: &str, total: usize) -> anyhow::Result<Run> {
    let mut run = Run { posts: 0, events: 0, postponed: 0, took: Duration::ZERO, latency: Histogram::new(3)? };
    let mut connection = None;
    let mut left = 0;
    while let Some((body, now)) = plan.next(&mut left) {
        let due = match plan.pace {
            Some(pace) => {
                let number = u32::try_from(total - left - 1).unwrap_or(u32::MAX);
                let due = plan.began + pace * number;
                tokio::time::sleep_until(due.into()).await;
                due
            }
            None => now,
        };
        match post(&mut connection, address, &body).await? {
            StatusCode::OK => {
                run.posts += 1;
                run.events += body.events;
                run.latency.record(u64::try_from(due.elapsed().as_micros()).unwrap_or(u64::MAX))?;
            }
            StatusCode::SERVICE_UNAVAILABLE => run.postponed += 1,
            other => bail!("a delivery was answered with {other}"),
        }
    }
    Ok(run)
}
