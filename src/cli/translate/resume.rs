//! Where an earlier run was stopped: what its output holds, in whole windows.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;

use serde::Deserialize;

use super::present::Form;
use crate::cli::failure::{Failure, Place, Result};
use crate::cli::lines::Line;
use crate::cli::output::Output;

/// The longest line of an output: a long sentence with its alignment takes less.
const LONGEST_LINE: u64 = 1 << 28;

/// What is done.
///
/// Only whole windows count, so that the others are translated in the same batches as they would have been, and to the
/// same last digit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resumed {
    /// Lines of the input.
    pub lines: usize,
    /// Bytes of the output that are their translations.
    pub bytes: u64,
    /// The first and the last of it, which tell whose output this is: translated once more they must be the same.
    samples: Vec<Sample>,
}

/// Windows of the input and their translations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Lines of the input, from 0.
    pub lines: Range<usize>,
    /// Bytes of the output.
    bytes: Range<u64>,
}

impl Resumed {
    /// What an output of this form holds; nothing if it is not to be continued, or there is no such file.
    pub fn find(output: Option<&Path>, skip_done: bool, form: Form, window: usize) -> Result<Self> {
        let Some(path) = output.filter(|_| skip_done) else { return Ok(Self::default()) };
        let place = Place::File(path.to_owned());
        if std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
            let reason = "only a regular file can be continued (--skip-done)";
            return Err(Failure::Usage(format!("{}: {reason}", path.display())));
        }
        let file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            file => file.map_err(|error| place.failure(error))?,
        };
        Self::read(BufReader::new(file), form, window).map_err(|problem| match problem {
            Problem::Io(error) => place.failure(error),
            Problem::Other(line, reason) => {
                let path = path.display();
                Failure::Usage(format!("{path}: line {line}: {reason}: another run's output is not continued"))
            }
        })
    }

    fn read(mut output: impl BufRead, form: Form, window: usize) -> std::result::Result<Self, Problem> {
        let (mut done, mut bytes, mut last) = (Self::default(), 0, 0);
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            let read = output.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line).map_err(Problem::Io)?;
            if read as u64 == LONGEST_LINE {
                return Err(Problem::Other(number, format!("longer than {LONGEST_LINE} bytes")));
            }
            if line.last() != Some(&b'\n') {
                // The end, or a line that was not finished.
                break;
            }
            let wrong = |reason: &str| Problem::Other(number, reason.to_owned());
            // How many lines of the input come before this one's.
            let before = match form {
                Form::Json => {
                    let json: Numbered = serde_json::from_slice(&line).map_err(|_| wrong("no JSON of a line"))?;
                    if json.line != number {
                        return Err(Problem::Other(number, format!("JSON of line {}", json.line)));
                    }
                    number - 1
                }
                Form::NBest => {
                    let id = n_best_line(&line).ok_or_else(|| wrong("none of several lines for each"))?;
                    if id < last {
                        return Err(Problem::Other(number, format!("line {id} behind line {last}")));
                    }
                    last = id;
                    id
                }
                _ if number == 1 && serde_json::from_slice::<Numbered>(&line).is_ok() => {
                    return Err(wrong("JSON of a line"));
                }
                _ if number == 1 && n_best_line(&line).is_some() => return Err(wrong("one of several lines for each")),
                _ => number - 1,
            };
            if before - done.lines >= window {
                done.extend(before / window * window, bytes);
            }
            bytes += read as u64;
            if form != Form::NBest && number == done.lines + window {
                done.extend(number, bytes);
            }
        }
        Ok(done)
    }

    /// So much is done.
    fn extend(&mut self, lines: usize, bytes: u64) {
        self.samples.truncate(1);
        self.samples.push(Sample { lines: self.lines..lines, bytes: self.bytes..bytes });
        (self.lines, self.bytes) = (lines, bytes);
    }

    /// The lines of the samples.
    pub fn samples(&self) -> Vec<Range<usize>> {
        self.samples.iter().map(|sample| sample.lines.clone()).collect()
    }

    /// Checks that what is done is what these options make of this input, and what follows it the beginning of what they
    /// make of the next window; `translate` says what that is of some lines: those of the samples, and the `next` ones.
    pub fn confirm(
        &self,
        path: &Path,
        samples: &[Line],
        next: &[Line],
        mut translate: impl FnMut(Vec<Line>) -> Result<Vec<u8>>,
    ) -> Result<()> {
        let place = Place::File(path.to_owned());
        let read = |bytes: Range<u64>| {
            let mut file = File::open(path)?;
            file.seek(SeekFrom::Start(bytes.start))?;
            let mut found = Vec::new();
            file.take(bytes.end - bytes.start).read_to_end(&mut found)?;
            Ok(found)
        };
        let check = |expected: &[u8], found: &[u8], lines: Range<usize>| {
            if expected == found {
                return Ok(());
            }
            let (expected, found) = first_difference(expected, found);
            Err(Failure::Usage(format!(
                "{}: lines {} to {} of the input are translated otherwise now: expected {expected:?}, found {found:?}: \
                 another run's output is not continued",
                path.display(),
                lines.start + 1,
                lines.end
            )))
        };
        for Sample { lines, bytes } in &self.samples {
            let found = read(bytes.clone()).map_err(|error| place.failure(error))?;
            let known = samples.iter().filter(|line| lines.contains(&(line.number - 1)));
            check(&translate(known.cloned().collect())?, &found, lines.clone())?;
        }
        let all = match std::fs::metadata(path) {
            Ok(metadata) => metadata.len(),
            Err(_) => return Ok(()),
        };
        if all > self.bytes {
            let found = read(self.bytes..all).map_err(|error| place.failure(error))?;
            let expected = translate(next.to_vec())?;
            // It was cut somewhere: in this window, or, of several lines for each, in the first line of the next one.
            let both = expected.len().min(found.len());
            let is_begun = found[both..].contains(&b'\n');
            check(&expected[..both], if is_begun { &found } else { &found[..both] }, self.lines..self.lines + 1)?;
        }
        Ok(())
    }

    /// The output, cut to what is done, to be written on.
    pub fn go_on(&self, path: &Path) -> Result<Output> {
        let place = Place::File(path.to_owned());
        let open = || {
            let mut file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
            file.set_len(self.bytes)?;
            file.seek(SeekFrom::Start(self.bytes))?;
            Ok(file)
        };
        Ok(Output::file(open().map_err(|error| place.failure(error))?, path))
    }
}

