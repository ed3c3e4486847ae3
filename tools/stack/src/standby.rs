//! A standby of the stack's Postgres.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, ErrorContext};
use crate::ports::Port;
use crate::postgres;
use crate::process::Process;
use crate::reaper::Reaper;
use crate::servers::Servers;

/// A running standby. Dropping it stops it.
#[derive(Debug)]
pub struct Standby {
    _process: Process,
    port: Port,
    password: String,
}

impl Standby {
    /// Copies the primary into a directory below `folder` and follows it from there.
    pub(crate) fn start(
        servers: &Servers,
        folder: &Path,
        password: &str,
        primary: &Port,
        settings: &str,
        reaper: &Arc<Reaper>,
    ) -> Result<Self, Error> {
        let port = Port::free()?;
        let data = folder.join(format!("standby-{}", port.number()));
        let log = folder.join(format!("logs/standby-{}.log", port.number()));
        postgres::base_backup(servers, &data, password, primary, &["--write-recovery-conf"])?;
        let mut configuration = std::fs::File::options()
            .append(true)
            .open(data.join("postgresql.auto.conf"))
            .context("opening the settings of the standby")?;
        writeln!(configuration, "{settings}").context("writing the settings of the standby")?;
        let process = postgres::start(servers, &data, password, &port, &log, reaper)?;
        Ok(Self { _process: process, port, password: password.to_owned() })
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// The URL of the database there, with the owner's credentials.
    pub fn database_url(&self) -> String {
        postgres::url(postgres::USER, &self.password, self.port.number())
    }
}
