//! Rows about fan-out: one generator, many websockets, our notifier and its peers in turn. Servers run on one core, the generator on
//! the other.

mod contender;
mod crowd;
mod publisher;
mod wire;

use std::time::Duration;

use anyhow::Context;

pub(crate) use self::contender::Contender;
pub(crate) use self::crowd::listeners;
use self::crowd::{Fate, Report, Scene};
use crate::report::{Row, median};
use crate::{Effort, cost, say, wanted};

/// Sockets of the main rows, and of those that Django Channels can follow.
const SOCKETS: usize = 2_000;
const FEW: usize = 500;
/// Messages a second: easy, and more than most can carry.
const EASY: u32 = 20;
const HARD: u32 = 200;
const SLOW: u32 = 10;
/// More than anybody here can carry: what is reached is what a server is good for.
const MOST: u32 = 800;
/// For how long, so that a peer that falls behind is soon done.
const FULL: Duration = Duration::from_secs(3);
/// Idle sockets whose memory is measured.
const IDLE: usize = 10_000;
/// Messages that are more than the system holds for one socket, 256 KiB.
const FILL: u32 = 1_200;

/// The peers, by the end of their rows' ids.
const PEERS: [(&str, contender::Kind); 4] = [
    ("nchan", contender::Kind::Nchan),
    ("ws", contender::Kind::Ws),
    ("socketio", contender::Kind::SocketIo),
    ("sockudo", contender::Kind::Sockudo),
];

pub(crate) async fn measure(effort: Effort, quick: bool, only: &str) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    if !["fanout", "socket"].iter().any(|group| wanted(only, group)) {
        return Ok(rows);
    }
    let effort = if quick { Effort { time: Duration::from_secs(3), ..effort } } else { effort };
    let mut ours = Contender::ours().await?;
    for (name, kind) in PEERS {
        if quick && kind == contender::Kind::Sockudo {
            continue;
        }
        if ["fanout_", "fanout_most_", "fanout_cpu_", "fanout_p99_"].iter().any(|id| wanted(only, &format!("{id}{name}"))) {
            rows.extend(against(&ours, kind, name, effort).await?);
        }
    }
    for (id, kind) in [("fanout_channels", contender::Kind::Uvicorn), ("fanout_channels_daphne", contender::Kind::Daphne)] {
        if wanted(only, id) {
            rows.extend(channels(&ours, kind, id, effort).await?);
        }
    }
    if wanted(only, "fanout_stalled") {
        rows.push(stalled(&ours, effort).await?);
    }
    if wanted(only, "socket_rss") {
        ours.renew()?;
        rows.push(memory(&ours, "socket_rss").await?);
        for (kind, id) in [(contender::Kind::Nchan, "socket_rss_nchan"), (contender::Kind::Ws, "socket_rss_ws")] {
            if !quick && let Some(peer) = Contender::peer(kind, ours.stack()).await {
                rows.extend(kind.forgive(memory(&peer, id).await));
            }
        }
    }
    if wanted(only, "socket_churn") {
        ours.renew()?;
        rows.push(churn(&ours, if quick { 10 } else { 60 }).await?);
    }
    Ok(rows)
}

/// Ours, and theirs.
type Pair = (Vec<f64>, Vec<f64>);

/// Both at the easy and at the hard rate.
async fn against(ours: &Contender, kind: contender::Kind, name: &str, effort: Effort) -> anyhow::Result<Vec<Row>> {
    let (mut p99, mut rate, mut cpu, mut most) = (Pair::default(), Pair::default(), Pair::default(), None);
    for round in 1..=effort.rounds {
        // Once is enough to see what a server is good for, and takes a slow one long.
        let is_last = round == effort.rounds && effort.rounds > 1;
        let Some(peer) = Contender::peer(kind, ours.stack()).await else { return Ok(Vec::new()) };
        let Some(theirs) = kind.forgive(all_rates(&peer, effort.time, is_last).await) else { return Ok(Vec::new()) };
        drop(peer);
        let mine = all_rates(ours, effort.time, is_last).await?;
        p99.0.push(mine.easy.p99_ms());
        p99.1.push(theirs.easy.p99_ms());
        rate.0.push(mine.hard.deliveries_per_second());
        rate.1.push(theirs.hard.deliveries_per_second());
        cpu.0.push(mine.hard.cpu_us());
        cpu.1.push(theirs.hard.cpu_us());
        if let (Some(mine), Some(theirs)) = (mine.most, theirs.most) {
            most = Some((vec![mine.deliveries_per_second()], vec![theirs.deliveries_per_second()]));
        }
    }
    let peer = kind.name();
    let id = |prefix: &str| -> &'static str { Box::leak(format!("{prefix}{name}").into_boxed_str()) };
    let row = |prefix, what, unit, (ours, theirs)| Row::against(id(prefix), what, unit, median(ours), peer, median(theirs));
    let mut rows = vec![row("fanout_", "2,000 sockets, 200 messages/s offered", "deliveries/s", rate)];
    rows.extend(most.map(|most| row("fanout_most_", "2,000 sockets, 800 messages/s offered", "deliveries/s", most)));
    rows.push(row("fanout_cpu_", "CPU of the server at 200 messages/s offered", "µs/delivery", cpu));
    rows.push(row("fanout_p99_", "p99 from publish to receipt, 2,000 sockets, 20 messages/s", "ms", p99));
    Ok(rows)
}

