//! Files of pairs: what is translated, and into what.

mod division;

pub use division::split;

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use super::lines::{MAX_LINE, decompressed, read_line};
use crate::memory::require;
use crate::{Error, Result};

/// A source beside one target that is accepted for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// What is translated.
    pub source: String,
    /// Into what.
    pub target: String,
    /// Its line in the file, from 1.
    pub line: usize,
}

/// A source with all targets that are accepted for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group<'a> {
    /// What is translated.
    pub source: &'a str,
    /// Into what, in the order of the lines.
    pub targets: Vec<&'a str>,
    /// Its first line in the file, from 1.
    pub line: usize,
}

/// What a pair takes besides its characters, in what is made of it too.
const OF_A_PAIR: usize = 256;

/// The memory of pairs that is not asked for.
const FIRST_ASKED: usize = 1 << 22;

/// The most malformed lines that an error describes; it counts the others.
const MOST_DESCRIBED: usize = 20;

/// Reads pairs, one a line: source, tab, target, in UTF-8. The file may be compressed by gzip, with the feature `gzip`.
///
/// Line ends may be those of Windows, and a byte order mark may come first. Lines with one source are so many accepted
/// targets.
///
/// # Errors
///
/// [`Error::Io`] if the file cannot be read or decompressed; [`Error::Format`] with the numbers of all lines that have
/// not exactly one tab, an empty side or bytes that are no UTF-8, or if there is no line at all. Then nothing is
/// returned: a model is not to be taught or judged by what remains of a file.
pub fn read_pairs(path: impl AsRef<Path>) -> Result<Vec<Pair>> {
    let path = path.as_ref();
    let lines = File::open(path).and_then(|file| decompressed(BufReader::new(file)));
    match lines.and_then(parse).map_err(Error::io(path))? {
        Ok(pairs) => Ok(pairs),
        Err(reason) => Err(Error::format(path, reason)),
    }
}

/// The sources in the order in which they first occur, each with all its targets.
pub fn group(pairs: &[Pair]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for Pair { source, target, line } in pairs {
        let place = *places.entry(source).or_insert(groups.len());
        if place == groups.len() {
            groups.push(Group { source, targets: Vec::new(), line: *line });
        }
        groups[place].targets.push(target);
    }
    groups
}

/// All pairs, or what is wrong with the lines.
fn parse(mut input: impl BufRead) -> io::Result<Result<Vec<Pair>, String>> {
    let (mut pairs, mut malformed, mut line) = (Vec::new(), Malformed::default(), Vec::new());
    let (mut lines, mut blank) = (0, true);
    let (mut bytes, mut asked) = (0, FIRST_ASKED);
    while read_line(&mut input, &mut line)? > 0 {
        lines += 1;
        let line = match lines {
            1 => line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&line),
            _ => &line,
        };
        blank &= line.is_empty();
        match parse_line(line) {
            Ok((source, target)) => {
                bytes += line.len() + OF_A_PAIR;
                // Before they have grown to twice what they are now it is asked again.
                if bytes >= 2 * asked {
                    asked = bytes;
                    let kept = pairs.len() + 1;
                    require::<u8>(asked, || format!("keeping more than {kept} pairs")).map_err(io::Error::other)?;
                }
                pairs.push(Pair { source: source.to_owned(), target: target.to_owned(), line: lines });
            }
            Err(reason) => malformed.add(lines, reason),
        }
    }
    Ok(match malformed.count {
        _ if lines == 0 || lines == 1 && blank => Err("expected lines of source, tab, target, found none".to_owned()),
        0 => Ok(pairs),
        _ => Err(malformed.describe()),
    })
}

fn parse_line(line: &[u8]) -> Result<(&str, &str), String> {
    if line.len() > MAX_LINE {
        return Err(format!("longer than {MAX_LINE} bytes"));
    }
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let line = std::str::from_utf8(line).map_err(|error| format!("not UTF-8 (byte {})", error.valid_up_to() + 1))?;
    match line.matches('\t').count() {
        0 if line.trim().is_empty() => return Err("blank".to_owned()),
        1 => {}
        tabs => return Err(format!("{tabs} tabs")),
    }
    let (source, target) = line.split_once('\t').unwrap_or_default();
    for (side, name) in [(source, "source"), (target, "target")] {
        if side.trim().is_empty() {
            return Err(format!("the {name} is empty"));
        }
    }
    Ok((source, target))
}

/// Lines that are no pairs: the first of them, and how many there are.
#[derive(Default)]
struct Malformed {
    first: Vec<String>,
    count: usize,
}

impl Malformed {
    fn add(&mut self, line: usize, reason: String) {
        self.count += 1;
        if self.first.len() < MOST_DESCRIBED {
            self.first.push(format!("line {line}: {reason}"));
        }
    }

