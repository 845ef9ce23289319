//! Lines of a file or a pipe, compressed or not, a bounded one at a time.

use std::io::{self, BufRead};

/// The longest line that is taken for one, in bytes.
pub const MAX_LINE: usize = 1 << 20;

/// Reads a line without its end into `line`, but never more of it than a carriage return beyond [`MAX_LINE`] and one byte
/// more, by which a longer line is known. The rest of such a line is skipped as it is read.
///
/// How many bytes the line has, its end included; 0 at the end of the input.
pub fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<u64> {
    line.clear();
    let mut read = 0;
    loop {
        let available = match input.fill_buf() {
            Ok(available) => available,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if available.is_empty() {
            return Ok(read);
        }
        let end = available.iter().position(|&byte| byte == b'\n');
        let content = &available[..end.unwrap_or(available.len())];
        let room = MAX_LINE + 2 - line.len().min(MAX_LINE + 2);
        line.extend_from_slice(&content[..content.len().min(room)]);
        let used = content.len() + usize::from(end.is_some());
        input.consume(used);
        read += used as u64;
        if end.is_some() {
            return Ok(read);
        }
    }
}

/// Whether the input begins as what gzip has compressed. Waits for its first bytes.
pub fn is_compressed(input: &mut impl BufRead) -> io::Result<bool> {
    Ok(input.fill_buf()?.starts_with(&[0x1f, 0x8b]))
}

/// What gzip has compressed, decompressed as it is read; anything else as it is.
///
/// # Errors
///
/// [`Unsupported`](io::ErrorKind::Unsupported) if it is compressed and the feature `gzip` is not there; what reading the
/// first bytes says.
pub fn decompressed(mut file: impl BufRead + Send + 'static) -> io::Result<Box<dyn BufRead + Send>> {
    if is_compressed(&mut file)? { inflate(file) } else { Ok(Box::new(file)) }
}

#[cfg(feature = "gzip")]
fn inflate(file: impl BufRead + Send + 'static) -> io::Result<Box<dyn BufRead + Send>> {
    Ok(Box::new(io::BufReader::new(flate2::bufread::MultiGzDecoder::new(file))))
}

#[cfg(not(feature = "gzip"))]
fn inflate(_: impl BufRead) -> io::Result<Box<dyn BufRead + Send>> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "compressed by gzip, which needs the feature `gzip`"))
}
