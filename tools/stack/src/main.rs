//! `stack up` runs the project for a person, `stack with` for a command, `stack sqlx` renews the checked queries.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::process::{Command, ExitCode, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use clap::{Parser, Subcommand};
use stack::settings::Settings;
use stack::{Error, Stack, place};

/// A private Postgres, Valkey and nginx with ingest and notifier, without root or Docker.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Runs the stack until Ctrl-C. Data stays in STACK_DIR.
    Up(Place),
    /// Posts signed sample batches of every kind to a stack started by `up`.
    Simulate(Place),
    /// Runs a command against a stack of its own, found in BASE_URL, WEBHOOK_URL, WEBHOOK_KEY, ADMIN_EMAIL, ADMIN_PASSWORD.
    With {
        /// The command and its arguments.
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<String>,
    },
    /// Runs `cargo check` with a migrated database, so that `.sqlx` is written anew.
    Sqlx,
}

#[derive(clap::Args)]
struct Place {
    /// The dashboard's port on 127.0.0.1.
    #[arg(long, env = "PORT", default_value_t = 8080)]
    port: u16,
    /// Where data, secrets and logs are kept; `.stack/` in the project unless given.
    #[arg(long, env = "STACK_DIR")]
    dir: Option<PathBuf>,
}

impl Place {
    fn folder(&self) -> PathBuf {
        self.dir.clone().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or_else(|| place::project().join(".stack"))
    }
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Verb::Up(place) => up(&place),
        Verb::Simulate(place) => simulate(&place),
        Verb::With { command } => with(&command),
        Verb::Sqlx => sqlx(),
    };
    done.unwrap_or_else(|error| {
        say(&format!("stack: {error}"));
        ExitCode::FAILURE
    })
}

fn up(place: &Place) -> Result<ExitCode, Error> {
    let began = Instant::now();
    let interrupted = on_signal();
    let folder = place.folder();
    let mut stack = Stack::start_in(&folder, place.port)?;
    let settings = stack.settings();
    let key = settings.webhook_keys.split(',').next().unwrap_or_default();
    let key = key.split_once('=').map_or(key, |(_, key)| key);
    say(&format!(
        "
  Mandrill Listener is ready ({:.1} s)

    dashboard    {}
    sign in      {}  /  {}
    webhook      {}
    key          {key}
    data, logs   {}

  Try it: open the dashboard, sign in, and in a second terminal:  make simulate{}
  Ctrl-C stops everything.
",
        began.elapsed().as_secs_f32(),
        stack.address(),
        settings.admin_email,
        settings.admin_password,
        settings.webhook_urls.clone().unwrap_or_else(|| stack.webhook_url()),
        stack.folder().display(),
        if place.port == 8080 { String::new() } else { format!(" PORT={}", place.port) },
    ));
    while !interrupted.load(Ordering::Relaxed) {
        stack.check()?;
        std::thread::sleep(Duration::from_millis(200));
    }
    say("  Stopping…");
    drop(stack);
    say("  Stopped; the data is kept.");
    Ok(ExitCode::SUCCESS)
}

fn simulate(place: &Place) -> Result<ExitCode, Error> {
    let settings = Settings::kept_in(&place::reachable(place.folder()))?;
    let url = format!("http://127.0.0.1:{}/webhook/", place.port);
    let mut ingest = Stack::program("ingest")?;
    ingest.arg("simulate").arg("--to").arg(&url).env("WEBHOOK_KEYS", &settings.webhook_keys);
    ingest.env("WEBHOOK_URLS", settings.webhook_urls.as_deref().unwrap_or(&url));
    run(&mut ingest)
}

fn with(command: &[String]) -> Result<ExitCode, Error> {
    let interrupted = on_signal();
    let stack = Stack::start()?;
    let settings = stack.settings();
    let mut child = Command::new(&command[0]);
    child.args(&command[1..]);
    child.env("BASE_URL", stack.address()).env("WEBHOOK_URL", stack.webhook_url()).env("WEBHOOK_KEY", &settings.webhook_keys);
    child.env("ADMIN_EMAIL", &settings.admin_email).env("ADMIN_PASSWORD", &settings.admin_password);
    let code = code_of(stack.run(&mut child)?);
    Ok(if interrupted.load(Ordering::Relaxed) { ExitCode::FAILURE } else { code })
}

fn sqlx() -> Result<ExitCode, Error> {
    let stack = Stack::start_postgres()?;
    stack::apply_migrations(&stack)?;
    let project = place::project();
    let queries = project.join(".sqlx");
    let emptied =
        fs::remove_dir_all(&queries).or_else(|error| if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) });
    emptied.and_then(|()| fs::create_dir(&queries)).map_err(|source| Error::Io { doing: "emptying .sqlx".to_owned(), source })?;
    // The macros run only for what is compiled, so every crate that has queries must look changed.
    for root in ["shared/src/lib.rs", "ingest/src/lib.rs", "notifier/src/lib.rs"] {
        let file = File::options().append(true).open(project.join(root));
        let touched = file.and_then(|file| file.set_modified(SystemTime::now()));
        touched.map_err(|source| Error::Io { doing: format!("touching {root}"), source })?;
    }
    let mut cargo = Command::new("cargo");
    cargo.args(["check", "--quiet", "-p", "shared", "-p", "ingest", "-p", "notifier"]);
    cargo.env("DATABASE_URL", stack.database_url()).env("SQLX_OFFLINE_DIR", queries).env("SQLX_OFFLINE", "false");
    run(cargo.current_dir(project))
}

fn run(command: &mut Command) -> Result<ExitCode, Error> {
    let name = command.get_program().display().to_string();
    let status = command.status().map_err(|source| Error::Io { doing: format!("running {name}"), source })?;
    Ok(code_of(status))
}

fn code_of(status: ExitStatus) -> ExitCode {
    status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
}

/// Set by the first Ctrl-C or SIGTERM, so that parts are ended in order and by us.
fn on_signal() -> Arc<AtomicBool> {
    static FLAG: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    let flag = FLAG.get_or_init(Arc::default);
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        if let Err(error) = signal_hook::flag::register(signal, Arc::clone(flag)) {
            say(&format!("stack: Ctrl-C will not be handled in order: {error}"));
        }
    }
    Arc::clone(flag)
}

fn say(line: &str) {
    // A closed terminal is no reason to stop.
    let _ = writeln!(std::io::stdout(), "{line}");
}
