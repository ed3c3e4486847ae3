//! Command line of `ingest`.

use std::process::ExitCode;

use ingest::app::App;
use ingest::commands::{doctor, migrate, simulate, user as commands, webhook};
use ingest::config::{Cli, Command};
use ingest::http::openapi as document;
use ingest::periodic::retention;
use shared::{cli, healthcheck, shutdown, telemetry};

#[tokio::main]
async fn main() -> ExitCode {
    cli::exit_code(run(cli::parse::<Cli>().command).await)
}

async fn run(command: Command) -> anyhow::Result<()> {
    telemetry::start_logs(command.log())?;
    match command {
        Command::Serve(config) => App::build(*config).await?.run(shutdown::on_signal()?).await,
        Command::Migrate(config) => migrate::run(&config).await,
        Command::User(config) => commands::run_user(&config).await,
        Command::Token(config) => commands::run_token(&config).await,
        Command::Simulate(config) => simulate::run(&config).await,
        Command::Retention(config) => retention::run(&config).await,
        Command::Doctor(config) => doctor::run(&config).await,
        Command::Webhook(config) => webhook::run(&config).await,
        Command::Openapi(_) => Ok(document::print()?),
        Command::Healthcheck(config) => Ok(healthcheck::check_readiness(config.listen).await?),
    }
}
