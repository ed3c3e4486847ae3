//! Fan-out benchmark rows: one load generator with many websockets, run against our notifier and each of its peers in turn. The
//! servers run on one core and the generator on the other.

mod clients;
mod contender;
mod publisher;
mod websocket;

use std::time::Duration;

use anyhow::Context;

pub(crate) use self::clients::open_listeners;
use self::clients::{Report, Scenario, StalledState};
pub(crate) use self::contender::Contender;
use crate::cost;
use crate::report::{Row, median};
use crate::run::{Effort, is_selected, print_line};

const SOCKETS: usize = 2_000;
/// Messages per second that every server can deliver.
const LIGHT_RATE: u32 = 20;
/// Messages per second that most servers cannot deliver.
const HEAVY_RATE: u32 = 200;
/// Django Channels cannot keep up with the other rows' load.
const CHANNELS_SOCKETS: usize = 500;
const CHANNELS_RATE: u32 = 10;
/// Messages per second used to measure a server's maximum.
const PEAK_RATE: u32 = 800;
/// Short, so that a peer that falls behind still finishes soon.
const PEAK_DURATION: Duration = Duration::from_secs(3);
/// Number of idle sockets used to measure memory.
const IDLE_SOCKETS: usize = 10_000;
/// More messages than fit in the kernel's buffers for one socket, 256 KiB.
const FILL_MESSAGES: u32 = 1_200;

/// The peers, with the suffix used in their row ids.
const PEERS: [(&str, contender::Kind); 4] = [
    ("nchan", contender::Kind::Nchan),
    ("ws", contender::Kind::Ws),
    ("socketio", contender::Kind::SocketIo),
    ("sockudo", contender::Kind::Sockudo),
];

pub(crate) async fn measure(effort: Effort, quick: bool, only: &str) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    if !["fanout", "socket"].iter().any(|group| is_selected(only, group)) {
        return Ok(rows);
    }
    let effort = if quick { Effort { time: Duration::from_secs(3), ..effort } } else { effort };
    let mut ours = Contender::ours().await?;
    for (name, kind) in PEERS {
        if quick && kind == contender::Kind::Sockudo {
            continue;
        }
        if ["fanout_", "fanout_most_", "fanout_cpu_", "fanout_p99_"].iter().any(|id| is_selected(only, &format!("{id}{name}"))) {
            rows.extend(compare(&ours, kind, name, effort).await?);
        }
    }
    for (id, kind) in [("fanout_channels", contender::Kind::Uvicorn), ("fanout_channels_daphne", contender::Kind::Daphne)] {
        if is_selected(only, id) {
            rows.extend(channels(&ours, kind, id, effort).await?);
        }
    }
    if is_selected(only, "fanout_stalled") {
        rows.push(stalled(&ours, effort).await?);
    }
    if is_selected(only, "socket_rss") {
        ours.restart_notifier()?;
        rows.push(memory(&ours, "socket_rss").await?);
        for (kind, id) in [(contender::Kind::Nchan, "socket_rss_nchan"), (contender::Kind::Ws, "socket_rss_ws")] {
            if !quick && let Some(peer) = Contender::peer(kind, ours.stack()).await {
                rows.extend(kind.skip_on_error(memory(&peer, id).await));
            }
        }
    }
    if is_selected(only, "socket_churn") {
        ours.restart_notifier()?;
        rows.push(churn(&ours, if quick { 10 } else { 60 }).await?);
    }
    Ok(rows)
}

/// Our measurements and the peer's.
type Pair = (Vec<f64>, Vec<f64>);

/// Compares our notifier and a peer at each rate.
async fn compare(ours: &Contender, kind: contender::Kind, name: &str, effort: Effort) -> anyhow::Result<Vec<Row>> {
    let (mut p99, mut rate, mut cpu, mut peak) = (Pair::default(), Pair::default(), Pair::default(), None);
    for round in 1..=effort.rounds {
        // One round at the peak rate is enough, and a slow server takes a long time to complete it.
        let is_last = round == effort.rounds && effort.rounds > 1;
        let Some(peer) = Contender::peer(kind, ours.stack()).await else { return Ok(Vec::new()) };
        let Some(theirs) = kind.skip_on_error(all_rates(&peer, effort.time, is_last).await) else { return Ok(Vec::new()) };
        drop(peer);
        let mine = all_rates(ours, effort.time, is_last).await?;
        p99.0.push(mine.light.p99_ms());
        p99.1.push(theirs.light.p99_ms());
        rate.0.push(mine.heavy.deliveries_per_second());
        rate.1.push(theirs.heavy.deliveries_per_second());
        cpu.0.push(mine.heavy.cpu_us());
        cpu.1.push(theirs.heavy.cpu_us());
        if let (Some(mine), Some(theirs)) = (mine.peak, theirs.peak) {
            peak = Some((vec![mine.deliveries_per_second()], vec![theirs.deliveries_per_second()]));
        }
    }
    let peer = kind.name();
    let id = |prefix: &str| -> &'static str { Box::leak(format!("{prefix}{name}").into_boxed_str()) };
    let row = |prefix, what, unit, (ours, theirs)| Row::comparison(id(prefix), what, unit, median(ours), peer, median(theirs));
    let mut rows = vec![row("fanout_", "2,000 sockets, 200 messages/s offered", "deliveries/s", rate)];
    rows.extend(peak.map(|peak| row("fanout_most_", "2,000 sockets, 800 messages/s offered", "deliveries/s", peak)));
    rows.push(row("fanout_cpu_", "CPU of the server at 200 messages/s offered", "µs/delivery", cpu));
    rows.push(row("fanout_p99_", "p99 from publish to receipt, 2,000 sockets, 20 messages/s", "ms", p99));
    Ok(rows)
}