/// What one contender does at each rate.
struct Reports {
    easy: Report,
    hard: Report,
    most: Option<Report>,
}

async fn all_rates(contender: &Contender, time: Duration, and_most: bool) -> anyhow::Result<Reports> {
    Ok(Reports {
        easy: run(contender, SOCKETS, EASY, time).await?,
        hard: run(contender, SOCKETS, HARD, time).await?,
        most: if and_most { Some(run(contender, SOCKETS, MOST, FULL).await?) } else { None },
    })
}

async fn channels(ours: &Contender, kind: contender::Kind, id: &'static str, effort: Effort) -> anyhow::Result<Option<Row>> {
    let (mut mine, mut theirs) = Pair::default();
    for _ in 0..effort.rounds {
        let Some(peer) = Contender::peer(kind, ours.stack()).await else { return Ok(None) };
        let Some(report) = kind.forgive(run(&peer, FEW, SLOW, effort.time).await) else { return Ok(None) };
        drop(peer);
        theirs.push(report.deliveries_per_second());
        mine.push(run(ours, FEW, SLOW, effort.time).await?.deliveries_per_second());
    }
    Ok(Some(Row::against(id, "500 sockets, 10 messages/s", "deliveries/s", median(mine), kind.name(), median(theirs))))
}

/// What one client that never reads costs the others.
async fn stalled(ours: &Contender, effort: Effort) -> anyhow::Result<Row> {
    let scene = |stalled| Scene { sockets: 1_000, stalled, fill: FILL, rate: 100, time: effort.time };
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for _ in 0..effort.rounds {
        without.push(play(ours, scene(0)).await?.p99_ms());
        let before = cost::memory(ours.pid());
        let report = play(ours, scene(1)).await?;
        let grown = cost::memory(ours.pid()).saturating_sub(before) >> 10;
        let fate = match report.stalled.first() {
            Some(Fate::Ended(code)) => format!("was ended with {}", code.map_or("no code".to_owned(), |code| code.to_string())),
            Some(Fate::Open) | None => "was still open".to_owned(),
        };
        say(&format!("  the client that never read {fate}; the notifier grew by {grown} KiB"));
        with.push(report.p99_ms());
    }
    let (what, peer) = ("p99 of 1,000 sockets at 100 messages/s while one more never reads", "the same without that one");
    Ok(Row::against("fanout_stalled", what, "ms", median(with), peer, median(without)))
}

async fn memory(contender: &Contender, id: &'static str) -> anyhow::Result<Row> {
    let before = cost::memory(contender.pid());
    let crowd = crowd::gather(contender.door(), IDLE).await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let after = cost::memory(contender.pid());
    drop(crowd);
    let each = after.saturating_sub(before) as f64 / 1024.0 / crate::load::to_f64(IDLE);
    say(&format!("{}: {each:.2} KiB for each of {IDLE} idle sockets, {} MiB in all", contender.name(), after >> 20));
    let what = format!("Memory for each of 10,000 idle sockets, {}", contender.name());
    Ok(Row::alone(id, &what, "KiB", each))
}

/// Connects and disconnects for so many seconds; gives the memory at the end over that near the beginning.
async fn churn(ours: &Contender, seconds: u64) -> anyhow::Result<Row> {
    let (mut rounds, mut first) = (0, None);
    let began = std::time::Instant::now();
    while began.elapsed() < Duration::from_secs(seconds) {
        drop(crowd::gather(ours.door(), SOCKETS).await?);
        rounds += 1;
        if rounds == 3 {
            first = Some(cost::memory(ours.pid()));
        }
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (first, last) = (first.context("three rounds at least")?, cost::memory(ours.pid()));
    say(&format!(
        "churn: {} connections in {seconds} s, {} MiB after three rounds, {} MiB at the end",
        rounds * SOCKETS,
        first >> 20,
        last >> 20
    ));
    Ok(Row::alone(
        "socket_churn",
        "Memory after connecting and disconnecting for a minute, over that after three rounds",
        "ratio",
        last as f64 / first as f64,
    ))
}

async fn run(contender: &Contender, sockets: usize, rate: u32, time: Duration) -> anyhow::Result<Report> {
    play(contender, Scene { sockets, stalled: 0, fill: 0, rate, time }).await
}

async fn play(contender: &Contender, scene: Scene) -> anyhow::Result<Report> {
    let before = cost::cpu(contender.pid());
    let (ready, readied) = tokio::sync::oneshot::channel();
    let playing = tokio::spawn(crowd::play(contender.door(), scene, contender.target(), ready));
    // What opening the sockets and warming up cost does not count.
    let begin = readied.await.map_or(before, |()| cost::cpu(contender.pid()));
    let mut report = playing.await??;
    report.cpu = cost::cpu(contender.pid()) - begin;
    say(&format!("{}, {} sockets, {} messages/s: {report}", contender.name(), scene.sockets, scene.rate));
    Ok(report)
}
