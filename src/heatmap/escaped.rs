//! Text inside of markup.

use std::fmt::{Display, Formatter, Result, Write as _};

/// Text between tags or in a double-quoted attribute, of XML and of HTML. What is no character of XML becomes visible.
pub struct Escaped<'a>(pub &'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\t' | '\n' => f.write_char(c)?,
                '\u{FFFE}' | '\u{FFFF}' => f.write_char(char::REPLACEMENT_CHARACTER)?,
                c if c.is_control() => f.write_char(char::REPLACEMENT_CHARACTER)?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_what_it_stands_in() {
        let found = Escaped("</script> \"a\" & 'b'\u{0}\u{85}\u{FFFF}\r\t東").to_string();
        assert_eq!(found, "&lt;/script&gt; &quot;a&quot; &amp; 'b'\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\t東");
    }
}
