//! Benchmark rows for what the feed costs each notifier. Every notifier receives all of it, so that more of them share the sockets but not this.

use std::time::Duration;

use stack::Replica;

use crate::cost;
use crate::load::to_f64;
use crate::ours::Ours;
use crate::report::Row;
use crate::run::{Effort, is_selected, print_line};

/// Numbers of notifiers that are compared.
const REPLICAS: [(usize, &str); 3] = [(1, "notifier_feed_1"), (2, "notifier_feed_2"), (4, "notifier_feed_4")];
const BATCH: usize = 100;
/// Batches per second: 2,000 events a second.
const RATE: f64 = 20.0;
/// The last published items are on their way when the outbox is empty.
const SETTLING: Duration = Duration::from_millis(300);

pub(crate) async fn measure(effort: Effort, only: &str) -> anyhow::Result<Vec<Row>> {
    if !is_selected(only, "notifier_feed") {
        return Ok(Vec::new());
    }
    let mut ours = Ours::start().await?;
    let mut rows = Vec::new();
    for (count, id) in REPLICAS {
        let start = || (0..count).map(|_| ours.stack.replica("notifier")).collect::<Result<Vec<Replica>, _>>();
        let replicas = tokio::task::block_in_place(start)?;
        let used = || replicas.iter().map(|replica| cost::cpu(replica.pid())).collect::<Vec<Duration>>();
        let batches = (effort.time.as_secs_f64() * RATE) as usize;
        let bodies = ours.corpus.bodies(batches, BATCH);
        let before = used();
        let measured = ours.pace(8, bodies, RATE).await?;
        tokio::time::sleep(SETTLING).await;
        let each: Vec<f64> = used()
            .iter()
            .zip(&before)
            .map(|(after, before)| (*after - *before).as_secs_f64() * 1e6 / to_f64(measured.run.events))
            .collect();
        print_line(&format!("{count} notifiers, µs of CPU per event: {each:.1?}; ingest {:.1}", measured.ingest_us));
        let mean = each.iter().sum::<f64>() / to_f64(count);
        rows.push(Row::figure(
            id,
            &format!("CPU of each of {count} notifiers without sockets, 2,000 events/s"),
            "µs/event",
            mean,
        ));
        tokio::task::block_in_place(|| drop(replicas));
    }
    Ok(rows)
}
