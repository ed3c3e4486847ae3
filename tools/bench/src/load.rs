//! Generates load on one address: a closed loop that runs as fast as possible, or an open loop at a fixed rate.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::bail;
use hdrhistogram::Histogram;
use http::StatusCode;
use tokio::task::JoinSet;

use crate::corpus::Body;
use crate::post::post;

/// The result of a run.
#[derive(Debug)]
pub(crate) struct Run {
    /// Number of posts that received a 200 response.
    pub posts: usize,
    /// Number of events in those posts.
    pub events: usize,
    /// Number of posts that received a 503 response, which Mandrill would retry.
    pub unavailable: usize,
    /// Time from the first post to the last response.
    pub elapsed: Duration,
    /// Microseconds from the time a post was due until its response.
    pub latency: Histogram<u64>,
}

impl Run {
    /// Acknowledged events per second.
    pub(crate) fn events_per_second(&self) -> f64 {
        to_f64(self.events) / self.elapsed.as_secs_f64()
    }

    /// Acknowledged posts per second.
    pub(crate) fn posts_per_second(&self) -> f64 {
        to_f64(self.posts) / self.elapsed.as_secs_f64()
    }

    /// A latency quantile, in milliseconds.
    pub(crate) fn latency_ms(&self, quantile: f64) -> f64 {
        self.latency.value_at_quantile(quantile) as f64 / 1000.0
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of events, far below 2^52")]
pub(crate) fn to_f64(count: usize) -> f64 {
    count as f64
}

/// The remaining bodies and when to post them.
struct Plan {
    bodies: Mutex<VecDeque<Body>>,
    started: Instant,
    /// Interval between posts across all connections. If `None`, posts are sent without delay.
    pace: Option<Duration>,
    time_limit: Option<Duration>,
}

impl Plan {
    /// Returns the next body and the current time. Sets `number` to the number of remaining bodies.
    fn next(&self, number: &mut usize) -> Option<(Body, Instant)> {
        let mut bodies = self.bodies.lock().unwrap_or_else(PoisonError::into_inner);
        if self.time_limit.is_some_and(|time_limit| self.started.elapsed() > time_limit) {
            return None;
        }
        let body = bodies.pop_front()?;
        *number = bodies.len();
        drop(bodies);
        Some((body, Instant::now()))
    }
}

/// Posts the bodies over `connections` connections as fast as responses arrive, until all are sent or `time_limit` expires.
///
/// # Errors
/// Returns an error if a response is neither 200 nor 503, or the server does not respond.
pub(crate) async fn flood(
    address: &str,
    connections: usize,
    bodies: Vec<Body>,
    time_limit: Option<Duration>,
) -> anyhow::Result<Run> {
    run(address, connections, Plan { bodies: Mutex::new(bodies.into()), started: Instant::now(), pace: None, time_limit }).await
}

/// Posts a body every `1 / rate` seconds, regardless of responses. A late post is queued, and its latency is measured from the
/// time it was due. At most `connections` posts are in flight.
///
/// # Errors
/// Same as [`flood`].
pub(crate) async fn pace(address: &str, connections: usize, bodies: Vec<Body>, rate: f64) -> anyhow::Result<Run> {
    let pace = Some(Duration::from_secs_f64(1.0 / rate));
    run(address, connections, Plan { bodies: Mutex::new(bodies.into()), started: Instant::now(), pace, time_limit: None }).await
}

async fn run(address: &str, connections: usize, plan: Plan) -> anyhow::Result<Run> {
    let total = plan.bodies.lock().unwrap_or_else(PoisonError::into_inner).len();
    let plan = Arc::new(plan);
    let mut workers = JoinSet::new();
    for _ in 0..connections {
        let (plan, address) = (Arc::clone(&plan), address.to_owned());
        workers.spawn(async move { work(&plan, &address, total).await });
    }
    let mut run = Run { posts: 0, events: 0, unavailable: 0, elapsed: Duration::ZERO, latency: Histogram::new(3)? };
    while let Some(part) = workers.join_next().await {
        let part = part??;
        run.posts += part.posts;
        run.events += part.events;
        run.unavailable += part.unavailable;
        run.latency.add(&part.latency)?;
    }
    run.elapsed = plan.started.elapsed();
    Ok(run)
}

async fn work(plan: &Plan, address: &str, total: usize) -> anyhow::Result<Run> {
    let mut run = Run { posts: 0, events: 0, unavailable: 0, elapsed: Duration::ZERO, latency: Histogram::new(3)? };
    let mut connection = None;
    let mut left = 0;
    while let Some((body, now)) = plan.next(&mut left) {
        let due = match plan.pace {
            Some(pace) => {
                let number = u32::try_from(total - left - 1).unwrap_or(u32::MAX);
                let due = plan.started + pace * number;
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
            StatusCode::SERVICE_UNAVAILABLE => run.unavailable += 1,
            other => bail!("the server answered a delivery with {other}; check its log"),
        }
    }
    Ok(run)
}
