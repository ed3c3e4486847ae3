//! Benchmark rows for the dashboard in Chromium against the full stack. `frontend/bench/` drives the browser; limits are set here.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, ensure};
use sqlx::{Connection, PgConnection};
use stack::{Stack, paths};

use crate::database;
use crate::report::Row;
use crate::run::{is_selected, print_line};

/// The number of events that the page keeps.
const EVENTS: u32 = 100_000;
const QUICK_EVENTS: u32 = 20_000;
/// How long to post events, in seconds.
const LIVE_SECONDS: &str = "20";
const QUICK_LIVE_SECONDS: &str = "6";

/// The id, description, unit and upper limit of each measurement.
const LIMITS: [(&str, &str, &str, f64); 13] = [
    ("browser_paint_sign_in", "First paint of the sign-in page, median of five with an empty cache", "ms", 800.0),
    ("browser_paint_events", "First paint of the events page, median of five with an empty cache", "ms", 800.0),
    ("browser_scroll_rows", "Maximum number of rows in the page while scrolling through all events", "rows", 60.0),
    ("browser_scroll_frame", "p95 frame time while scrolling to the last event as pages load", "ms", 50.0),
    ("browser_jump_frame", "p95 frame time while going through all loaded events in 120 jumps", "ms", 50.0),
    ("browser_live_task", "Longest task while 500 events/s arrive, with all events loaded", "ms", 100.0),
    ("browser_live_moved", "Maximum movement of a hovered row further down while events arrive", "px", 1.0),
    ("browser_live_painted", "p95 from the 200 response to the frame that shows the event at the top", "ms", 500.0),
    ("browser_slow_frame", "First visit at 1.2 s latency and 50 KiB/s: first paint", "ms", 3_000.0),
    ("browser_slow_rows", "First visit at 1.2 s latency and 50 KiB/s: first row", "ms", 8_000.0),
    ("browser_slow_click", "Slowest answer to a click on such a network, of eleven different ones", "ms", 100.0),
    ("browser_slow_frame_later", "Later visit at 1.2 s latency and 50 KiB/s: first paint", "ms", 3_000.0),
    ("browser_slow_rows_later", "Later visit at 1.2 s latency and 50 KiB/s: first row", "ms", 4_000.0),
];

pub(crate) async fn measure(quick: bool, only: &str) -> anyhow::Result<Vec<Row>> {
    if !is_selected(only, "browser") {
        return Ok(Vec::new());
    }
    let Some(chromium) = chromium() else {
        print_line("  dashboard SKIPPED: no Chromium found; install one (Debian: apt-get install chromium) or set CHROMIUM=");
        return Ok(Vec::new());
    };
    let (events, seconds) = if quick { (QUICK_EVENTS, QUICK_LIVE_SECONDS) } else { (EVENTS, LIVE_SECONDS) };
    let stack = Stack::start()?;
    database::prepare(&stack.database_url()).await?;
    print_line(&format!("  storing {events} events"));
    database::fill(&stack.database_url(), events).await?;
    let mut postgres = PgConnection::connect(&stack.database_url()).await?;
    sqlx::raw_sql("vacuum analyze").execute(&mut postgres).await?;
    sqlx::raw_sql("checkpoint").execute(&mut postgres).await?;

    let file = stack.folder().join("figures");
    let settings = stack.settings();
    let mut browser = Command::new("npm");
    browser.args(["--prefix", "frontend", "run", "--silent", "bench"]).current_dir(paths::project());
    browser.env("CHROMIUM", chromium).env("FIGURES", &file).env("BENCH_SECONDS", seconds);
    browser.env("BASE_URL", stack.address()).env("WEBHOOK_URL", stack.webhook_url()).env("WEBHOOK_KEY", &settings.webhook_keys);
    browser.env("ADMIN_EMAIL", &settings.admin_email).env("ADMIN_PASSWORD", &settings.admin_password);
    ensure!(stack.run(&mut browser)?.success(), "the browser benchmark failed; see its output above");

    let text = fs::read_to_string(&file).context("the browser benchmark wrote no results")?;
    let figures: HashMap<&str, &str> = text.lines().filter_map(|line| line.split_once(' ')).collect();
    let row = |(id, what, unit, limit)| {
        let figure = figures.get(id).with_context(|| format!("{id} was not measured"))?;
        Ok(Row::limited(id, what, unit, figure.parse()?, limit))
    };
    LIMITS.into_iter().map(row).collect()
}

/// The browser specified by CHROMIUM, or one found on PATH.
fn chromium() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("CHROMIUM") {
        return Some(named.into());
    }
    let path = std::env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    names.iter().find_map(|name| std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file()))
}
