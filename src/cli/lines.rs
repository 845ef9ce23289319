//! Lines of input in batches: bounded in memory, and without waiting for lines that are not there yet.

use std::fmt;
use std::io::{self, BufRead};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::{thread, vec};

use seq2seq::text::lines::{MAX_LINE, read_line};

/// A line of input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number, from 1.
    pub number: usize,
    /// Its text, without the line end.
    pub text: Result<String, BadLine>,
    /// Its bytes, with the line end.
    pub bytes: u64,
}

impl Line {
    /// What its alignment may take, were every byte a symbol.
    fn cells(&self) -> u64 {
        let length = self.bytes.min(MAX_LINE as u64);
        length * length
    }
}

/// Why a line is no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadLine {
    /// The byte at this offset belongs to no character.
    NotUtf8(usize),
    /// There are more than [`MAX_LINE`] bytes.
    TooLong,
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotUtf8(offset) => write!(f, "not UTF-8 (byte {})", offset + 1),
            Self::TooLong => write!(f, "longer than {MAX_LINE} bytes"),
        }
    }
}

/// When a batch is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    /// As soon as no further line has arrived: whoever waits at the other end of a pipe gets an answer.
    Available,
    /// Once it is full or the input ends: the same batches, and so the same rounding, at every run.
    Full,
}

/// The most cells of a batch, but for its last line: what a line attends to may take the square of its length. A window of
/// long lines is several batches.
const MOST_CELLS: u64 = 1 << 28;

/// Lines that are read ahead.
const AHEAD: usize = 64;

/// Batches of lines, read by a thread of its own while the last batch is translated. Every `size` lines a batch ends.
#[derive(Debug)]
pub struct Batches {
    lines: Lines,
    size: usize,
    /// Lines of the last window.
    of_window: usize,
    fill: Fill,
    error: Option<io::Error>,
}

/// Where lines come from.
#[derive(Debug)]
enum Lines {
    /// A thread that reads ahead.
    Ahead(Receiver<io::Result<Line>>),
    /// The input itself, where no thread can be had: none of its lines has arrived before it is read.
    Direct(Arc<Mutex<Reader>>),
    /// Lines that are there.
    Given(vec::IntoIter<Line>),
}

impl Lines {
    /// The next line, once it is there; none at the end.
    fn next(&mut self) -> Option<io::Result<Line>> {
        match self {
            Self::Ahead(lines) => lines.recv().ok(),
            Self::Direct(reader) => reader.lock().unwrap_or_else(PoisonError::into_inner).next(),
            Self::Given(lines) => lines.next().map(Ok),
        }
    }

    /// The next line, if it is there.
    fn arrived(&mut self) -> Option<io::Result<Line>> {
        match self {
            Self::Ahead(lines) => lines.try_recv().ok(),
            Self::Direct(_) => None,
            Self::Given(_) => self.next(),
        }
    }
}

impl Batches {
    /// Batches of at most `size` lines.
    pub fn new(input: impl BufRead + Send + 'static, size: usize, fill: Fill) -> Self {
        let (sender, lines) = sync_channel(size.min(AHEAD));
        let reader =
            Arc::new(Mutex::new(Reader { input: Box::new(input), number: 0, buffer: Vec::new(), ended: false }));
        let read = Arc::clone(&reader);
        // The thread ends with the input, or when this end of the channel is dropped and it has another line. One that
        // waits for a line ends with the process.
        let ahead = move || {
            let mut reader = read.lock().unwrap_or_else(PoisonError::into_inner);
            while let Some(line) = reader.next() {
                if sender.send(line).is_err() {
                    return;
                }
            }
        };
        let thread = thread::Builder::new().name("lines".to_owned()).spawn(ahead);
        let lines = if thread.is_ok() { Lines::Ahead(lines) } else { Lines::Direct(reader) };
        Self { lines, size, of_window: 0, fill, error: None }
    }

    /// Batches of lines that are there, divided as they would be if they were read.
    pub fn given(lines: Vec<Line>, size: usize) -> Self {
        Self { lines: Lines::Given(lines.into_iter()), size, of_window: 0, fill: Fill::Full, error: None }
    }

    /// The next line, if it belongs to a batch that has begun.
    fn more(&mut self) -> Option<io::Result<Line>> {
        match self.fill {
            Fill::Available => self.lines.arrived(),
            Fill::Full => self.lines.next(),
        }
    }
}

impl Iterator for Batches {
    type Item = io::Result<Vec<Line>>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(error) = self.error.take() {
            return Some(Err(error));
        }
        let mut batch = match self.lines.next()? {
            Ok(line) => vec![line],
            Err(error) => return Some(Err(error)),
        };
        let mut cells = batch[0].cells();
        while self.of_window + batch.len() < self.size && cells < MOST_CELLS {
            match self.more() {
                Some(Ok(line)) => {
                    cells += line.cells();
                    batch.push(line);
                }
                Some(Err(error)) => {
                    // What came before the error is still to be translated.
                    self.error = Some(error);
                    break;
                }
                None => break,
            }
        }
        // A batch that had to wait for nothing begins a window of its own.
        let is_cut = cells >= MOST_CELLS && self.of_window + batch.len() < self.size;
        self.of_window = if is_cut { self.of_window + batch.len() } else { 0 };
        Some(Ok(batch))
    }
}

