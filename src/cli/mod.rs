//! The commands. Each has a file, where its arguments, once parsed, become checked objects and then run.

mod alignment;
mod bench;
mod choice;
mod convert;
mod devices;
mod evaluate;
mod failure;
mod files;
mod import;
mod input;
mod lines;
mod manual;
mod options;
mod outcome;
mod output;
mod progress;
mod pronounce;
mod repl;
mod score;
mod serve;
mod shaders;
#[cfg(unix)]
mod signals;
mod threads;
mod train;
mod translate;
mod verify;
mod views;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

/// What reads files of the program alone, for `fuzz/`.
#[cfg(fuzzing)]
pub use self::{train::Settings, translate::Form, translate::Resumed};

use failure::Failure;
use outcome::Outcome;
use output::note;

/// Sequence-to-sequence models with attention, on any GPU or on the CPU.
///
/// Exit codes: 0 when all went well, 1 when some lines could not be translated or a check failed, 2 when the
/// arguments are wrong or nothing could be done at all, 130 when training was interrupted.
#[derive(Debug, Parser)]
#[command(version, name = "seq2seq", max_term_width = 100, after_help = "Example: seq2seq translate attention")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Translate(Box<translate::Args>),
    Pronounce(pronounce::Args),
    Score(score::Args),
    Serve(Box<serve::Args>),
    Repl(Box<repl::Args>),
    Train(Box<train::Args>),
    Evaluate(evaluate::Args),
    Convert(convert::Args),
    Import(import::Args),
    Devices(devices::Args),
    Verify(verify::Args),
    Bench(bench::Args),
    Shaders(shaders::Args),
    Manual(manual::Args),
}

/// Runs the command line `args`, which begins with the program's name.
pub fn run(args: impl Iterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(alignment::join(args)) {
        Ok(cli) => cli,
        Err(error) => {
            // Help that nobody reads to its end is no failure.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    let outcome = match cli.command {
        Command::Translate(args) => translate::run(*args),
        Command::Pronounce(args) => pronounce::run(args),
        Command::Score(args) => score::run(args),
        Command::Serve(args) => serve::run(*args),
        Command::Repl(args) => repl::run(*args),
        Command::Train(args) => train::run(*args),
        Command::Evaluate(args) => evaluate::run(args),
        Command::Convert(args) => convert::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Devices(args) => devices::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Shaders(args) => shaders::run(&args),
        Command::Manual(args) => manual::run(&args, Cli::command()),
    };
    match outcome {
        Ok(Outcome::Fine) | Err(Failure::BrokenPipe) => ExitCode::SUCCESS,
        Ok(Outcome::SomeFailed) => ExitCode::from(1),
        Ok(Outcome::Interrupted) => ExitCode::from(130), // 128 and the number of SIGINT
        Err(failure) => {
            note(format_args!("error: {failure}"));
            ExitCode::from(2)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_declared_consistently() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_shows_an_example() {
        for command in Cli::command().get_subcommands() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("seq2seq "), "{} has no example", command.get_name());
            assert!(command.get_about().is_some(), "{} says not what it does", command.get_name());
        }
    }
}
