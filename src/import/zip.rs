//! The entries of a zip archive as PyTorch writes it: not compressed, so that each is a part of the file.

use std::collections::BTreeMap;
use std::ops::Range;

/// How far from the end of a file its directory may begin: its own bytes, and a comment.
const END: usize = 22;
const LONGEST_COMMENT: usize = 0xffff;

/// Names of the entries, and where in the archive their contents are.
///
/// # Errors
///
/// What is no such archive, is compressed, or leads beyond its end.
pub fn entries(bytes: &[u8]) -> Result<BTreeMap<String, Range<usize>>, String> {
    let first = bytes.len().saturating_sub(END + LONGEST_COMMENT);
    let last = bytes.len().checked_sub(END).ok_or("zip: no directory")?;
    let end = (first..=last).rev().find(|&at| bytes[at..].starts_with(b"PK\x05\x06")).ok_or("zip: no directory")?;
    let archive = Archive { bytes };
    let (mut count, mut at) = (archive.number(end + 10, 2)?, archive.number(end + 16, 4)?);
    if count == 0xffff || at == 0xffff_ffff {
        // Of a large archive they stand in a record of their own, whose place stands before the end.
        let locator = end.checked_sub(20).ok_or("zip: no directory of a large archive")?;
        let record = archive.number(locator + 8, 8)?;
        (count, at) = (archive.number(record.saturating_add(32), 8)?, archive.number(record.saturating_add(48), 8)?);
    }
    let mut entries = BTreeMap::new();
    for _ in 0..count {
        let (name, range, next) = archive.entry(at)?;
        entries.insert(name, range);
        at = next;
    }
    Ok(entries)
}

struct Archive<'a> {
    bytes: &'a [u8],
}

impl Archive<'_> {
    fn slice(&self, at: usize, length: usize) -> Result<&[u8], String> {
        let end = at.checked_add(length);
        end.and_then(|end| self.bytes.get(at..end)).ok_or_else(|| format!("zip: expected {length} bytes at {at}"))
    }

    /// A number of so many bytes, the lowest first.
    fn number(&self, at: usize, length: usize) -> Result<usize, String> {
        let number = self.slice(at, length)?.iter().rev().fold(0, |number: u64, &byte| number << 8 | u64::from(byte));
        usize::try_from(number).map_err(|_| format!("zip: {number} is beyond this machine"))
    }

    /// The entry of the directory at `at`: its name, its contents, and where the next one begins.
    fn entry(&self, at: usize) -> Result<(String, Range<usize>, usize), String> {
        if self.slice(at, 4)? != b"PK\x01\x02" {
            return Err(format!("zip: expected an entry at {at}"));
        }
        let [name_length, extra_length, comment_length] = [28, 30, 32].map(|field| self.number(at + field, 2));
        let (name_length, extra_length, comment_length) = (name_length?, extra_length?, comment_length?);
        let name = String::from_utf8_lossy(self.slice(at + 46, name_length)?).into_owned();
        if self.number(at + 10, 2)? != 0 {
            return Err(format!("zip: {name:?} is compressed, which no checkpoint of PyTorch is"));
        }
        let extra = at + 46 + name_length;
        let next = extra + extra_length + comment_length;
        let (size, mut header) = (self.number(at + 24, 4)?, self.number(at + 42, 4)?);
        let mut length = size;
        // What is too large for 32 bits stands in an extra field: size, stored size, place, those that are needed.
        let mut field = extra;
        while field + 4 <= extra + extra_length {
            let (kind, bytes) = (self.number(field, 2)?, self.number(field + 2, 2)?);
            if kind == 1 {
                let mut value = field + 4;
                if size == 0xffff_ffff {
                    length = self.number(value, 8)?;
                    value += 8;
                }
                if self.number(at + 20, 4)? == 0xffff_ffff {
                    value += 8;
                }
                if header == 0xffff_ffff {
                    header = self.number(value, 8)?;
                }
            }
            field += 4 + bytes;
        }
        if self.slice(header, 4)? != b"PK\x03\x04" {
            return Err(format!("zip: {name:?} has no contents at {header}"));
        }
        let first = header + 30 + self.number(header + 26, 2)? + self.number(header + 28, 2)?;
        self.slice(first, length)?;
        Ok((name, first..first + length, next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An archive with one entry, as `zip -0` writes it.
    fn archive(method: u8) -> Vec<u8> {
        let mut bytes = b"PK\x03\x04\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\x02\0\0\0\x02\0\0\0\x01\0\0\0ahi".to_vec();
        let directory = bytes.len() as u8;
        bytes.extend(b"PK\x01\x02\x1e\x03\x0a\0\0\0");
        bytes.extend([method, 0]);
        bytes.extend(b"\0\0\0\0\0\0\0\0\x02\0\0\0\x02\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0a");
        let length = bytes.len() as u8 - directory;
        bytes.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
        bytes.extend([length, 0, 0, 0, directory, 0, 0, 0, 0, 0]);
        bytes
    }

    #[test]
    fn contents_are_found() {
        let bytes = archive(0);
        let entries = entries(&bytes).expect("an archive");
        assert_eq!(entries.len(), 1);
        assert_eq!(&bytes[entries["a"].clone()], b"hi");
    }

    #[test]
    fn what_is_compressed_or_cut_off_is_refused() {
        assert_eq!(entries(&archive(8)), Err("zip: \"a\" is compressed, which no checkpoint of PyTorch is".to_owned()));
        let bytes = archive(0);
        for length in 0..bytes.len() {
            assert!(entries(&bytes[..length]).is_err(), "{length}");
            assert!(entries(&bytes[length..]).is_err() || length == 0, "{length}");
        }
    }
}
