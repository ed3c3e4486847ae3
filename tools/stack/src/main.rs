//! `stack up` runs the project interactively, `stack watch` runs it for development, `stack with` runs it for a single command,
//! and `stack sqlx` regenerates the query metadata.

mod output;
mod watch;

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{self, ExitCode, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use clap::{Parser, Subcommand};
use output::print_line;
use stack::running::{self, Running};
use stack::settings::Settings;
use stack::{Error, Stack, paths};

/// Runs private instances of Postgres, Valkey and nginx with ingest and notifier, without root or Docker.
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
    /// Run the stack until Ctrl-C, rebuild and restart changed services, and run Vite's dev server.
    Watch {
        #[command(flatten)]
        stack: StackArgs,
        /// Port of Vite's dev server on 127.0.0.1.
        #[arg(long, env = "DEV_PORT", default_value_t = 5173)]
        dev_port: u16,
    },
    /// Post signed sample batches of every event type to the running stack. PORT or STACK_DIR selects one of several.
    Simulate(StackArgs),
    /// Run a command against a temporary stack, described by BASE_URL, WEBHOOK_URL, WEBHOOK_KEY, ADMIN_EMAIL, ADMIN_PASSWORD and
    /// INGEST, the path of the program.
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
    /// Port of the dashboard on 127.0.0.1; 8080 by default.
    #[arg(long, env = "PORT")]
    port: Option<u16>,
    /// Directory for data, secrets and logs; `.stack/` in the project by default.
    #[arg(long, env = "STACK_DIR")]
    dir: Option<PathBuf>,
}

impl StackArgs {
    fn port(&self) -> u16 {
        self.port.unwrap_or(8080)
    }

    /// The directory specified by the user. An empty value, as in `STACK_DIR= make up`, counts as unset.
    fn given_folder(&self) -> Option<&Path> {
        self.dir.as_deref().filter(|dir| !dir.as_os_str().is_empty())
    }

    fn folder(&self) -> PathBuf {
        self.given_folder().map_or_else(|| paths::project().join(".stack"), Path::to_path_buf)
    }
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Up(args) => up(&args),
        Command::Watch { stack, dev_port } => watch(&stack, dev_port),
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
    let (started, interrupted) = (Instant::now(), interrupt_flag());
    let mut stack = Stack::start_in(&args.folder(), args.port(), &[])?;
    print_ready(&stack, started);
    while !interrupted.load(Ordering::Relaxed) {
        stack.check()?;
        std::thread::sleep(Duration::from_millis(200));
    }
    stop(stack);
    Ok(ExitCode::SUCCESS)
}

fn watch(args: &StackArgs, dev_port: u16) -> Result<ExitCode, Error> {
    let (started, interrupted) = (Instant::now(), interrupt_flag());
    let origins = watch::origins(args.port(), dev_port);
    let mut stack = Stack::start_in(&args.folder(), args.port(), &[("PUBLIC_ORIGINS", &origins)])?;
    print_ready(&stack, started);
    watch::run(&mut stack, dev_port, &interrupted)?;
    stop(stack);
    Ok(ExitCode::SUCCESS)
}

fn print_ready(stack: &Stack, started: Instant) {
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

  To try it, open the dashboard, sign in, and run this in a second terminal:  make simulate
  Press Ctrl-C to stop everything.
",
        started.elapsed().as_secs_f32(),
        stack.address(),
        settings.admin_email,
        settings.admin_password,
        settings.webhook_urls.clone().unwrap_or_else(|| stack.webhook_url()),
        stack.folder().display(),
    ));
}

fn stop(stack: Stack) {
    print_line("  Stopping…");
    drop(stack);
    print_line("  Stopped. Data is kept for the next start.");
}

fn simulate(args: &StackArgs) -> Result<ExitCode, Error> {
    let Running { port, folder } = find(args)?;
    let settings = Settings::load_or_create(&folder)?;
    let url = format!("http://127.0.0.1:{port}/webhook/");
    let mut ingest = Stack::program("ingest")?;
    ingest.arg("simulate").arg("--to").arg(&url).env("WEBHOOK_KEYS", &settings.webhook_keys);
    ingest.env("WEBHOOK_URLS", settings.webhook_urls.as_deref().unwrap_or(&url));
    run(&mut ingest)
}

/// The only running stack that matches PORT and STACK_DIR.
fn find(args: &StackArgs) -> Result<Running, Error> {
    let folder = args.given_folder().map(|folder| paths::reachable(folder.to_path_buf()));
    let mut stacks = running::list()?;
    stacks.retain(|stack| args.port.is_none_or(|port| stack.port == port));
    stacks.retain(|stack| folder.as_ref().is_none_or(|folder| same_folder(&stack.folder, folder)));
    match (&stacks[..], args.port, folder) {
        ([stack], ..) => Ok(stack.clone()),
        // A stack from another checkout.
        ([], Some(port), Some(folder)) if folder.join("settings.json").is_file() => Ok(Running { port, folder }),
        ([], None, None) => Err(Error::NotFound("no stack is running; start one with `make up`".to_owned())),
        ([], ..) => Err(Error::NotFound(
            "no such stack is running; correct PORT and STACK_DIR, or leave them out. For a stack of another checkout, set both"
                .to_owned(),
        )),
        _ => {
            let choices = stacks.iter().map(|stack| format!("\n  PORT={}  ({})", stack.port, stack.folder.display()));
            Err(Error::NotFound(format!("several stacks are running; select one:{}", choices.collect::<String>())))
        }
    }
}

fn same_folder(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

fn with(command: &[String]) -> Result<ExitCode, Error> {
    let interrupted = interrupt_flag();
    let stack = Stack::start()?;
    let settings = stack.settings();
    let mut child = process::Command::new(&command[0]);
    child.args(&command[1..]);
    child.env("BASE_URL", stack.address()).env("WEBHOOK_URL", stack.webhook_url()).env("WEBHOOK_KEY", &settings.webhook_keys);
    child.env("ADMIN_EMAIL", &settings.admin_email).env("ADMIN_PASSWORD", &settings.admin_password);
    child.env("INGEST", Stack::program("ingest")?.get_program());
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
    // The query macros run only in crates that are recompiled, so every crate with queries must appear modified.
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

/// A flag set by Ctrl-C or SIGTERM, so that this process can stop the parts in order.
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