/// Reads one line after the other.
struct Reader {
    input: Box<dyn BufRead + Send>,
    /// Lines so far.
    number: usize,
    buffer: Vec<u8>,
    /// Whether there was an error, behind which nothing is read.
    ended: bool,
}

impl Reader {
    fn next(&mut self) -> Option<io::Result<Line>> {
        if self.ended {
            return None;
        }
        self.number += 1;
        match read_line(&mut self.input, &mut self.buffer) {
            Ok(0) => None,
            Ok(bytes) => Some(Ok(Line { number: self.number, text: text(&self.buffer, self.number == 1), bytes })),
            Err(error) => {
                self.ended = true;
                Some(Err(error))
            }
        }
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Reader").field("number", &self.number).finish_non_exhaustive()
    }
}

/// The line as text, without the carriage return of Windows, and without the byte order mark of a file.
pub fn text(line: &[u8], first: bool) -> Result<String, BadLine> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.len() > MAX_LINE {
        return Err(BadLine::TooLong);
    }
    let text = std::str::from_utf8(line).map_err(|error| BadLine::NotUtf8(error.valid_up_to()))?;
    let mark = if first { "\u{FEFF}" } else { "" };
    Ok(text.strip_prefix(mark).unwrap_or(text).to_owned())
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Read};

    use super::*;

    fn lines(input: impl Read + Send + 'static) -> Vec<Result<String, BadLine>> {
        let batches = Batches::new(BufReader::new(input), 3, Fill::Full);
        let lines: Vec<Line> = batches.flat_map(|batch| batch.expect("no error")).collect();
        assert!(lines.iter().map(|line| line.number).eq(1..=lines.len()));
        lines.into_iter().map(|line| line.text).collect()
    }

    fn good(lines: &[&str]) -> Vec<Result<String, BadLine>> {
        lines.iter().map(|line| Ok((*line).to_owned())).collect()
    }

    #[test]
    fn line_ends_of_all_kinds() {
        assert_eq!(lines(&b""[..]), []);
        assert_eq!(lines(&b"\n"[..]), good(&[""]));
        assert_eq!(lines(&b"a\nb"[..]), good(&["a", "b"]));
        assert_eq!(lines(&b"a\r\n\r\nb\r\n"[..]), good(&["a", "", "b"]));
        assert_eq!(lines("\u{FEFF}a\n\u{FEFF}b\n".as_bytes()), good(&["a", "\u{FEFF}b"]));
    }

    #[test]
    fn bytes_that_are_no_text_keep_their_line() {
        assert_eq!(lines(&b"a\nb\xffc\nd\n"[..]), [Ok("a".into()), Err(BadLine::NotUtf8(1)), Ok("d".into())]);
    }

    #[test]
    fn long_lines_are_skipped_to_their_end() {
        let long = |length: u64| io::repeat(b'a').take(length).chain(&b"\nb\n"[..]);
        assert_eq!(lines(long(MAX_LINE as u64)), good(&[&"a".repeat(MAX_LINE), "b"]));
        assert_eq!(lines(long(MAX_LINE as u64 + 1)), [Err(BadLine::TooLong), Ok("b".into())]);
        assert_eq!(lines(long(100 * MAX_LINE as u64)), [Err(BadLine::TooLong), Ok("b".into())]);
    }

    #[test]
    fn a_window_of_long_lines_is_read_in_parts() {
        let line = [vec![b'a'; MAX_LINE - 1], vec![b'\n']].concat();
        let input = io::Cursor::new(line.repeat(40)).chain(&b"b\nc\n"[..]);
        let batches = Batches::new(BufReader::new(input), 35, Fill::Full);
        let sizes: Vec<usize> = batches.map(|batch| batch.expect("no error").len()).collect();
        assert_eq!(sizes, [vec![1; 40], vec![2]].concat());
        let input = io::Cursor::new([vec![b'a'; 4095], vec![b'\n']].concat().repeat(60));
        let batches = Batches::new(BufReader::new(input), 35, Fill::Full);
        let sizes: Vec<usize> = batches.map(|batch| batch.expect("no error").len()).collect();
        assert_eq!(sizes, [16, 16, 3, 16, 9], "every 35 lines a batch ends");
        let line = |number| Line { number, text: Ok(String::new()), bytes: 4096 };
        let given = Batches::given((1..=60).map(line).collect(), 35);
        let given: Vec<usize> = given.map(|batch| batch.expect("no error").len()).collect();
        assert_eq!(given, sizes, "and of lines that are there");
    }

    #[test]
    fn a_batch_does_not_wait_for_lines_that_are_not_there() {
        let (reader, mut writer) = io::pipe().expect("a pipe");
        let mut batches = Batches::new(BufReader::new(reader), 64, Fill::Available);
        for word in ["one", "two"] {
            io::Write::write_all(&mut writer, format!("{word}\n").as_bytes()).expect("a reader");
            let batch = batches.next().expect("a batch").expect("no error");
            assert_eq!(batch.iter().map(|line| line.text.as_deref()).collect::<Vec<_>>(), [Ok(word)]);
        }
        drop(writer);
        assert!(batches.next().is_none());
    }

    #[test]
    fn an_error_comes_after_the_lines_before_it() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("broken"))
            }
        }
        let mut batches = Batches::new(BufReader::new(b"a\n".chain(Broken)), 8, Fill::Full);
        assert_eq!(batches.next().expect("a batch").expect("no error").len(), 1);
        assert!(batches.next().expect("an error").is_err());
        assert!(batches.next().is_none());
    }
}
