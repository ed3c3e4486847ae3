//! What the audit log records besides changes, and where it is streamed.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

/// Settings of the audit log.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Audit log")]
pub struct AuditArgs {
    /// Which reading the audit log records, separated by commas: `recipient` (a recipient's page), `export`, and `payload` (an event with its payload, or a quarantined element). None by default; changes are always recorded. If an entry cannot be stored, the request fails.
    #[arg(long, env = "AUDIT_READS", default_value = "")]
    pub audit_reads: AuditReads,

    /// File to which the service appends entries, one JSON object per line. The service reopens it for each batch, so that it can be rotated.
    #[arg(long, env = "AUDIT_FILE", default_value = "")]
    pub audit_file: AuditFile,

    /// Syslog server to which each entry is sent (RFC 5424) with one JSON object as its message: `tcp://HOST:PORT`, `udp://HOST:PORT`, or `unix:///dev/log`.
    #[arg(long, env = "AUDIT_SYSLOG", default_value = "")]
    pub audit_syslog: Syslog,
}

impl AuditArgs {
    /// Returns true if entries are streamed.
    pub(crate) fn is_streamed(&self) -> bool {
        self.audit_file.0.is_some() || self.audit_syslog.0.is_some()
    }
}

/// What is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Read {
    Recipient,
    Export,
    Payload,
}

impl Read {
    pub(crate) const ALL: [Self; 3] = [Self::Recipient, Self::Export, Self::Payload];

    /// The name of the action in the audit log.
    pub(crate) fn action(self) -> &'static str {
        match self {
            Self::Recipient => "recipient_read",
            Self::Export => "events_exported",
            Self::Payload => "payload_read",
        }
    }
}

/// The kinds of reading that are recorded.
#[derive(Debug, Clone, Default)]
pub struct AuditReads(Vec<Read>);

impl AuditReads {
    pub(crate) fn includes(&self, read: Read) -> bool {
        self.0.contains(&read)
    }
}

/// Why a setting of the audit log cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AuditSettingError {
    #[error("`{0}` is not one of recipient, export and payload")]
    Read(String),
    #[error("`{0}` is not tcp://HOST:PORT, udp://HOST:PORT or unix:///PATH")]
    Syslog(String),
}

impl FromStr for AuditReads {
    type Err = AuditSettingError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        let read = |name: &str| match name {
            "recipient" => Ok(Read::Recipient),
            "export" => Ok(Read::Export),
            "payload" => Ok(Read::Payload),
            other => Err(AuditSettingError::Read(other.to_owned())),
        };
        names.map(read).collect::<Result<_, _>>().map(Self)
    }
}

/// The file to which entries are appended, if one is configured.
#[derive(Debug, Clone, Default)]
pub struct AuditFile(pub(crate) Option<PathBuf>);

impl FromStr for AuditFile {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self((!text.is_empty()).then(|| PathBuf::from(text))))
    }
}

/// A syslog server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SyslogAddress {
    Tcp(String),
    Udp(String),
    Unix(PathBuf),
}

impl fmt::Display for SyslogAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "tcp://{address}"),
            Self::Udp(address) => write!(f, "udp://{address}"),
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
        }
    }
}

/// The syslog server to which entries are sent, if one is configured.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Syslog(pub(crate) Option<SyslogAddress>);

impl FromStr for Syslog {
    type Err = AuditSettingError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || AuditSettingError::Syslog(text.to_owned());
        let has_port =
            |address: &str| address.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
        match text.split_once("://") {
            None if text.is_empty() => Ok(Self(None)),
            Some(("tcp", address)) if has_port(address) => Ok(Self(Some(SyslogAddress::Tcp(address.to_owned())))),
            Some(("udp", address)) if has_port(address) => Ok(Self(Some(SyslogAddress::Udp(address.to_owned())))),
            Some(("unix", path)) if path.starts_with('/') => Ok(Self(Some(SyslogAddress::Unix(PathBuf::from(path))))),
            _ => Err(invalid()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_cannot_be_meant_are_named() {
        assert!("recipient, payload".parse::<AuditReads>().is_ok_and(|reads| reads.includes(Read::Payload)));
        assert!("recipients".parse::<AuditReads>().is_err());
        for text in ["udp://[::1]:514", "tcp://logs.example.com:601", "unix:///dev/log"] {
            assert_eq!(text.parse::<Syslog>().expect(text).0.map(|address| address.to_string()).as_deref(), Some(text));
        }
        for text in ["logs.example.com", "udp://logs.example.com", "tcp://:601", "unix://log", "tls://logs.example.com:6514"] {
            assert!(text.parse::<Syslog>().is_err(), "{text}");
        }
    }
}
