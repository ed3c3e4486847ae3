//! The dashboard in Chromium, against the whole stack. What is done there is in `frontend/bench/`; what it is held against is here.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, ensure};
use sqlx::{Connection, PgConnection};
use stack::{Stack, paths};

use crate::report::Row;
use crate::{database, say, wanted};

/// As many as the page keeps.
const EVENTS: u32 = 100_000;
const FEW: u32 = 20_000;
/// For how long events are posted, in seconds.
const LONG: &str = "20";
const SHORT: &str = "6";

/// What each figure is, and the most that it may be.
const BARS: [(&str, &str, &str, f64); 8] = [
    ("browser_paint_sign_in", "First paint of the sign-in page, median of five without a cache", "ms", 800.0),
    ("browser_paint_events", "First paint of the events, the same", "ms", 800.0),
    ("browser_scroll_rows", "Most rows in the page while all events are scrolled through", "rows", 60.0),
    ("browser_scroll_frame", "p95 of frames while scrolling down to the last event, as they are loaded", "ms", 50.0),
    ("browser_jump_frame", "p95 of frames while going through them again in 120 jumps", "ms", 50.0),
    ("browser_live_task", "Longest task while 500 events/s come, among all these", "ms", 100.0),
    ("browser_live_moved", "Most that a row moved meanwhile that was pointed at, further down", "px", 1.0),
    ("browser_live_painted", "p95 from the accepting answer to the frame that shows it at the top", "ms", 500.0),
];

pub(crate) async fn measure(quick: bool, only: &str) -> anyhow::Result<Vec<Row>> {
    if !wanted(only, "browser") {
        return Ok(Vec::new());
    }
    let Some(chromium) = chromium() else {
        say("  The dashboard is SKIPPED: there is no Chromium (on Debian: apt-get install chromium); CHROMIUM= names one");
        return Ok(Vec::new());
    };
    let (events, seconds) = if quick { (FEW, SHORT) } else { (EVENTS, LONG) };
    let stack = Stack::start()?;
    database::prepare(&stack.database_url()).await?;
    say(&format!("  storing {events} events"));
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
    ensure!(stack.run(&mut browser)?.success(), "the browser's part failed");

    let text = fs::read_to_string(&file).context("no figures")?;
    let figures: HashMap<&str, &str> = text.lines().filter_map(|line| line.split_once(' ')).collect();
    let row = |(id, what, unit, bar)| {
        let figure = figures.get(id).with_context(|| format!("{id} was not measured"))?;
        Ok(Row::within(id, what, unit, figure.parse()?, bar))
    };
    BARS.into_iter().map(row).collect()
}

/// CHROMIUM, or one on PATH.
fn chromium() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("CHROMIUM") {
        return Some(named.into());
    }
    let path = std::env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    names.iter().find_map(|name| std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file()))
}
