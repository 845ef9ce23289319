//! What is to be translated, in batches.

use std::fs::File;
use std::io::{BufReader, IsTerminal, stdin};
use std::path::{Path, PathBuf};

use crate::cli::failure::{Place, Result};
use crate::cli::lines::{Batches, Fill, Line};
use crate::cli::note;

/// Batches of lines from wherever they come.
pub struct Input {
    batches: Box<dyn Iterator<Item = std::io::Result<Vec<Line>>>>,
    place: Place,
}

impl Input {
    /// Words as if they were lines.
    pub fn words(words: Vec<String>, batch_size: usize) -> Self {
        let lines = words.into_iter().enumerate().map(|(at, word)| Line { number: at + 1, text: Ok(word) });
        let mut lines = lines.peekable();
        let batches = std::iter::from_fn(move || {
            lines.peek()?;
            Some(Ok(lines.by_ref().take(batch_size).collect()))
        });
        Self { batches: Box::new(batches), place: Place::Stream("arguments") }
    }

    /// The lines of a file, or of a named pipe.
    pub fn file(path: PathBuf, batch_size: usize) -> Result<Self> {
        let place = Place::File(path.clone());
        let file = File::open(&path).map_err(|error| place.failure(error))?;
        let batches = Batches::new(BufReader::new(file), batch_size, fill(&path));
        Ok(Self { batches: Box::new(batches), place })
    }

    /// The lines of standard input. A person who is to type them is told so, unless `quiet`.
    pub fn stdin(batch_size: usize, quiet: bool) -> Self {
        if stdin().is_terminal() && !quiet {
            note(format_args!("reading lines from the terminal"));
        }
        let batches = Batches::new(BufReader::new(stdin()), batch_size, fill(Path::new("/dev/stdin")));
        Self { batches: Box::new(batches), place: Place::Stream("standard input") }
    }

    /// The next lines; none at the end.
    pub fn next_batch(&mut self) -> Result<Option<Vec<Line>>> {
        self.batches.next().transpose().map_err(|error| self.place.failure(error))
    }
}

/// Nobody waits at the other end of a file; everything else may be a conversation.
fn fill(path: &Path) -> Fill {
    let is_file = std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file());
    if is_file { Fill::Full } else { Fill::Available }
}
