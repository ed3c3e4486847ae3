//! `stack up` runs the project interactively, `stack with` runs it for one command, and `stack sqlx` regenerates the checked
//! queries.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::process::{self, ExitCode, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use clap::{Parser, Subcommand};
use stack::settings::Settings;
use stack::{Error, Stack, paths};

/// Runs a private Postgres, Valkey and nginx with ingest and notifier, without root or Docker.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the stack until Ctrl-C. Data stays in STACK_DIR.
    Up(StackArgs),
    /// Post signed sample batches of every event type to a stack started by `up`.
    Simulate(StackArgs),
    /// Run a command against a temporary stack, described by BASE_URL, WEBHOOK_URL, WEBHOOK_KEY, ADMIN_EMAIL and ADMIN_PASSWORD.
    With {
        /// The command and its arguments.
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<String>,
    },
    /// Regenerate `.sqlx` by running `cargo check` with a migrated database.
    Sqlx,
}

#[derive(clap::Args)]
struct StackArgs {
    /// Port of the dashboard on 127.0.0.1.
    #[arg(long, env = "PORT", default_value_t = 8080)]
    port: u16,
    /// Folder for data, secrets and logs; `.stack/` in the project by default.
    #[arg(long, env = "STACK_DIR")]
    dir: Option<PathBuf>,
}

impl StackArgs {
    fn folder(&self) -> PathBuf {
        self.dir.clone().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or_else(|| paths::project().join(".stack"))
    }
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Up(args) => up(&args),
        Command::Simulate(args) => simulate(&args),
        Command::With { command } => with(&command),
        Command::Sqlx => sqlx(),
    };
    result.unwrap_or_else(|error| {
        print_line(&format!("stack: {error}"));
        ExitCode::FAILURE
    })
}

fn up(args: &StackArgs) -> Result<ExitCode, Error> {
    let started = Instant::now();
    let interrupted = interrupt_flag();
    let folder = args.folder();
    let mut stack = Stack::start_in(&folder, args.port)?;
    let settings = stack.settings();
    let key = settings.webhook_keys.split(',').next().unwrap_or_default();
    let key = key.split_once('=').map_or(key, |(_, key)| key);
    print_line(&format!(
        "
  Mandrill Listener is ready ({:.1} s)

    dashboard    {}
    sign in      {}  /  {}
    webhook      {}
    key          {key}
    data, logs   {}

  To try it, open the dashboard, sign in, and run this in a second terminal:  make simulate{}
  Press Ctrl-C to stop everything.
",
        started.elapsed().as_secs_f32(),
        stack.address(),
        settings.admin_email,
        settings.admin_password,
        settings.webhook_urls.clone().unwrap_or_else(|| stack.webhook_url()),
        stack.folder().display(),
        if args.port == 8080 { String::new() } else { format!(" PORT={}", args.port) },
    ));
    while !interrupted.load(Ordering::Relaxed) {
        stack.check()?;
        std::thread::sleep(Duration::from_millis(200));
    }
    print_line("  Stopping…");
    drop(stack);
    print_line("  Stopped. Data is kept for the next start.");
    Ok(ExitCode::SUCCESS)
}

fn simulate(args: &StackArgs) -> Result<ExitCode, Error> {
    let settings = Settings::load_or_create(&paths::reachable(args.folder()))?;
    let url = format!("http://127.0.0.1:{}/webhook/", args.port);
    let mut ingest = Stack::program("ingest")?;
    ingest.arg("simulate").arg("--to").arg(&url).env("WEBHOOK_KEYS", &settings.webhook_keys);
    ingest.env("WEBHOOK_URLS", settings.webhook_urls.as_deref().unwrap_or(&url));
    run(&mut ingest)
}

fn with(command: &[String]) -> Result<ExitCode, Error> {
    let interrupted = interrupt_flag();
    let stack = Stack::start()?;
    let settings = stack.settings();
    let mut child = process::Command::new(&command[0]);
    child.args(&command[1..]);
    child.env("BASE_URL", stack.address()).env("WEBHOOK_URL", stack.webhook_url()).env("WEBHOOK_KEY", &settings.webhook_keys);
    child.env("ADMIN_EMAIL", &settings.admin_email).env("ADMIN_PASSWORD", &settings.admin_password);
    let code = exit_code(stack.run(&mut child)?);
    Ok(if interrupted.load(Ordering::Relaxed) { ExitCode::FAILURE } else { code })
}

fn sqlx() -> Result<ExitCode, Error> {
    let stack = Stack::start_postgres()?;
    stack::apply_migrations(&stack)?;
    let project = paths::project();
    let queries = project.join(".sqlx");
    let removed =
        fs::remove_dir_all(&queries).or_else(|error| if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) });
    removed
        .and_then(|()| fs::create_dir(&queries))
        .map_err(|source| Error::Io { context: "emptying .sqlx".to_owned(), source })?;
    // The query macros run only in crates that are recompiled, so every crate with queries must look changed.
    for root in ["shared/src/lib.rs", "ingest/src/lib.rs", "notifier/src/lib.rs"] {
        let file = File::options().append(true).open(project.join(root));
        let touched = file.and_then(|file| file.set_modified(SystemTime::now()));
        touched.map_err(|source| Error::Io { context: format!("touching {root}"), source })?;
    }
    let mut cargo = process::Command::new("cargo");
    cargo.args(["check", "--quiet", "-p", "shared", "-p", "ingest", "-p", "notifier"]);
    cargo.env("DATABASE_URL", stack.database_url()).env("SQLX_OFFLINE_DIR", queries).env("SQLX_OFFLINE", "false");
    run(cargo.current_dir(project))
}

fn run(command: &mut process::Command) -> Result<ExitCode, Error> {
    let name = command.get_program().display().to_string();
    let status = command.status().map_err(|source| Error::Io { context: format!("running {name}"), source })?;
    Ok(exit_code(status))
}

fn exit_code(status: ExitStatus) -> ExitCode {
    status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
}

/// A flag that Ctrl-C or SIGTERM sets, so that this process can stop the parts in order.
fn interrupt_flag() -> Arc<AtomicBool> {
    static FLAG: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    let flag = FLAG.get_or_init(Arc::default);
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        if let Err(error) = signal_hook::flag::register(signal, Arc::clone(flag)) {
            print_line(&format!("stack: cannot handle signal {signal}; it will end the stack without a clean shutdown: {error}"));
        }
    }
    Arc::clone(flag)
}

fn print_line(line: &str) {
    // A closed terminal must not stop the stack.
    let _ = writeln!(std::io::stdout(), "{line}");
}
