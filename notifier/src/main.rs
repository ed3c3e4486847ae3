//! Command line of `notifier`.

use std::process::ExitCode;

use clap::Parser;
use notifier::app::App;
use notifier::config::{Cli, Command};
use shared::{healthcheck, shutdown, telemetry};

/// What a shell expects of a program that was called wrongly (`EX_USAGE`).
const USAGE: u8 = 64;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::try_parse().unwrap_or_else(|error| {
        let _ = error.print();
        std::process::exit(if error.use_stderr() { i32::from(USAGE) } else { 0 });
    });
    match run(cli.command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Serve(config) => {
            telemetry::start_logs(&config.log)?;
            App::build(*config).await?.run(shutdown::on_signal()?).await
        }
        Command::Healthcheck { listen } => Ok(healthcheck::ask(listen).await?),
    }
}