/// The first line that two texts do not share, of each.
fn first_difference(one: &[u8], other: &[u8]) -> (String, String) {
    let (mut one, mut other) = (one.split(|&byte| byte == b'\n'), other.split(|&byte| byte == b'\n'));
    let text = |line: Option<&[u8]>| String::from_utf8_lossy(line.unwrap_or_default()).into_owned();
    loop {
        match (one.next(), other.next()) {
            (Some(line), Some(same)) if line == same => {}
            (one, other) => return (text(one), text(other)),
        }
    }
}

/// Why an output cannot be continued.
#[derive(Debug)]
enum Problem {
    /// It cannot be read.
    Io(io::Error),
    /// This line is none of ours.
    Other(usize, String),
}

/// The number that an n-best line begins with, if it is one: number, text, log probability, score.
fn n_best_line(line: &[u8]) -> Option<usize> {
    let line = std::str::from_utf8(line).ok()?.trim_end();
    let (rest, score) = line.rsplit_once(" ||| ")?;
    let (rest, log_prob) = rest.rsplit_once(" ||| logprob= ")?;
    let (id, _) = rest.split_once(" |||")?;
    let _: (f64, f64) = (score.parse().ok()?, log_prob.parse().ok()?);
    id.parse().ok()
}

/// What every line of JSON has.
#[derive(Deserialize)]
struct Numbered {
    line: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(output: &str, form: Form) -> Resumed {
        Resumed::read(output.as_bytes(), form, 2).expect("an output of ours")
    }

    /// How many lines of the input are done, and how many bytes of the output they are.
    fn done(output: &str, form: Form) -> (usize, u64) {
        let Resumed { lines, bytes, samples } = read(output, form);
        // The samples begin and end with it.
        assert_eq!(samples.first().map_or((0, 0), |first| (first.lines.start, first.bytes.start)), (0, 0));
        assert_eq!(samples.last().map_or((0, 0), |last| (last.lines.end, last.bytes.end)), (lines, bytes));
        (lines, bytes)
    }

    #[test]
    fn whole_windows_are_done() {
        for (output, expected) in [
            ("", (0, 0)),
            ("a", (0, 0)),
            ("a\n", (0, 0)),
            ("a\nb", (0, 0)),
            ("a\nb\n", (2, 4)),
            ("a\n\nc\nd", (2, 3)),
            ("a\nb\nc\nd\ne\n", (4, 8)),
        ] {
            assert_eq!(done(output, Form::Text), expected, "{output:?}");
        }
        assert_eq!(read("a\nb\nc\nd\ne\nf\ng\n", Form::Text).samples(), [0..2, 4..6]);
    }

    #[test]
    fn of_several_lines_for_each_the_last_may_lack_some() {
        let lines = |numbers: &[usize]| -> String {
            numbers.iter().map(|number| format!("{number} ||| A ||| B ||| logprob= -0.5 ||| -1\n")).collect()
        };
        let bytes = |lines: u64| lines * 39;
        assert_eq!(done(&lines(&[0, 0, 1]), Form::NBest), (0, 0));
        assert_eq!(done(&lines(&[0, 0, 1, 2]), Form::NBest), (2, bytes(3)));
        // Lines without a translation are not there.
        assert_eq!(done(&lines(&[1, 5, 5]), Form::NBest), (4, bytes(1)));
        assert_eq!(done("0 |||  ||| logprob= -2 ||| -2\n", Form::NBest), (0, 0));
        for wrong in [lines(&[2, 1]), format!("{}5 apples\n", lines(&[0])), "5 apples\n".into(), "5 ||| A\n".into()] {
            assert!(Resumed::read(wrong.as_bytes(), Form::NBest, 2).is_err(), "{wrong}");
        }
        assert_eq!(read(&lines(&[usize::MAX]), Form::NBest).lines, usize::MAX / 2 * 2);
    }

    #[test]
    fn numbers_of_json_are_compared() {
        assert_eq!(read("{\"line\":1}\n{\"line\":2}\n{\"li", Form::Json).lines, 2);
        for wrong in ["{\"line\":2}\n", "AH\n", "{}\n"] {
            assert!(Resumed::read(wrong.as_bytes(), Form::Json, 2).is_err(), "{wrong}");
        }
        for wrong in ["{\"line\":1}\n", "0 ||| A ||| logprob= -1 ||| -1\n"] {
            assert!(Resumed::read(wrong.as_bytes(), Form::Text, 2).is_err(), "{wrong}");
        }
    }
}
