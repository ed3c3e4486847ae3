//! A service's command line. `--help` documents every environment variable; usage errors exit with status 64.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::process::ExitCode;

use clap::{Command, Parser};

/// Exit status for usage errors: `EX_USAGE` from `sysexits.h`.
const EX_USAGE: i32 = 64;

/// Parses the command line and the environment. Exits the process with status 0 after `--help`, or 64 on a usage error.
pub fn parse<C: Parser>() -> C {
    let command = C::command();
    let variables = variables(&command);
    let matches = command.after_long_help(variables).try_get_matches();
    match matches.and_then(|matches| C::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            std::process::exit(if error.use_stderr() { EX_USAGE } else { 0 });
        }
    }
}

/// Returns the process exit code for `outcome`. Logs an error together with its causes.
pub fn exit_code(outcome: Result<(), anyhow::Error>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Returns help text for every environment variable read by any of the commands: its name, purpose and default.
fn variables(command: &Command) -> String {
    let mut found = BTreeMap::new();
    let mut commands = vec![command];
    while let Some(command) = commands.pop() {
        commands.extend(command.get_subcommands());
        for argument in command.get_arguments() {
            if let Some(name) = argument.get_env() {
                found.insert(name.to_string_lossy().into_owned(), argument);
            }
        }
    }
    let mut text = "Variables:\n".to_owned();
    for (name, argument) in found {
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        let defaults: Vec<_> = argument.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
        let default = if defaults.is_empty() { String::new() } else { format!(" [default: {}]", defaults.join(",")) };
        let _ = write!(text, "  {name}\n          {help}{default}\n");
    }
    text
}
