//! Makes a lexicon of pronouncing dictionaries: `cargo run --release --example lexicon -- OUT FILE…`.
//!
//! The files are those of `--dictionary`: lines of word, tab, phones of ARPAbet. `models/cmudict/make` runs this.

use std::error::Error;
use std::io::Write;
use std::path::PathBuf;

use seq2seq::english::{lexicon, phones};
use seq2seq::text::pairs::read_pairs;

fn main() -> Result<(), Box<dyn Error>> {
    let mut files = std::env::args_os().skip(1).map(PathBuf::from);
    let out = files.next().ok_or("expected OUT FILE…")?;
    let mut entries = Vec::new();
    for file in files {
        for pair in read_pairs(&file)? {
            let phones = phones::arpabet(&pair.target)
                .map_err(|error| format!("{}: {}: {error}", file.display(), pair.source))?;
            entries.push((pair.source, phones));
        }
    }
    let lines = entries.len();
    let bytes = lexicon::encode(entries)?;
    std::fs::write(&out, &bytes)?;
    writeln!(std::io::stdout(), "{}: {lines} pronunciations in {} bytes", out.display(), bytes.len())?;
    Ok(())
}
