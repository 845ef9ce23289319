//! Files of pairs: what is translated, and into what.

mod division;

pub use division::split;

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs;
use std::path::Path;

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
    let bytes = fs::read(path).map_err(Error::io(path))?;
    let bytes = decompress(&bytes).map_err(Error::io(path))?;
    parse(&bytes).map_err(|reason| Error::format(path, reason))
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

/// What gzip's two magic bytes announce, decompressed; anything else as it is.
fn decompress(bytes: &[u8]) -> std::io::Result<Cow<'_, [u8]>> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(bytes.into());
    }
    inflate(bytes).map(Cow::Owned)
}

#[cfg(feature = "gzip")]
fn inflate(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    use std::io::Read;

    let mut inflated = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes).read_to_end(&mut inflated)?;
    Ok(inflated)
}

#[cfg(not(feature = "gzip"))]
fn inflate(_: &[u8]) -> std::io::Result<Vec<u8>> {
    Err(std::io::Error::new(std::io::ErrorKind::Unsupported, "compressed by gzip, which needs the feature `gzip`"))
}

fn parse(bytes: &[u8]) -> Result<Vec<Pair>, String> {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    if bytes.is_empty() {
        return Err("expected lines of source, tab, target, found none".to_owned());
    }
    let (mut pairs, mut malformed) = (Vec::new(), Vec::new());
    for (line, bytes) in (1..).zip(bytes.split(|&byte| byte == b'\n')) {
        match parse_line(bytes) {
            Ok((source, target)) => pairs.push(Pair { source: source.to_owned(), target: target.to_owned(), line }),
            Err(reason) => malformed.push((line, reason)),
        }
    }
    if malformed.is_empty() { Ok(pairs) } else { Err(describe(&malformed)) }
}

fn parse_line(line: &[u8]) -> Result<(&str, &str), String> {
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

/// One sentence with the number of every malformed line, or of the first and a count.
fn describe(malformed: &[(usize, String)]) -> String {
    let described = malformed.iter().take(MOST_DESCRIBED).map(|(line, reason)| format!("line {line}: {reason}"));
    let mut lines: Vec<String> = described.collect();
    if malformed.len() > MOST_DESCRIBED {
        lines.push(format!("and {} more lines", malformed.len() - MOST_DESCRIBED));
    }
    format!("expected source, tab, target in every line, found {}", lines.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Vec<Pair>> {
        let file = tempfile::NamedTempFile::new().expect("a file");
        fs::write(file.path(), bytes).expect("written");
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
