//! Development mode: rebuilds and restarts the services when their sources change, and runs Vite's dev server in front of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use stack::{Error, Part, Stack, paths};

use crate::output::print_line;

/// The sources of the services, relative to the project directory.
const SOURCES: [&str; 7] =
    ["ingest/src", "notifier/src", "shared/src", "ingest/Cargo.toml", "notifier/Cargo.toml", "shared/Cargo.toml", "migrations"];
const INTERVAL: Duration = Duration::from_millis(300);

/// The origins from which the dashboard can be used: the stack's and Vite's.
pub(crate) fn origins(port: u16, dev_port: u16) -> String {
    [port, dev_port].map(stack::origins).join(",")
}

/// Runs until `interrupted` is set, or until a part or Vite exits.
///
/// # Errors
/// Returns an error if Vite cannot be started, or a part exits.
pub(crate) fn run(stack: &mut Stack, dev_port: u16, interrupted: &AtomicBool) -> Result<(), Error> {
    let frontend = paths::project().join("frontend");
    // Not through npm, which does not pass SIGTERM on.
    let mut vite = Command::new(frontend.join("node_modules/.bin/vite"));
    vite.args(["--host", "127.0.0.1", "--strictPort", "--port"]).arg(dev_port.to_string());
    vite.current_dir(frontend).env("STACK_URL", stack.address());
    let mut vite = stack.spawn("vite", vite)?;
    print_line(&format!(
        "  Vite serves the dashboard at http://127.0.0.1:{dev_port}. Changed services are rebuilt and restarted.\n"
    ));
    let mut built = modified();
    while !interrupted.load(Ordering::Relaxed) {
        if vite.has_ended() {
            return Err(vite.not_ready("exited unexpectedly"));
        }
        stack.check()?;
        let found = modified();
        if found != built {
            built = found;
            rebuild(stack);
        }
        std::thread::sleep(INTERVAL);
    }
    Ok(())
}

/// Builds the services and restarts them. If that fails, the error is printed and the next change triggers another attempt.
fn rebuild(stack: &mut Stack) {
    print_line("  A source changed. Building…");
    let mut cargo = Command::new("cargo");
    // Other selections of packages resolve other features, and build the dependencies anew.
    cargo.args(["build", "--quiet", "--locked", "--workspace"]).current_dir(paths::project());
    if !stack.run(&mut cargo).is_ok_and(|status| status.success()) {
        return print_line("  The build failed. The services of the last build are running.");
    }
    let restarted =
        stack.ingest(&["migrate"]).and_then(|_| stack.restart(Part::Ingest)).and_then(|()| stack.restart(Part::Notifier));
    match restarted {
        Ok(()) => print_line("  Restarted."),
        Err(error) => print_line(&format!("  {error}")),
    }
}

/// The last modification time of each source file.
fn modified() -> BTreeMap<PathBuf, SystemTime> {
    let mut found = BTreeMap::new();
    for source in SOURCES {
        collect(&paths::project().join(source), &mut found);
    }
    found
}

fn collect(path: &Path, found: &mut BTreeMap<PathBuf, SystemTime>) {
    // A file that disappears during the scan is a change that the next scan detects.
    if path.is_dir() {
        for entry in fs::read_dir(path).into_iter().flatten().flatten() {
            collect(&entry.path(), found);
        }
    } else if let Ok(time) = fs::metadata(path).and_then(|metadata| metadata.modified()) {
        found.insert(path.to_path_buf(), time);
    }
}
