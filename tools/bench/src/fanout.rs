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
use self::crowd::{Report, Scene};
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
    let ours = Contender::ours().await?;
    for (name, kind) in PEERS {
        if quick && kind == contender::Kind::Sockudo {
            continue;
        }
        if wanted(only, &format!("fanout_{name}"))
            || wanted(only, &format!("fanout_p99_{name}"))
            || wanted(only, &format!("fanout_cpu_{name}"))
        {
            match against(&ours, kind, name, effort).await {
                Ok(more) => rows.extend(more),
                Err(error) => say(&format!("{} is LEFT OUT, it failed: {error:#}", kind.name())),
            }
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
        rows.push(memory(&ours, "socket_rss").await?);
        for (kind, id) in [(contender::Kind::Nchan, "socket_rss_nchan"), (contender::Kind::Ws, "socket_rss_ws")] {
            if !quick && let Some(peer) = Contender::peer(kind, ours.stack()).await? {
                rows.push(memory(&peer, id).await?);
            }
        }
    }
    if wanted(only, "socket_churn") {
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
        let Some(peer) = Contender::peer(kind, ours.stack()).await? else { return Ok(Vec::new()) };
        let theirs_easy = run(&peer, SOCKETS, EASY, effort.time).await?;
        let theirs_hard = run(&peer, SOCKETS, HARD, effort.time).await?;
        let theirs_most = if is_last { Some(run(&peer, SOCKETS, MOST, FULL).await?) } else { None };
        drop(peer);
        let ours_easy = run(ours, SOCKETS, EASY, effort.time).await?;
        let ours_hard = run(ours, SOCKETS, HARD, effort.time).await?;
        if let Some(theirs) = theirs_most {
            let ours = run(ours, SOCKETS, MOST, FULL).await?;
            most = Some((vec![ours.deliveries_per_second()], vec![theirs.deliveries_per_second()]));
        }
        p99.0.push(ours_easy.p99_ms());
        p99.1.push(theirs_easy.p99_ms());
        rate.0.push(ours_hard.deliveries_per_second());
        rate.1.push(theirs_hard.deliveries_per_second());
        cpu.0.push(ours_hard.cpu_us());
        cpu.1.push(theirs_hard.cpu_us());
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

async fn channels(ours: &Contender, kind: contender::Kind, id: &'static str, effort: Effort) -> anyhow::Result<Option<Row>> {
    let Some(peer) = Contender::peer(kind, ours.stack()).await? else { return Ok(None) };
    let theirs = run(&peer, FEW, SLOW, effort.time).await?;
    drop(peer);
    let mine = run(ours, FEW, SLOW, effort.time).await?;
    let what = "500 sockets, 10 messages/s";
    Ok(Some(Row::against(id, what, "deliveries/s", mine.deliveries_per_second(), kind.name(), theirs.deliveries_per_second())))
}

/// What one client that never reads costs the others.
async fn stalled(ours: &Contender, effort: Effort) -> anyhow::Result<Row> {
    let scene = |stalled| Scene { sockets: 1_000, stalled, rate: 100, time: effort.time };
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for _ in 0..effort.rounds {
        without.push(play(ours, scene(0)).await?.p99_ms());
        with.push(play(ours, scene(1)).await?.p99_ms());
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
    play(contender, Scene { sockets, stalled: 0, rate, time }).await
}

async fn play(contender: &Contender, scene: Scene) -> anyhow::Result<Report> {
    let publisher = contender.publisher().await?;
    let before = cost::cpu(contender.pid());
    let (ready, readied) = tokio::sync::oneshot::channel();
    let playing = tokio::spawn(crowd::play(contender.door(), scene, publisher, ready));
    // What opening the sockets and warming up cost does not count.
    let begin = readied.await.map_or(before, |()| cost::cpu(contender.pid()));
    let mut report = playing.await??;
    report.cpu = cost::cpu(contender.pid()) - begin;
    say(&format!("{}, {} sockets, {} messages/s: {report}", contender.name(), scene.sockets, scene.rate));
    Ok(report)
}
