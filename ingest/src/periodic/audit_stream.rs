//! Streams the audit log to a file and to a syslog server.
//!
//! An entry is marked after it was written, so that none is lost: after a crash in between, it is written again, with the same `id`.

mod file;
mod syslog;

use std::io;
use std::time::Duration;

use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use self::syslog::SyslogClient;
use crate::audit::{AuditArgs, AuditFile, Syslog};
use crate::store::accounts::audit::{self, UnstreamedEntry};

const INTERVAL: Duration = Duration::from_secs(1);
/// Pause after a failure.
const PAUSE: Duration = Duration::from_secs(5);
/// Number of entries written at a time.
const BATCH: i64 = 500;
/// How long one batch can take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Why entries were not streamed.
#[derive(Debug, thiserror::Error)]
enum StreamError {
    #[error("the audit log could not be read or marked")]
    Database(#[from] sqlx::Error),
    #[error("entries could not be written")]
    Write(#[from] io::Error),
}

/// Where entries go.
struct Destination {
    file: AuditFile,
    syslog: Option<SyslogClient>,
}

/// Streams new entries every second until `stop`. Of several replicas, one streams at a time. Returns at once if nothing is configured.
pub(crate) async fn run(pool: PgPool, config: AuditArgs, stop: CancellationToken) {
    if !config.is_streamed() {
        return;
    }
    let AuditArgs { audit_file: file, audit_syslog: Syslog(syslog), .. } = config;
    let mut destination = Destination { file, syslog: syslog.map(SyslogClient::new) };
    loop {
        let pause = match stream(&pool, &mut destination).await {
            Ok(()) => INTERVAL,
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::warn!(%error, cause, "the audit log was not streamed; it is tried again");
                metrics::counter!("ingest_audit_stream_failures_total").increment(1);
                PAUSE
            }
        };
        if tokio::time::timeout(pause, stop.cancelled()).await.is_ok() {
            return;
        }
    }
}

/// Streams everything that is not streamed yet.
async fn stream(pool: &PgPool, destination: &mut Destination) -> Result<(), StreamError> {
    loop {
        let mut transaction = pool.begin().await?;
        let entries = audit::unstreamed(&mut transaction, BATCH).await?;
        if entries.is_empty() {
            return Ok(());
        }
        tokio::time::timeout(TIMEOUT, destination.write(&entries)).await.map_err(io::Error::from)??;
        let ids: Vec<i64> = entries.iter().map(|entry| entry.id).collect();
        audit::mark_streamed(&mut transaction, &ids).await?;
        transaction.commit().await?;
    }
}

impl Destination {
    async fn write(&mut self, entries: &[UnstreamedEntry]) -> io::Result<()> {
        let lines = entries.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>()?;
        if let Some(path) = &self.file.0 {
            file::append(path, &lines).await?;
        }
        if let Some(syslog) = &mut self.syslog {
            for (entry, line) in entries.iter().zip(&lines) {
                if syslog.has_room_for(line) {
                    syslog.send(entry.at, line).await?;
                } else {
                    syslog.send(entry.at, &serde_json::to_string(&entry.cut())?).await?;
                }
            }
        }
        Ok(())
    }
}
