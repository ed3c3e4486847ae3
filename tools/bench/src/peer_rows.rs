//! Benchmark rows for the peers. Our service and each peer run in turn, with the same kinds of bodies and the same Postgres.

use crate::corpus::Body;
use crate::load::{self, Run, to_f64};
use crate::ours::Ours;
use crate::peers::{DJANGO_PLAIN, DJANGO_TUNED, FASTIFY, Indexes, Kind, Peer};
use crate::report::{Row, median};
use crate::run::{Effort, is_selected, print_line};

/// Number of connections that post batches. Additional ones would only wait for the peers' two workers.
const CONNECTIONS: usize = 4;
const SINGLE_CONNECTIONS: usize = 64;
const WARM: usize = 4;

pub(crate) async fn measure(ours: &mut Ours, effort: Effort, only: &str) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    let few = (effort.batches / 20).max(5);
    let many = effort.batches / 2;
    let batches = [
        ("peer_django_tuned_batch", DJANGO_TUNED, Indexes::Basic, many),
        ("peer_django_tuned_search_batch", DJANGO_TUNED, Indexes::Search, many),
        ("peer_django_plain_batch", DJANGO_PLAIN, Indexes::Basic, few),
        ("peer_fastify_batch", FASTIFY, Indexes::Basic, many),
        ("peer_fastify_search_batch", FASTIFY, Indexes::Search, many),
    ];
    for (id, kind, indexes, count) in batches {
        if is_selected(only, id) {
            rows.extend(batch(ours, effort, id, kind, indexes, count).await?);
        }
    }
    for (id, kind) in [("peer_django_single", DJANGO_TUNED), ("peer_fastify_single", FASTIFY)] {
        if is_selected(only, id) {
            rows.extend(single(ours, effort, id, kind).await?);
        }
    }
    Ok(rows)
}

async fn batch(
    ours: &mut Ours,
    effort: Effort,
    id: &'static str,
    kind: Kind,
    indexes: Indexes,
    count: usize,
) -> anyhow::Result<Vec<Row>> {
    let (mut mine, mut theirs, mut my_cpu, mut their_cpu) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let name = match indexes {
        Indexes::Basic => kind.name.to_owned(),
        Indexes::Search => format!("{}, with search", kind.name),
    };
    for round in 1..=effort.rounds {
        let Some(peer) = Peer::start(kind, indexes, &ours.stack).await? else { return Ok(Vec::new()) };
        let warm = run(&peer, CONNECTIONS, ours.corpus.bodies(WARM, 1000)).await?;
        let cpu = peer.cpu();
        let them = run(&peer, CONNECTIONS, ours.corpus.bodies(count, 1000)).await?;
        let cpu = (peer.cpu() - cpu).as_secs_f64() * 1e6 / to_f64(them.events);
        peer.check(warm.events + them.events).await?;
        drop(peer);
        let bodies = ours.corpus.bodies(effort.batches / 2, 1000);
        let us = ours.flood(CONNECTIONS, bodies, None).await?;
        print_line(&format!(
            "{name}, batches, round {round}: {:.0} events/s, {cpu:.0} µs per event; ours {:.0} events/s, {:.1} µs",
            them.events_per_second(),
            us.run.events_per_second(),
            us.ingest_us
        ));
        mine.push(us.run.events_per_second());
        theirs.push(them.events_per_second());
        my_cpu.push(us.ingest_us);
        their_cpu.push(cpu);
    }
    let mut rows = vec![Row::comparison(id, "1,000-event batches", "events/s", median(mine), &name, median(theirs))];
    if id == "peer_django_tuned_batch" {
        let (mine, theirs) = (median(my_cpu), median(their_cpu));
        rows.push(Row::comparison(
            "peer_django_cpu",
            "CPU of the service, 1,000-event batches",
            "µs/event",
            mine,
            kind.name,
            theirs,
        ));
    }
    Ok(rows)
}

async fn single(ours: &mut Ours, effort: Effort, id: &'static str, kind: Kind) -> anyhow::Result<Vec<Row>> {
    let (mut mine, mut theirs) = (Vec::new(), Vec::new());
    for round in 1..=effort.rounds {
        let Some(peer) = Peer::start(kind, Indexes::Basic, &ours.stack).await? else { return Ok(Vec::new()) };
        let warm = run(&peer, CONNECTIONS, ours.corpus.bodies(200, 1)).await?;
        let bodies = ours.corpus.bodies(usize::try_from(effort.time.as_secs())? * 4_000, 1);
        let them = load::flood(&peer.address, SINGLE_CONNECTIONS, bodies, Some(effort.time)).await?;
        peer.check(warm.events + them.events).await?;
        drop(peer);
        let bodies = ours.corpus.bodies(usize::try_from(effort.time.as_secs())? * 20_000, 1);
        let us = ours.flood(SINGLE_CONNECTIONS, bodies, Some(effort.time)).await?;
        print_line(&format!(
            "{}, single events, round {round}: {:.0} posts/s; ours {:.0}",
            kind.name,
            them.posts_per_second(),
            us.run.posts_per_second()
        ));
        mine.push(us.run.posts_per_second());
        theirs.push(them.posts_per_second());
    }
    Ok(vec![Row::comparison(id, "1-event posts at 64 connections", "posts/s", median(mine), kind.name, median(theirs))])
}

async fn run(peer: &Peer, connections: usize, bodies: Vec<Body>) -> anyhow::Result<Run> {
    load::flood(&peer.address, connections, bodies, None).await
}
