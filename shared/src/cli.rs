//! A service's command line. `--help` documents every environment variable; usage errors exit with status 64.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::fmt::Write;
use std::process::ExitCode;

use clap::error::{ContextKind, ErrorKind};
use clap::{Arg, Command, Error, Parser};

use crate::config::SettingError;

/// Exit status for usage errors and settings that cannot be used: `EX_USAGE` from `sysexits.h`.
const EX_USAGE: u8 = 64;

/// Parses the command line, the environment, and the files that `NAME_FILE` names for a secret variable `NAME`. Exits the process with status
/// 0 after `--help`, or 64 on a usage error.
pub fn parse<C: Parser>() -> C {
    let command = C::command();
    let variables = variables(&command);
    let parsed = with_secret_files(command.after_long_help(variables))
        .and_then(|command| command.try_get_matches())
        .and_then(|matches| C::from_arg_matches(&matches));
    match parsed {
        Ok(cli) => cli,
        Err(error) => {
            let error = without_secret(error, C::command());
            let _ = error.print();
            std::process::exit(if error.use_stderr() { EX_USAGE.into() } else { 0 });
        }
    }
}

/// Returns the process exit code for `outcome`: 64 for a [`SettingError`]. Logs an error together with its causes.
pub fn exit_code(outcome: Result<(), anyhow::Error>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            if error.is::<SettingError>() { ExitCode::from(EX_USAGE) } else { ExitCode::FAILURE }
        }
    }
}

/// The name of the variable of a secret argument; `None` if the argument is not secret.
fn secret_variable(argument: &Arg) -> Option<String> {
    argument.is_hide_env_values_set().then(|| argument.get_env().map(|name| name.to_string_lossy().into_owned())).flatten()
}

/// Gives each secret argument the contents of the file that its variable with `_FILE` names, if there is one.
fn with_secret_files(mut command: Command) -> Result<Command, Error> {
    let names: Vec<String> = command.get_subcommands().map(|subcommand| subcommand.get_name().to_owned()).collect();
    for name in names {
        let mut outcome = Ok(());
        command = command.mut_subcommand(name, |subcommand| {
            with_secret_files(subcommand.clone()).unwrap_or_else(|error| {
                outcome = Err(error);
                subcommand
            })
        });
        outcome?;
    }
    let secrets: Vec<_> =
        command.get_arguments().filter_map(|argument| Some((argument.get_id().clone(), secret_variable(argument)?))).collect();
    for (id, name) in secrets {
        let Some(path) = std::env::var_os(format!("{name}_FILE")).filter(|path| !path.is_empty()) else { continue };
        if std::env::var_os(&name).is_some_and(|value| !value.is_empty()) {
            return Err(usage_error(format!("{name} and {name}_FILE are both set; keep one of them")));
        }
        let contents = std::fs::read_to_string(&path)
            .map_err(|error| usage_error(format!("{name}_FILE: the file cannot be read: {error}")))?;
        let contents = contents.trim_end_matches(['\r', '\n']).to_owned();
        // An empty variable does not hide the file.
        command = command
            .mut_arg(id, |argument| argument.env(None::<&str>).default_value(contents).hide_default_value(true).required(false));
    }
    Ok(command)
}

fn usage_error(message: String) -> Error {
    Error::raw(ErrorKind::ValueValidation, format!("{message}\n"))
}

/// Replaces an error that would print the invalid value of a secret.
fn without_secret(error: Error, mut command: Command) -> Error {
    let Some(invalid) = error.get(ContextKind::InvalidArg).map(ToString::to_string) else { return error };
    // Only then arguments have the form in which the error names them.
    command.build();
    let mut commands = vec![&command];
    while let Some(command) = commands.pop() {
        commands.extend(command.get_subcommands());
        for argument in command.get_arguments().filter(|argument| argument.to_string() == invalid) {
            if let (Some(name), Some(reason)) = (secret_variable(argument), error.source()) {
                return usage_error(format!("{name} is not valid: {reason}"));
            }
        }
    }
    error
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
        let file = if secret_variable(argument).is_some() {
            format!(" [or {name}_FILE: a file that contains it]")
        } else {
            String::new()
        };
        let _ = write!(text, "  {name}\n          {help}{default}{file}\n");
    }
    text
}
