//! Free ports on 127.0.0.1 that stay reserved while a server restarts.
//!
//! The ports are below the system's ephemeral range. Each one is reserved with a locked file, so that tests in other processes
//! do not choose it before the server binds it.

use std::fs::{self, File};
use std::net::TcpListener;
use std::ops::Range;

use crate::error::{Error, ErrorContext};

const RANGE: Range<u16> = 20_000..32_000;

/// A port that is reserved for this stack until it is dropped.
#[derive(Debug)]
pub struct Port {
    number: u16,
    _lock: Option<File>,
}

impl Port {
    pub fn number(&self) -> u16 {
        self.number
    }

    /// Reserves the port with this number.
    ///
    /// # Errors
    /// Returns an error if another process is listening on it.
    pub fn fixed(number: u16) -> Result<Self, Error> {
        TcpListener::bind(("127.0.0.1", number)).map_err(|_| Error::PortTaken(number))?;
        Ok(Self { number, _lock: None })
    }

    /// Reserves any free port.
    ///
    /// # Errors
    /// Returns an error if no port is free, or the lock directory is not writable.
    pub fn free() -> Result<Self, Error> {
        let locks = std::env::temp_dir().join(format!("mandrill-listener-ports-{}", rustix::process::getuid().as_raw()));
        fs::create_dir_all(&locks).context(format!("creating {}", locks.display()))?;
        let first = RANGE.start + u16::try_from(std::process::id() % 1_000).unwrap_or(0) * 12;
        for number in (first..RANGE.end).chain(RANGE.start..first) {
            let path = locks.join(number.to_string());
            let file = File::create(&path).context(format!("creating {}", path.display()))?;
            if file.try_lock().is_ok() && TcpListener::bind(("127.0.0.1", number)).is_ok() {
                return Ok(Self { number, _lock: Some(file) });
            }
        }
        Err(Error::NoPort)
    }
}
