//! How a person names a tokenizer.

use std::fmt::{self, Display};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

use super::special::SPECIAL;
use crate::{Error, Result};

/// What the symbols of a text are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// Every character (Unicode scalar value), spaces too.
    Char,
    /// What whitespace separates.
    Word,
    /// Frequent runs of bytes, by byte pair encoding (Sennrich, Haddow and Birch 2016), in a vocabulary of at most
    /// this size. There is no unknown symbol.
    Bpe(BpeSize),
    /// What a Hugging Face tokenizer's `.json` says.
    File(PathBuf),
}

/// The size of a vocabulary of byte pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BpeSize(usize);

impl BpeSize {
    /// From every byte and the special tokens, to what ids of 16 bits count.
    pub const BOUNDS: RangeInclusive<usize> = 256 + SPECIAL.len()..=1 << 16;

    /// A size within the bounds.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] naming the bounds.
    pub fn new(size: usize) -> Result<Self> {
        if Self::BOUNDS.contains(&size) { Ok(Self(size)) } else { Err(Self::out_of_bounds(size)) }
    }

    /// Tokens, special ones included.
    pub fn get(self) -> usize {
        self.0
    }

    fn out_of_bounds(found: impl Display) -> Error {
        let (least, most) = Self::BOUNDS.into_inner();
        let expected = format!("bpe:N with N from {least} to {most}");
        Error::Config { key: "tokenizer".to_owned(), expected, found: format!("bpe:{found}") }
    }
}

impl FromStr for TokenKind {
    type Err = Error;

    /// `char`, `word`, `bpe:N`, or the path of a file whose name ends in `.json`.
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "char" => return Ok(Self::Char),
            "word" => return Ok(Self::Word),
            _ => {}
        }
        if let Some(size) = text.strip_prefix("bpe:") {
            let parsed = size.parse().map_err(|_| BpeSize::out_of_bounds(size))?;
            return BpeSize::new(parsed).map(Self::Bpe);
        }
        let path = PathBuf::from(text);
        // A misspelt kind is not to be looked for as a file.
        if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json")) {
            return Ok(Self::File(path));
        }
        let expected = "char, word, bpe:N, or a tokenizer's file that ends in .json".to_owned();
        Err(Error::Config { key: "tokenizer".to_owned(), expected, found: text.to_owned() })
    }
}

/// As [`FromStr`] reads it.
impl Display for TokenKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Char => f.write_str("char"),
            Self::Word => f.write_str("word"),
            Self::Bpe(BpeSize(size)) => write!(f, "bpe:{size}"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_shown_as_they_are_read() -> Result<()> {
        let kinds = [
            ("char", TokenKind::Char),
            ("word", TokenKind::Word),
            ("bpe:260", TokenKind::Bpe(BpeSize(260))),
            ("bpe:65536", TokenKind::Bpe(BpeSize(65_536))),
            ("dir/t.json", TokenKind::File("dir/t.json".into())),
        ];
        for (text, kind) in kinds {
            assert_eq!(text.parse::<TokenKind>()?, kind);
            assert_eq!(kind.to_string(), text);
        }
        Ok(())
    }

    #[test]
    fn what_is_no_kind_is_told_the_kinds() {
        let reason = |text: &str| text.parse::<TokenKind>().unwrap_err().to_string();
        let kinds = "tokenizer: expected char, word, bpe:N, or a tokenizer's file that ends in .json, found ";
        for text in ["chars", "Char", "", "bpe", "model/tokenizer"] {
            assert_eq!(reason(text), format!("{kinds}{text}"));
        }
        for text in ["bpe:259", "bpe:65537", "bpe:", "bpe:many", "bpe:-300", "bpe:99999999999999999999"] {
            assert_eq!(reason(text), format!("tokenizer: expected bpe:N with N from 260 to 65536, found {text}"));
        }
    }
}
