//! The command line of a service: `--help` documents every variable, wrong usage ends with 64.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::process::ExitCode;

use clap::{Command, Parser};

/// What a shell expects of a program that was called wrongly (`EX_USAGE`).
const USAGE: i32 = 64;

/// Reads the command line and the environment, or ends the process: with 0 after `--help`, with 64 on a mistake.
pub fn parse<C: Parser>() -> C {
    let command = C::command();
    let variables = variables(&command);
    let matches = command.after_long_help(variables).try_get_matches();
    match matches.and_then(|matches| C::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            std::process::exit(if error.use_stderr() { USAGE } else { 0 });
        }
    }
}

/// How the process ends: a failure is logged, with all its causes.
pub fn exit_code(outcome: Result<(), anyhow::Error>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Every variable that any of the commands reads, with what it is for and its default.
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