    /// One sentence with the numbers of the first, and a count of the others.
    fn describe(mut self) -> String {
        if self.count > self.first.len() {
            self.first.push(format!("and {} more lines", self.count - self.first.len()));
        }
        format!("expected source, tab, target in every line, found {}", self.first.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Vec<Pair>> {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), bytes).expect("written");
        read_pairs(file.path())
    }

    #[cfg(feature = "gzip")]
    fn gzip(bytes: &[u8]) -> Vec<u8> {
        use std::io::Write;

        use flate2::Compression;
        use flate2::write::GzEncoder;

        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).expect("memory");
        encoder.finish().expect("memory")
    }

    fn pair(line: usize, source: &str, target: &str) -> Pair {
        Pair { source: source.to_owned(), target: target.to_owned(), line }
    }

    #[track_caller]
    fn reason(bytes: &[u8]) -> String {
        match read(bytes) {
            Err(Error::Format { reason, .. }) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn lines_are_pairs() -> Result<()> {
        let expected = [pair(1, "cat", "K AE T"), pair(2, "naïve", "N AY IY V")];
        assert_eq!(read("cat\tK AE T\nnaïve\tN AY IY V\n".as_bytes())?, expected);
        assert_eq!(read("cat\tK AE T\nnaïve\tN AY IY V".as_bytes())?, expected);
        assert_eq!(read("\u{feff}cat\tK AE T\r\nnaïve\tN AY IY V\r\n".as_bytes())?, expected);
        assert_eq!(read(b" a b \t c ")?, [pair(1, " a b ", " c ")], "spaces are part of a text");
        Ok(())
    }

    #[cfg(feature = "gzip")]
    #[test]
    fn gzip_is_recognised_by_its_contents() -> Result<()> {
        assert_eq!(read(&gzip(b"a\tb\nc\td\n"))?, [pair(1, "a", "b"), pair(2, "c", "d")]);
        let members = [gzip(b"a\tb\n"), gzip(b"c\td\n")].concat();
        assert_eq!(read(&members)?.len(), 2, "files that were put one behind the other");
        let whole = gzip(b"a\tb\n");
        assert!(matches!(read(&whole[..whole.len() - 6]), Err(Error::Io { .. })), "cut off");
        assert_eq!(reason(&gzip(b"")), "expected lines of source, tab, target, found none");
        Ok(())
    }

    #[cfg(not(feature = "gzip"))]
    #[test]
    fn gzip_is_named_where_it_cannot_be_read() {
        let error = read(b"\x1f\x8b").expect_err("an error").to_string();
        assert!(error.contains("the feature `gzip`"), "{error}");
    }

    #[test]
    fn every_malformed_line_is_named() {
        let lines = b"a\tb\n\nno tab\nc\td\te\n \tf\ng\t\n\xffh\ti\n \r\nj\tk\n";
        assert_eq!(
            reason(lines),
            "expected source, tab, target in every line, found line 2: blank; line 3: 0 tabs; line 4: 2 tabs; \
             line 5: the source is empty; line 6: the target is empty; line 7: not UTF-8 (byte 1); line 8: blank"
        );
        assert_eq!(reason(b"a\tb\n\n"), "expected source, tab, target in every line, found line 2: blank");
    }

    #[test]
    fn of_many_malformed_lines_the_first_are_named_and_all_counted() {
        let reason = reason("word\n".repeat(50).as_bytes());
        assert!(reason.contains("line 20: 0 tabs; and 30 more lines") && !reason.contains("line 21"), "{reason}");
    }

    #[test]
    fn a_long_line_is_one_malformed_line() -> Result<()> {
        let lines = |length: usize| format!("a\tb\nc\t{}\nd\te\n", "x".repeat(length - 2));
        assert_eq!(read(lines(MAX_LINE).as_bytes())?.len(), 3);
        for longer in [MAX_LINE + 1, 3 * MAX_LINE] {
            let expected = "expected source, tab, target in every line, found line 2: longer than 1048576 bytes";
            assert_eq!(reason(lines(longer).as_bytes()), expected);
        }
        Ok(())
    }

    #[test]
    fn no_lines_are_an_error() {
        for empty in [&b""[..], b"\n", "\u{feff}".as_bytes()] {
            assert_eq!(reason(empty), "expected lines of source, tab, target, found none");
        }
        assert!(matches!(read_pairs("/nowhere/pairs.tsv"), Err(Error::Io { .. })));
    }

    #[test]
    fn sources_keep_their_order_and_gather_their_targets() {
        let pairs = [pair(1, "b", "1"), pair(2, "a", "2"), pair(3, "b", "3"), pair(4, "b", "1")];
        let expected = [
            Group { source: "b", targets: vec!["1", "3", "1"], line: 1 },
            Group { source: "a", targets: vec!["2"], line: 2 },
        ];
        assert_eq!(group(&pairs), expected);
        assert!(group(&[]).is_empty());
    }
}
