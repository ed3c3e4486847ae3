//! Logging and metrics for a service.
//!
//! Each log line can be understood on its own and contains its details as fields. Log lines never contain addresses, tokens,
//! bodies or connection strings.

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use rustix::process::{Resource, Rlimit, setrlimit};
use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};

/// Bucket boundaries for duration histograms, in seconds.
const DURATION_BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// Bucket boundaries for batch-size histograms, in events.
const BATCH_SIZE_BUCKETS: [f64; 8] = [1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1_000.0, 10_000.0];

/// Starts logging to standard error, and forbids core dumps unless they are allowed.
///
/// # Errors
/// When `LOG` is not a valid filter, or the system does not let us forbid core dumps.
pub fn start_logs(config: &Log) -> anyhow::Result<()> {
    if !config.allow_core_dumps {
        forbid_core_dumps()?;
    }
    let filter = EnvFilter::builder().parse(&config.log)?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match config.log_format {
        LogFormat::Text => builder.with_ansi(false).init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
    Ok(())
}

/// The memory contains secrets, so that neither a file nor a program that collects crashes shall get it.
fn forbid_core_dumps() -> rustix::io::Result<()> {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    Ok(())
}

/// Installs the process's metrics recorder. The returned handle renders `/metrics`.
///
/// # Errors
/// When a recorder is already installed.
pub fn start_metrics() -> Result<PrometheusHandle, BuildError> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &DURATION_BUCKETS)?
        .set_buckets_for_metric(Matcher::Suffix("_events".to_owned()), &BATCH_SIZE_BUCKETS)?
        .install_recorder()
}
