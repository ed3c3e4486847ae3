//! `make bench`: compares the services with alternatives that do the same job, on the same machine in the same run.

mod affinity;
mod browser;
mod corpus;
mod cost;
mod database;
mod disk;
mod end_to_end;
mod fanout;
mod feed_share;
mod import;
mod ingest;
mod load;
mod memory;
mod older;
mod ours;
mod peer_rows;
mod peers;
mod post;
mod read;
mod report;
mod retention;
mod run;
mod year;

use std::time::Duration;

use clap::Parser;

use run::{Effort, is_selected, print_line};

/// Runs the benchmarks, prints a table, and writes `.runtime/bench/report.json`.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    /// Run one short round of each benchmark: under five minutes, with less accurate results.
    #[arg(long, env = "QUICK", num_args = 0..=1, default_value_t = false, default_missing_value = "true", value_parser = clap::builder::FalseyValueParser::new())]
    quick: bool,
    /// Measure only rows whose id begins with this prefix.
    #[arg(long, env = "ONLY", default_value = "")]
    only: String,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    raise_file_limit();
    let effort = if cli.quick {
        Effort { rounds: 1, time: Duration::from_secs(5), batches: 150 }
    } else {
        Effort { rounds: 3, time: Duration::from_secs(10), batches: 200 }
    };
    print_line(&report::machine());
    let mut rows = Vec::new();
    if ["ingest", "peer"].iter().any(|group| is_selected(&cli.only, group)) {
        let mut ours = ours::Ours::start().await?;
        rows.extend(ingest::measure(&mut ours, effort, &cli.only).await?);
        rows.extend(peer_rows::measure(&mut ours, effort, &cli.only).await?);
    }
    if is_selected(&cli.only, "ingest_rss_batches") {
        rows.push(memory::batches(effort).await?);
    }
    if is_selected(&cli.only, "ingest_rss_mail") {
        rows.push(memory::mails().await?);
    }
    if is_selected(&cli.only, "ingest_retention") {
        rows.extend(retention::measure().await?);
    }
    rows.extend(disk::measure(cli.quick, &cli.only).await?);
    rows.extend(import::measure(cli.quick, &cli.only).await?);
    rows.extend(older::measure(cli.quick, &cli.only).await?);
    rows.extend(fanout::measure(effort, cli.quick, &cli.only).await?);
    rows.extend(feed_share::measure(effort, &cli.only).await?);
    rows.extend(end_to_end::measure(effort, &cli.only).await?);
    rows.extend(read::measure(effort, cli.quick, &cli.only).await?);
    rows.extend(browser::measure(cli.quick, &cli.only).await?);
    let file = stack::paths::project().join(".runtime/bench/report.json");
    report::write(&rows, &file)?;
    print_line(&format!("\n{}\n\nAlso written to {}", report::table(&rows), file.display()));
    Ok(())
}

/// Raises the open-file limit for this process and the servers it starts, since a run opens ten thousand sockets.
fn raise_file_limit() {
    let mut limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    limit.current = limit.maximum;
    let _ = rustix::process::setrlimit(rustix::process::Resource::Nofile, limit);
}
