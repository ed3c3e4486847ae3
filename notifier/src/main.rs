//! The `notifier` command.

use std::process::ExitCode;
use std::time::Duration;

use notifier::app::App;
use notifier::config::{Cli, Command};
use shared::{cli, healthcheck, shutdown, telemetry};

#[tokio::main]
async fn main() -> ExitCode {
    cli::exit_code(run(cli::parse::<Cli>().command).await)
}

async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Serve(config) => {
            telemetry::start_logs(&config.log)?;
            let delay = Duration::from_secs(config.connections.shutdown_delay_seconds);
            App::build(*config).await?.run(shutdown::on_signal(delay)?).await
        }
        Command::Healthcheck { listen } => Ok(healthcheck::check_readiness(listen).await?),
    }
}
