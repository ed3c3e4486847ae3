//! nginx, configured from the same template as the Compose stack.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;

use crate::error::{Error, ErrorContext};
use crate::paths;
use crate::ports::Port;
use crate::process::{Process, output_of};
use crate::reaper::Reaper;
use crate::servers::Servers;

/// The addresses and directory substituted for the template's variables.
pub(crate) struct Targets<'a> {
    /// `HOST:PORT`, or several, separated by commas.
    pub(crate) ingest: String,
    pub(crate) notifier: String,
    pub(crate) frontend: &'a Path,
}

/// The `upstream` for several addresses, and what requests are passed to.
fn route(name: &str, addresses: &str) -> Result<(String, String), Error> {
    let script = paths::project().join("deploy/nginx/upstream");
    let upstream = output_of(Command::new(script).args([name, addresses]))?;
    let target = if upstream.is_empty() { addresses } else { name };
    Ok((upstream, target.to_owned()))
}

/// Writes the settings, and returns the file.
pub(crate) fn configure(folder: &Path, port: &Port, targets: &Targets<'_>) -> Result<PathBuf, Error> {
    let template = paths::project().join("deploy/nginx/nginx.conf.template");
    let mut text = fs::read_to_string(&template).context(format!("reading {}", template.display()))?;
    let number = port.number();
    let (ingest_upstream, ingest) = route("ingest_replicas", &targets.ingest)?;
    let (notifier_upstream, notifier) = route("notifier_replicas", &targets.notifier)?;
    for (variable, value) in [
        ("LISTEN", format!("127.0.0.1:{number}")),
        ("UPSTREAMS", format!("{ingest_upstream} {notifier_upstream}")),
        ("INGEST", ingest),
        ("NOTIFIER", notifier),
        ("FRONTEND", targets.frontend.display().to_string()),
        ("RESOLVER", "127.0.0.1".to_owned()),
        ("WEBHOOK_SPOOL", "48m".to_owned()),
        ("REAL_IP_FROM", "127.0.0.1".to_owned()),
        ("ACCESS_LOG", folder.join("access.log").display().to_string()),
        ("TEMP", folder.display().to_string()),
    ] {
        text = text.replace(&format!("${{{variable}}}"), &value);
    }
    let settings = folder.join("nginx.conf");
    fs::write(&settings, text).context(format!("writing {}", settings.display()))?;
    Ok(settings)
}

pub(crate) fn start(
    servers: &Servers,
    folder: &Path,
    port: &Port,
    targets: &Targets<'_>,
    log: &Path,
    reaper: &Arc<Reaper>,
) -> Result<Process, Error> {
    let (settings, number) = (configure(folder, port, targets)?, port.number());
    let mut command = Command::new(&servers.nginx);
    command.args(["-e", "stderr", "-p"]).arg(folder).arg("-c").arg(&settings);
    // As root, nginx would run its workers as a user that may not be able to read a private checkout.
    command.arg("-g").arg(if paths::is_root() { "daemon off; user root root;" } else { "daemon off;" });
    let mut process = Process::start("nginx", command, log.to_path_buf(), Signal::TERM, reaper)?;
    process.wait_until(|| get(number, "/healthz").is_some_and(|status| status == 200))?;
    Ok(process)
}

/// Reads the settings again, and waits until the workers that had the old ones have finished their requests and exited.
pub(crate) fn reload(nginx: &mut Process) -> Result<(), Error> {
    let pid = nginx.pid();
    let workers = move || fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let old: Vec<String> = workers().split_whitespace().map(str::to_owned).collect();
    nginx.signal(Signal::HUP);
    nginx.wait_until(|| {
        let now = workers();
        !now.trim().is_empty() && now.split_whitespace().all(|worker| old.iter().all(|old| old != worker))
    })
}

/// Sends a GET request and returns the status, or `None` if there is no response.
pub(crate) fn get(port: u16, path: &str) -> Option<u16> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n").ok()?;
    let mut response = Vec::new();
    stream.read_to_end(&mut response).ok()?;
    std::str::from_utf8(response.get(9..12)?).ok()?.parse().ok()
}
