//! `seq2seq shaders`: the shaders as files, for programs of other kinds.

use std::path::PathBuf;

use seq2seq::Error;
use seq2seq::gpu::translate::{Language, emit};

use super::choice::choice;
use super::failure::Result;
use super::outcome::Outcome;
use super::output::Output;

/// Write the shaders to files, in the language of any GPU API
///
/// One file for each specialisation, such as linear.f16.tanh.added.slices_4.metal; WGSL keeps its overrides, so it has
/// one for each variant. Buffer i of group 0 is buffer(i) in MSL, register t<i> or u<i> in HLSL and binding i in GLSL;
/// the parameters follow as number 8. Workgroup memory need not be zero in the beginning. GLSL leaves out what uses
/// subgroups; all but WGSL and SPIR-V leave out products of halves, and cooperative matrices are an extension that wgpu
/// makes to WGSL.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: seq2seq shaders --emit msl --out metal-shaders")]
pub struct Args {
    /// The language
    #[arg(long, value_parser = choice::<Language>(), value_name = "LANGUAGE")]
    emit: Language,
    /// The directory to write to; it is made where it is missing
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Outcome> {
    std::fs::create_dir_all(&args.out).map_err(Error::io(&args.out))?;
    let files = emit(args.emit)?;
    for (name, content) in &files {
        let path = args.out.join(name);
        std::fs::write(&path, content).map_err(Error::io(&path))?;
    }
    let mut output = Output::stdout();
    output.write(&format!("{} files in {}\n", files.len(), args.out.display()))?;
    output.flush()?;
    Ok(Outcome::Fine)
}
