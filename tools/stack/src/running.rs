//! Tracks this checkout's running stacks, so that `make simulate` can find the one started by `make up`.
//!
//! Each stack has a file `.runtime/stacks/PORT` that contains its directory and that the stack keeps locked. An unlocked file is
//! left over from a stack that was killed.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorContext};
use crate::paths;

/// The entry of a running stack. Dropping it removes the entry.
#[derive(Debug)]
pub(crate) struct Entry {
    path: PathBuf,
    _lock: File,
}

impl Drop for Entry {
    fn drop(&mut self) {
        // An entry that remains is not locked, so the next reader removes it.
        let _ = fs::remove_file(&self.path);
    }
}

/// The location of a stack started by `make up`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// The nginx port.
    pub port: u16,
    /// The directory that contains its settings.
    pub folder: PathBuf,
}

/// Registers a stack that listens on `port`.
///
/// # Errors
/// Returns an error if the entry cannot be written.
pub(crate) fn add(port: u16, folder: &Path) -> Result<Entry, Error> {
    let entries = entries();
    paths::create_dir(&entries)?;
    let path = entries.join(port.to_string());
    let mut file = File::create(&path).context(format!("creating {}", path.display()))?;
    file.try_lock().map_err(std::io::Error::from).context(format!("locking {}", path.display()))?;
    let folder = std::path::absolute(folder).context(format!("resolving {}", folder.display()))?;
    file.write_all(folder.as_os_str().as_bytes()).context(format!("writing {}", path.display()))?;
    Ok(Entry { path, _lock: file })
}

/// Lists the running stacks in order of port.
///
/// # Errors
/// Returns an error if an entry cannot be read.
pub fn list() -> Result<Vec<Running>, Error> {
    let entries = entries();
    if !entries.is_dir() {
        return Ok(Vec::new());
    }
    let mut running = Vec::new();
    for entry in fs::read_dir(&entries).context(format!("listing {}", entries.display()))?.flatten() {
        let path = entry.path();
        let Some(port) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let Ok(file) = File::open(&path) else { continue };
        if file.try_lock_shared().is_ok() {
            let _ = fs::remove_file(&path);
            continue;
        }
        let folder = fs::read(&path).context(format!("reading {}", path.display()))?;
        running.push(Running { port, folder: PathBuf::from(OsString::from_vec(folder)) });
    }
    running.sort_unstable_by_key(|stack| stack.port);
    Ok(running)
}

fn entries() -> PathBuf {
    paths::reachable(paths::project().join(".runtime")).join("stacks")
}
