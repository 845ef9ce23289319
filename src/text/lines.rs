//! Lines of a file or a pipe, a bounded one at a time.

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
