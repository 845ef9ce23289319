//! Tokenizers made from data.

mod bytes;
mod kind;
mod normalize;
mod special;
mod symbols;

pub use kind::{BpeSize, TokenKind};
pub use normalize::{APOSTROPHES, Normalization, Step};

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
    build_normalized(kind, &Normalization::default(), texts)
}

/// A tokenizer that normalizes every text first; its vocabulary is what occurs in the texts then. The normalization is part
/// of the tokenizer's file.
///
/// # Errors
///
/// Those of [`build`]; [`Error::Config`] if the kind is a file, which has its own normalization.
pub fn build_normalized<S: AsRef<str> + Sync>(
    kind: &TokenKind,
    normalization: &Normalization,
    texts: &[S],
) -> Result<Tokenizer> {
    let wrong = |expected: String, key: &str, found: String| Error::Config { key: key.to_owned(), expected, found };
    let normalized = || normalization.apply(texts);
    let made = match kind {
        TokenKind::File(path) if *normalization != Normalization::default() => {
            let expected = format!("none, as {} has its own", path.display());
            return Err(wrong(expected, "normalize", normalization.to_string()));
        }
        TokenKind::File(path) => return Tokenizer::from_bytes(fs::read(path).map_err(Error::io(path))?, path),
        _ if texts.iter().all(|text| text.as_ref().trim().is_empty()) => {
            return Err(wrong("texts to make a vocabulary from".to_owned(), &kind.to_string(), "none".to_owned()));
        }
        TokenKind::Char => normalized().and_then(|texts| symbols::characters(&texts)),
        TokenKind::Word => normalized().and_then(|texts| symbols::words(&texts)),
        TokenKind::Bpe(size) => normalized().and_then(|texts| bytes::pairs(&texts, size.get())),
    };
    // Through its file: what is saved and loaded again is exactly what a model was taught with.
    let name = kind.to_string();
    let json = made.and_then(|mut made| made.with_normalizer(normalization.normalizer()?).to_string(true));
    Tokenizer::from_bytes(json.map_err(|reason| Error::format(&name, reason))?, name)
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
