//! A private Valkey or Redis with a password and without persistence.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;

use crate::error::Error;
use crate::paths;
use crate::ports::Port;
use crate::process::Process;
use crate::reaper::Reaper;
use crate::servers::Servers;

pub(crate) fn start(
    servers: &Servers,
    folder: &Path,
    password: &str,
    port: &Port,
    log: &Path,
    reaper: &Arc<Reaper>,
) -> Result<Process, Error> {
    let port = port.number();
    let settings = folder.join("redis.conf");
    paths::write_private(&settings, &format!("bind 127.0.0.1\nport {port}\nrequirepass {password}\nsave \"\"\nappendonly no\n"))?;
    let mut command = Command::new(&servers.redis);
    // Valkey keeps its files in the current directory.
    command.arg(&settings).current_dir(folder);
    let mut process = Process::start("Valkey", command, log.to_path_buf(), Signal::TERM, reaper)?;
    process.wait_until(|| responds(port, password).unwrap_or(false))?;
    Ok(process)
}

fn responds(port: u16, password: &str) -> std::io::Result<bool> {
    Ok(query(port, password, "PING")? == "+PONG")
}

/// Runs a command and returns the first line of the reply. Arguments must not contain spaces.
pub(crate) fn query(port: u16, password: &str, command: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    stream.write_all(format!("AUTH {password}\r\n{command}\r\n").as_bytes())?;
    let mut lines = BufReader::new(stream).lines();
    lines.next().transpose()?;
    lines.next().transpose().map(Option::unwrap_or_default)
}

/// Runs a command and returns a reply that is a status, an error, a number or a text, without its type.
pub(crate) fn reply(port: u16, password: &str, command: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    stream.write_all(format!("AUTH {password}\r\n{command}\r\n").as_bytes())?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    line.clear();
    reader.read_line(&mut line)?;
    let Some(length) = line.strip_prefix('$').and_then(|length| length.trim().parse().ok()) else {
        return Ok(line.get(1..).unwrap_or_default().trim_end().to_owned());
    };
    let mut text = vec![0; length];
    reader.read_exact(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// The `REDIS_URL` for the services.
pub(crate) fn url(password: &str, port: &Port) -> String {
    format!("redis://default:{password}@127.0.0.1:{}", port.number())
}