/// One contender's reports at each rate.
struct Reports {
    light: Report,
    heavy: Report,
    peak: Option<Report>,
}

async fn all_rates(contender: &Contender, time: Duration, with_peak: bool) -> anyhow::Result<Reports> {
    Ok(Reports {
        light: run(contender, SOCKETS, LIGHT_RATE, time).await?,
        heavy: run(contender, SOCKETS, HEAVY_RATE, time).await?,
        peak: if with_peak { Some(run(contender, SOCKETS, PEAK_RATE, PEAK_DURATION).await?) } else { None },
    })
}

async fn channels(ours: &Contender, kind: contender::Kind, id: &'static str, effort: Effort) -> anyhow::Result<Option<Row>> {
    let (mut mine, mut theirs) = Pair::default();
    for _ in 0..effort.rounds {
        let Some(peer) = Contender::peer(kind, ours.stack()).await else { return Ok(None) };
        let Some(report) = kind.skip_on_error(run(&peer, CHANNELS_SOCKETS, CHANNELS_RATE, effort.time).await) else {
            return Ok(None);
        };
        drop(peer);
        theirs.push(report.deliveries_per_second());
        mine.push(run(ours, CHANNELS_SOCKETS, CHANNELS_RATE, effort.time).await?.deliveries_per_second());
    }
    Ok(Some(Row::comparison(id, "500 sockets, 10 messages/s", "deliveries/s", median(mine), kind.name(), median(theirs))))
}

/// Measures how a client that never reads affects the others.
async fn stalled(ours: &Contender, effort: Effort) -> anyhow::Result<Row> {
    let scenario = |stalled| Scenario { sockets: 1_000, stalled, fill: FILL_MESSAGES, rate: 100, time: effort.time };
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for _ in 0..effort.rounds {
        without.push(run_scenario(ours, scenario(0)).await?.p99_ms());
        let before = cost::memory(ours.pid());
        let report = run_scenario(ours, scenario(1)).await?;
        let grown = cost::memory(ours.pid()).saturating_sub(before) >> 10;
        let state = match report.stalled.first() {
            Some(StalledState::Closed(code)) => {
                format!("was closed with {}", code.map_or("no code".to_owned(), |code| code.to_string()))
            }
            Some(StalledState::Open) | None => "was still open".to_owned(),
        };
        print_line(&format!("  the client that never read {state}; the notifier grew by {grown} KiB"));
        with.push(report.p99_ms());
    }
    let (what, peer) =
        ("p99 of 1,000 sockets at 100 messages/s while one more never reads", "the same without the stalled socket");
    Ok(Row::comparison("fanout_stalled", what, "ms", median(with), peer, median(without)))
}

async fn memory(contender: &Contender, id: &'static str) -> anyhow::Result<Row> {
    let before = cost::memory(contender.pid());
    let clients = clients::open_idle(contender.endpoint(), IDLE_SOCKETS).await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let after = cost::memory(contender.pid());
    drop(clients);
    let each = after.saturating_sub(before) as f64 / 1024.0 / crate::load::to_f64(IDLE_SOCKETS);
    print_line(&format!(
        "{}: {each:.2} KiB per idle socket with {IDLE_SOCKETS} sockets, {} MiB in total",
        contender.name(),
        after >> 20
    ));
    let what = format!("Memory per socket with 10,000 idle sockets, {}", contender.name());
    Ok(Row::figure(id, &what, "KiB", each))
}

/// Connects and disconnects sockets for `seconds` seconds. Returns the memory at the end divided by the memory after three rounds.
async fn churn(ours: &Contender, seconds: u64) -> anyhow::Result<Row> {
    let (mut rounds, mut first) = (0, None);
    let started = std::time::Instant::now();
    while started.elapsed() < Duration::from_secs(seconds) {
        drop(clients::open_idle(ours.endpoint(), SOCKETS).await?);
        rounds += 1;
        if rounds == 3 {
            first = Some(cost::memory(ours.pid()));
        }
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (first, last) = (first.context("fewer than three rounds of connecting completed in time")?, cost::memory(ours.pid()));
    print_line(&format!(
        "churn: {} connections in {seconds} s, {} MiB after three rounds, {} MiB at the end",
        rounds * SOCKETS,
        first >> 20,
        last >> 20
    ));
    Ok(Row::figure(
        "socket_churn",
        "Memory after a minute of connecting and disconnecting, divided by that after three rounds",
        "ratio",
        last as f64 / first as f64,
    ))
}

async fn run(contender: &Contender, sockets: usize, rate: u32, time: Duration) -> anyhow::Result<Report> {
    run_scenario(contender, Scenario { sockets, stalled: 0, fill: 0, rate, time }).await
}

async fn run_scenario(contender: &Contender, scenario: Scenario) -> anyhow::Result<Report> {
    let before = cost::cpu(contender.pid());
    let (ready_tx, ready_rx) = tokio::sync::oneshot::channel();
    let running = tokio::spawn(clients::run_scenario(contender.endpoint(), scenario, contender.target(), ready_tx));
    // Opening the sockets and warming up are not measured.
    let begin = ready_rx.await.map_or(before, |()| cost::cpu(contender.pid()));
    let mut report = running.await??;
    report.cpu = cost::cpu(contender.pid()) - begin;
    print_line(&format!("{}, {} sockets, {} messages/s: {report}", contender.name(), scenario.sockets, scenario.rate));
    Ok(report)
}
