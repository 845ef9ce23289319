//! Tokenizers made from data.

mod bytes;
mod kind;
mod special;
mod symbols;

pub use kind::{BpeSize, TokenKind};

use std::fs;

use super::Tokenizer;
use crate::config::SpecialTokens;
use crate::{Error, Result};
use special::SPECIAL;

/// A tokenizer whose vocabulary is what occurs in the texts; of a file, the file's.
///
/// A vocabulary that is made begins with `<pad>`, `<bos>`, `<eos>` and `<unk>` at the ids 0 to 3; its symbols follow by
/// falling frequency, equally frequent ones by their code points; byte pairs in the order of their merging. A symbol
/// that occurs once is in it, and the same texts in any order give the same tokenizer.
///
/// ```
/// use seq2seq::text::vocabulary::{TokenKind, build};
///
/// let tokenizer = build(&TokenKind::Char, &["noon", "on"])?;
/// assert_eq!(tokenizer.encode("no one")?.ids, [4, 5, 3, 5, 4, 3]);
/// assert_eq!(tokenizer.decode(&[4, 5, 5, 4]), "noon");
/// # Ok::<(), seq2seq::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::Config`] if the texts hold no symbol, or the kind is a size out of bounds; [`Error::Io`] and
/// [`Error::Format`] for a tokenizer's file that cannot be used.
pub fn build<S: AsRef<str> + Sync>(kind: &TokenKind, texts: &[S]) -> Result<Tokenizer> {
    let made = match kind {
        TokenKind::File(path) => return Tokenizer::from_bytes(fs::read(path).map_err(Error::io(path))?, path),
        _ if texts.iter().all(|text| text.as_ref().trim().is_empty()) => {
            let expected = "texts to make a vocabulary from".to_owned();
            return Err(Error::Config { key: kind.to_string(), expected, found: "none".to_owned() });
        }
        TokenKind::Char => symbols::characters(texts),
        TokenKind::Word => symbols::words(texts),
        TokenKind::Bpe(size) => bytes::pairs(texts, size.get()),
    };
    // Through its file: what is saved and loaded again is exactly what a model was taught with.
    let name = kind.to_string();
    let json = made.and_then(|made| made.to_string(true)).map_err(|reason| Error::format(&name, reason))?;
    Tokenizer::from_bytes(json, name)
}

/// The ids that steer decoding with these two tokenizers.
///
/// `<pad>`, `<bos>` and `<eos>` are the target tokenizer's, the unknown symbol is the source tokenizer's own, if it has
/// one.
///
/// # Errors
///
/// [`Error::Format`] naming the tokenizer's file if the target tokenizer lacks one of the three, or the id of `<pad>`
/// means something else to the source tokenizer: padding is one id for both.
pub fn special_tokens(source: &Tokenizer, target: &Tokenizer) -> Result<SpecialTokens> {
    let id = |token: &str| {
        let missing = || Error::format(target.path(), format!("expected a token {token:?}, found none"));
        target.inner.token_to_id(token).ok_or_else(missing)
    };
    let (pad, bos, eos) = (id(SPECIAL[0])?, id(SPECIAL[1])?, id(SPECIAL[2])?);
    match source.token(pad) {
        Some(other) if other != SPECIAL[0] => {
            let reason =
                format!("expected id {pad} to be {:?} as in the target tokenizer, found {other:?}", SPECIAL[0]);
            Err(Error::format(source.path(), reason))
        }
        _ => Ok(SpecialTokens { pad, bos, eos, unk: source.own_unk() }),
    }
}
