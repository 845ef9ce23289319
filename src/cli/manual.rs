//! `seq2seq manual`: man pages and completions, for packages.

use std::path::PathBuf;

use clap::{Command, ValueEnum};
use clap_complete::Shell;
use seq2seq::Error;

use super::failure::Result;
use super::outcome::Outcome;
use super::output::Output;

/// Write man pages and completions for shells
///
/// A page for each command, such as seq2seq-translate.1, and what bash, zsh, fish, PowerShell and elvish need to complete
/// commands and options.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: seq2seq manual --out manual && man manual/seq2seq-translate.1")]
pub struct Args {
    /// The directory to write to; it is made where it is missing
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Runs the command; `program` is all that there is to describe.
pub fn run(args: &Args, mut program: Command) -> Result<Outcome> {
    let named = || Error::io(&args.out);
    std::fs::create_dir_all(&args.out).map_err(named())?;
    let name = program.get_name().to_owned();
    for shell in Shell::value_variants() {
        clap_complete::generate_to(*shell, &mut program, &name, &args.out).map_err(named())?;
    }
    clap_mangen::generate_to(program, &args.out).map_err(named())?;
    let mut output = Output::stdout();
    output.write(&format!("man pages and completions in {}\n", args.out.display()))?;
    output.flush()?;
    Ok(Outcome::Fine)
}
