//! Where results go.

use std::fmt::Arguments;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;

use serde::Serialize;

use super::failure::{Failure, Place, Result};

/// A line for the person, on standard error. Nobody listening there is no reason to stop.
pub fn note(line: Arguments<'_>) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// The JSON of a line that has no answer.
#[derive(Serialize)]
pub struct FailedLine<'a> {
    /// Its number, from 1.
    pub line: usize,
    /// Why.
    pub error: &'a str,
}

/// Standard output or a file, buffered until [`flush`](Self::flush).
pub struct Output {
    writer: Box<dyn Write>,
    place: Place,
}

impl Output {
    /// Standard output.
    pub fn stdout() -> Self {
        let writer = Box::new(BufWriter::new(io::stdout().lock()));
        Self { writer, place: Place::Stream("standard output") }
    }

    /// A new file, or an empty one in place of what was there.
    ///
    /// It is written as results come, like standard output, so that it can be followed, and so that a run of hours that
    /// is interrupted leaves what it has done.
    pub fn create(path: &Path) -> Result<Self> {
        let file = File::create(path).map_err(|error| Place::File(path.to_owned()).failure(error))?;
        Ok(Self::file(file, path))
    }

    /// An open file, from where it stands on.
    pub fn file(file: File, path: &Path) -> Self {
        Self { writer: Box::new(BufWriter::new(file)), place: Place::File(path.to_owned()) }
    }

    /// Writes text.
    pub fn write(&mut self, text: &str) -> Result<()> {
        self.bytes(text.as_bytes())
    }

    /// Writes bytes.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.writer.write_all(bytes).map_err(|error| self.place.failure(error))
    }

    /// Writes text and hands it on at once: whoever waits for a slow device sees how far it is.
    pub fn show(&mut self, text: &str) -> Result<()> {
        self.write(text)?;
        self.flush()
    }

    /// Writes a line of JSON.
    pub fn json(&mut self, value: &impl Serialize) -> Result<()> {
        let json = serde_json::to_string(value).map_err(|error| self.place.failure(error.into()))?;
        self.write(&json)?;
        self.write("\n")
    }

    /// Hands on everything that was written. Needed at the end too: an error of a dropped buffer would be lost.
    pub fn flush(&mut self) -> Result<()> {
        self.writer.flush().map_err(|error| self.place.failure(error))
    }
}

/// Sees to it that all of `created` can be written to before any of them is emptied: they can be opened, are apart from
/// each other, and are none of those that are `read`. Where they are not, nothing is left behind.
pub fn reserve(created: &[impl AsRef<Path>], read: &[impl AsRef<Path>]) -> Result<()> {
    let mut new = Vec::new();
    let reserved = created.iter().enumerate().try_for_each(|(index, path)| {
        let path = path.as_ref();
        let existed = path.exists();
        let open = OpenOptions::new().write(true).create(true).truncate(false).open(path);
        open.map_err(|error| Place::File(path.to_owned()).failure(error))?;
        if !existed {
            new.push(path);
        }
        if read.iter().any(|other| same_file(path, other.as_ref())) {
            return Err(Failure::Usage(format!("{}: is also the input", path.display())));
        }
        if created[..index].iter().any(|other| same_file(path, other.as_ref())) {
            return Err(Failure::Usage(format!("{}: is to be two files at once", path.display())));
        }
        Ok(())
    });
    if reserved.is_err() {
        for path in new {
            // What cannot be removed either is an empty file.
            let _ = std::fs::remove_file(path);
        }
    }
    reserved
}

/// Whether both paths lead to one regular file. A terminal or a pipe may be read and written, and by several.
fn same_file(one: &Path, other: &Path) -> bool {
    one.is_file() && matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

/// Whether standard output is a terminal that says that it shows 24-bit colours, and nobody said not to use any.
pub fn has_colours() -> bool {
    let says = |name: &str, values: &[&str]| std::env::var(name).is_ok_and(|value| values.contains(&value.as_str()));
    io::stdout().is_terminal()
        && says("COLORTERM", &["truecolor", "24bit"])
        && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
