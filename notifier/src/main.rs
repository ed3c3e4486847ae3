//! The `notifier` command.

use std::process::ExitCode;

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
            App::build(*config).await?.run(shutdown::on_signal()?).await
        }
        Command::Healthcheck { listen } => Ok(healthcheck::check_readiness(listen).await?),
    }
}
