//! Free ports of 127.0.0.1 that stay ours while a server restarts.
//!
//! They lie below the range from which the system hands out ports, and a locked file marks each as taken, so that tests in
//! other processes do not choose it between our asking and the server's binding.

use std::fs::{self, File};
use std::net::TcpListener;
use std::ops::Range;

use crate::error::{Doing, Error};

const RANGE: Range<u16> = 20_000..32_000;

/// A port that nobody else's stack uses until this is dropped.
#[derive(Debug)]
pub struct Port {
    number: u16,
    _lock: Option<File>,
}

impl Port {
    /// Its number.
    pub fn number(&self) -> u16 {
        self.number
    }

    /// A port that was asked for by number.
    ///
    /// # Errors
    /// When something else listens there.
    pub fn named(number: u16) -> Result<Self, Error> {
        TcpListener::bind(("127.0.0.1", number)).map_err(|_| Error::PortTaken(number))?;
        Ok(Self { number, _lock: None })
    }

    /// Any free port.
    ///
    /// # Errors
    /// When none is free, or the folder of locks cannot be written.
    pub fn free() -> Result<Self, Error> {
        let locks = std::env::temp_dir().join(format!("mandrill-listener-ports-{}", rustix::process::getuid().as_raw()));
        fs::create_dir_all(&locks).doing(format!("making {}", locks.display()))?;
        let first = RANGE.start + u16::try_from(std::process::id() % 1_000).unwrap_or(0) * 12;
        for number in (first..RANGE.end).chain(RANGE.start..first) {
            let path = locks.join(number.to_string());
            let file = File::create(&path).doing(format!("making {}", path.display()))?;
            if file.try_lock().is_ok() && TcpListener::bind(("127.0.0.1", number)).is_ok() {
                return Ok(Self { number, _lock: Some(file) });
            }
        }
        Err(Error::NoPort)
    }
}
