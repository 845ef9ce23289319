//! Where results go.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt::Arguments;
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;
use std::rc::Rc;

use serde::Serialize;

use super::failure::{Place, Result};

/// A line for the person, on standard error. Nobody listening there is no reason to stop.
pub fn note(line: Arguments<'_>) {
    let _ = writeln!(io::stderr(), "{}", harmless(&line.to_string()));
}

/// What characters of files and names that steer a terminal are written out in; lines stay lines.
pub fn harmless(text: &str) -> Cow<'_, str> {
    let steers = |c: char| c.is_control() && c != '\n' && c != '\t';
    if !text.contains(steers) {
        return text.into();
    }
    text.chars().flat_map(|c| if steers(c) { c.escape_default().collect() } else { vec![c] }).collect()
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
    is_terminal: bool,
}

impl Output {
    /// Standard output.
    pub fn stdout() -> Self {
        let writer = Box::new(BufWriter::new(io::stdout().lock()));
        Self { writer, place: Place::Stream("standard output"), is_terminal: io::stdout().is_terminal() }
    }

    /// A new file, or an empty one in place of what was there.
    ///
    /// It is written as results come, like standard output, so that it can be followed, and so that a run of hours that
    /// is interrupted leaves what it has done.
    pub fn create(path: &Path) -> Result<Self> {
        let file = File::create(path).map_err(|error| Place::File(path.to_owned()).failure(error))?;
        Ok(Self::file(file, path))
    }

    /// Bytes in memory.
    pub fn memory(bytes: &Rc<RefCell<Vec<u8>>>) -> Self {
        Self { writer: Box::new(Memory(Rc::clone(bytes))), place: Place::Stream("memory"), is_terminal: false }
    }

    /// An open file, from where it stands on.
    pub fn file(file: File, path: &Path) -> Self {
        let is_terminal = file.is_terminal();
        Self { writer: Box::new(BufWriter::new(file)), place: Place::File(path.to_owned()), is_terminal }
    }

    /// Writes text.
    pub fn write(&mut self, text: &str) -> Result<()> {
        self.bytes(text.as_bytes())
    }

    /// Text of a model or a dictionary: on a terminal, without what would steer it.
    pub fn shown<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.is_terminal { harmless(text) } else { text.into() }
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

    /// Writes JSON.
    pub fn json_value(&mut self, value: &impl Serialize) -> Result<()> {
        let json = serde_json::to_string(value).map_err(|error| self.place.failure(error.into()))?;
        self.write(&json)
    }

    /// Writes a line of JSON.
    pub fn json(&mut self, value: &impl Serialize) -> Result<()> {
        self.json_value(value)?;
        self.write("\n")
    }

    /// Hands on everything that was written. Needed at the end too: an error of a dropped buffer would be lost.
    pub fn flush(&mut self) -> Result<()> {
        self.writer.flush().map_err(|error| self.place.failure(error))
    }
}

/// Bytes that are read when they have been written.
struct Memory(Rc<RefCell<Vec<u8>>>);

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether standard output is a terminal that says that it shows 24-bit colours, and nobody said not to use any.
pub fn has_colours() -> bool {
    let says = |name: &str, values: &[&str]| std::env::var(name).is_ok_and(|value| values.contains(&value.as_str()));
    io::stdout().is_terminal()
        && says("COLORTERM", &["truecolor", "24bit"])
        && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
