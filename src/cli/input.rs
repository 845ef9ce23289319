//! What is to be translated, in windows of lines.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, stdin};
use std::iter::Peekable;
use std::ops::Range;
use std::path::{Path, PathBuf};

use seq2seq::text::lines::{decompressed, is_compressed};

use super::failure::{Place, Result};
use super::files::STDIN;
use super::lines::{Batches, Fill, Line};
use super::output::note;

/// Lines that are worked on together, one after the other.
type Windows = Box<dyn Iterator<Item = io::Result<Vec<Line>>> + Send>;

/// Windows of lines from wherever they come.
pub struct Input {
    windows: Peekable<Windows>,
    place: Place,
    path: Option<PathBuf>,
    /// How many bytes there are, where that is known.
    bytes: Option<u64>,
}

impl Input {
    /// The lines of the file that is named, or else the words that are given, or else standard input.
    pub fn wanted(file: Option<PathBuf>, words: Vec<String>, window: usize, full: bool, quiet: bool) -> Result<Self> {
        match file {
            Some(path) => Self::file(path, window, full),
            None if words.is_empty() => Self::stdin(window, full, quiet),
            None => Ok(Self::words(words, window)),
        }
    }

    /// Words as if they were lines.
    fn words(words: Vec<String>, window: usize) -> Self {
        let line = |(at, word): (usize, String)| Line { number: at + 1, bytes: word.len() as u64, text: Ok(word) };
        Self::lines(words.into_iter().enumerate().map(line).collect(), window)
    }

    /// Lines that are there.
    pub fn lines(lines: Vec<Line>, window: usize) -> Self {
        let windows: Windows = Box::new(Batches::given(lines, window));
        Self { windows: windows.peekable(), place: Place::Stream("arguments"), path: None, bytes: None }
    }

    /// The lines of a file, or of a named pipe; in full windows if they are `full` or the file is a regular one.
    fn file(path: PathBuf, window: usize, full: bool) -> Result<Self> {
        let place = Place::File(path.clone());
        let file = File::open(&path).map_err(|error| place.failure(error))?;
        Self::open(BufReader::new(file), place, path, window, full)
    }

    /// The lines of standard input. A person who is to type them is told so, unless `quiet`.
    fn stdin(window: usize, full: bool, quiet: bool) -> Result<Self> {
        if stdin().is_terminal() && !quiet {
            note(format_args!("reading lines from the terminal"));
        }
        Self::open(BufReader::new(stdin()), Place::Stream("standard input"), PathBuf::from(STDIN), window, full)
    }

    /// The lines of what has this path. A regular file may be compressed by gzip; of a pipe not a byte is awaited here.
    fn open(
        mut input: impl BufRead + Send + 'static,
        place: Place,
        path: PathBuf,
        window: usize,
        full: bool,
    ) -> Result<Self> {
        if std::fs::metadata(&path).is_ok_and(|metadata| metadata.is_dir()) {
            return Err(place.failure(io::ErrorKind::IsADirectory.into()));
        }
        let bytes = size(&path);
        let fill = fill(full || bytes.is_some());
        let compressed = bytes.is_some() && is_compressed(&mut input).map_err(|error| place.failure(error))?;
        let windows: Windows = if compressed {
            let input = decompressed(input).map_err(|error| place.failure(error))?;
            Box::new(Batches::new(input, window, fill))
        } else {
            Box::new(Batches::new(input, window, fill))
        };
        let mut windows = windows.peekable();
        // Of a file it is known now whether it can be read; nobody is to wait for what a pipe has not said yet.
        if bytes.is_some() && matches!(windows.peek(), Some(Err(_))) {
            let error = windows.next().and_then(io::Result::err).unwrap_or_else(|| io::ErrorKind::Other.into());
            return Err(place.failure(error));
        }
        // How much text there is in what is compressed is not known.
        Ok(Self { windows, place, path: Some(path), bytes: bytes.filter(|_| !compressed) })
    }

    /// The same without its first lines: whole windows of them, which it must have. Those of them that are in one of
    /// `kept`, counted from 0, come with it.
    pub fn skip(mut self, lines: usize, kept: &[Range<usize>]) -> Result<(Self, Vec<Line>)> {
        let mut left = lines;
        let mut found = Vec::new();
        while left > 0 {
            let window = self.windows.next().transpose().map_err(|error| self.place.failure(error))?;
            let Some(window) = window.filter(|window| window.len() <= left) else {
                let there = lines - left;
                let reason = format!("expected more than the {lines} lines that are done, found {there}");
                return Err(self.place.failure(io::Error::other(reason)));
            };
            left -= window.len();
            let skipped: u64 = window.iter().map(|line| line.bytes).sum();
            self.bytes = self.bytes.map(|bytes| bytes.saturating_sub(skipped));
            let is_kept = |line: &Line| kept.iter().any(|kept| kept.contains(&(line.number - 1)));
            found.extend(window.into_iter().filter(is_kept));
        }
        Ok((self, found))
    }

    /// The first lines of those that are left, once they are there.
    pub fn first(&mut self) -> &[Line] {
        match self.windows.peek() {
            Some(Ok(lines)) => lines,
            _ => &[],
        }
    }

    /// What is wrong is wrong there.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The file that is read, none for arguments.
    pub fn path(&self) -> Option<&PathBuf> {
        self.path.as_ref()
    }

    /// How many bytes there are, where that is known.
    pub fn bytes(&self) -> Option<u64> {
        self.bytes
    }

    /// The windows that are left, one after the other.
    pub fn windows(&mut self) -> impl Iterator<Item = io::Result<Vec<Line>>> {
        &mut self.windows
    }
}

/// The size of a regular file.
fn size(path: &Path) -> Option<u64> {
    std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file).map(|metadata| metadata.len())
}

/// Nobody waits at the other end of a file; everything else may be a conversation.
fn fill(full: bool) -> Fill {
    if full { Fill::Full } else { Fill::Available }
}
