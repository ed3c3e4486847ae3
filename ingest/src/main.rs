//! The program `ingest`: parses the command line, initializes logging and runs the command.

use std::process::ExitCode;
use std::time::Duration;

use ingest::app::App;
use ingest::cli::{Cli, Command};
use ingest::commands::{
    archive, dictionary, doctor, healthcheck, import, migrate, openapi, retention, simulate, token, upkeep, user, webhook,
};
use shared::{cli, shutdown, telemetry};

#[tokio::main]
async fn main() -> ExitCode {
    cli::exit_code(run(cli::parse::<Cli>().command).await)
}

async fn run(command: Command) -> anyhow::Result<()> {
    telemetry::start_logs(command.log())?;
    match command {
        Command::Serve(config) => {
            let delay = Duration::from_secs(config.connections.shutdown_delay_seconds);
            App::build(*config).await?.run(shutdown::on_signal(delay)?).await
        }
        Command::Migrate(config) => migrate::run(&config).await,
        Command::User(config) => user::run(&config).await,
        Command::Token(config) => token::run(&config).await,
        Command::Simulate(config) => simulate::run(&config).await,
        Command::Retention(config) => retention::run(&config).await,
        Command::Upkeep(config) => upkeep::run(&config).await,
        Command::Archive(config) => archive::run(&config).await,
        Command::Import(config) => import::run(&config).await,
        Command::Dictionary(config) => dictionary::run(&config).await,
        Command::Doctor(config) => doctor::run(&config).await,
        Command::Webhook(config) => webhook::run(&config).await,
        Command::Openapi(_) => openapi::run(),
        Command::Healthcheck(config) => healthcheck::run(&config).await,
    }
}
