//! From text to ids.

use std::collections::BTreeSet;
use std::ops::Range;

use tokenizers::tokenizer::pre_tokenizer::OffsetType;
use tokenizers::{Model, ModelWrapper, OffsetReferential, PreTokenizer, Token};

use super::Tokenizer;
use super::guard::guard;
use super::rules::Remembering;
use crate::{Error, Result};

/// An id that no token has, as no vocabulary is that large.
const NOBODY: u32 = u32::MAX;

/// A source as a model reads it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encoding {
    /// One id per symbol.
    pub ids: Vec<u32>,
    /// The symbols: the vocabulary's spelling, or the text itself where its symbol is unknown.
    pub tokens: Vec<String>,
}

impl Tokenizer {
    /// The ids of a text, without bos and eos, but with what the file puts behind a text. Time and memory grow linearly with its length.
    ///
    /// A symbol that the vocabulary lacks gets the id of the file's own unknown token, else that of the
    /// configuration's `unk`. The spelling of a special token, such as `<pad>`, is text like any other.
    ///
    /// # Errors
    ///
    /// [`Error::EmptySource`] if there is nothing but whitespace, or normalization leaves nothing;
    /// [`Error::UnknownSymbol`] with the first unknown symbol, if there is no id for it; [`Error::Format`] naming the
    /// tokenizer's file if its rules fail on this text.
    pub fn encode(&self, text: &str) -> Result<Encoding> {
        let mut encoding = self.encode_with(text, self.unk)?;
        if let Some(end) = self.end {
            encoding.ids.push(end);
            encoding.tokens.push(self.spelling(end));
        }
        Ok(encoding)
    }

    /// The symbols of a text, spelt as [`encode`](Self::encode) does, whether or not the vocabulary has them.
    ///
    /// # Errors
    ///
    /// Those of [`encode`](Self::encode), but for the unknown symbol.
    pub fn symbols(&self, text: &str) -> Result<Vec<String>> {
        self.encode_with(text, self.unk.or(Some(NOBODY))).map(|encoding| encoding.tokens)
    }

    fn encode_with(&self, text: &str, unk: Option<u32>) -> Result<Encoding> {
        if text.trim().is_empty() {
            return Err(Error::EmptySource);
        }
        let encoding =
            guard(|| self.encode_pieces(text, unk)).map_err(|reason| Error::format(self.path(), reason))??;
        if encoding.ids.is_empty() { Err(Error::EmptySource) } else { Ok(encoding) }
    }

    /// What `tokenizers::Tokenizer::encode` does, but for one piece at a time, so that we know where it fails.
    fn encode_pieces(&self, text: &str, unk: Option<u32>) -> Result<Encoding> {
        let normalizer = self.inner.get_normalizer().map(Remembering::new);
        let mut pieces = self.inner.get_added_vocabulary().extract_and_normalize(normalizer.as_ref(), text);
        if let Some(failure) = normalizer.and_then(Remembering::failure) {
            return Err(Error::format(self.path(), failure));
        }
        if let Some(pre_tokenizer) = self.inner.get_pre_tokenizer() {
            pre_tokenizer.pre_tokenize(&mut pieces).map_err(|error| Error::format(self.path(), error))?;
        }
        let mut encoding = Encoding::default();
        for (piece, (start, end), added) in pieces.get_splits(OffsetReferential::Original, OffsetType::Byte) {
            let piece = Piece { text, range: start..end, normalized: piece };
            match added {
                // A token of the added vocabulary was found as it stands.
                Some(tokens) => tokens.iter().try_for_each(|token| self.push(&mut encoding, &piece, token, unk))?,
                None => self.encode_piece(&mut encoding, &piece, unk)?,
            }
        }
        Ok(encoding)
    }

    fn encode_piece(&self, encoding: &mut Encoding, piece: &Piece<'_>, unk: Option<u32>) -> Result<()> {
        let tokens = self.inner.get_model().tokenize(piece.normalized).unwrap_or_default();
        // Without an unknown token, BPE skips what it does not know and says nothing.
        let covered = tokens.last().map_or(0, |token| token.offsets.1);
        if covered == piece.normalized.len() {
            return tokens.iter().try_for_each(|token| self.push(encoding, piece, token, unk));
        }
        push_unknown(encoding, unk, || piece.original().to_owned(), || self.unknown_symbol(piece))
    }

    /// Adds a token that the model found, unless it is a special one: that is no symbol of a text.
    fn push(&self, encoding: &mut Encoding, piece: &Piece<'_>, token: &Token, unk: Option<u32>) -> Result<()> {
        if self.special.contains(&token.id) || Some(token.id) == unk {
            let spelling = || piece.spelling(token);
            return push_unknown(encoding, unk, spelling, spelling);
        }
        encoding.ids.push(token.id);
        encoding.tokens.push(token.value.clone());
        Ok(())
    }

    /// What it is in a piece that the vocabulary lacks: a character of a subword model, the whole of a word.
    fn unknown_symbol(&self, piece: &Piece<'_>) -> String {
        let model = self.inner.get_model();
        let character = match model {
            ModelWrapper::BPE(_) | ModelWrapper::Unigram(_) => {
                let all = || model.get_vocab().keys().flat_map(|token| token.chars()).collect();
                let known: &BTreeSet<char> = self.characters.get_or_init(all);
                let alone = |character: &char| model.tokenize(&character.to_string()).is_ok_and(|all| !all.is_empty());
                let mut characters = piece.normalized.chars();
                // No token has it; or one has, but does not fit here.
                let none = characters.clone().find(|character| !known.contains(character));
                none.or_else(|| characters.find(|character| !alone(character)))
            }
            ModelWrapper::WordLevel(_) | ModelWrapper::WordPiece(_) => None,
        };
        character.map_or_else(|| piece.original().to_owned(), String::from)
    }
}

/// Adds the unknown symbol, shown as `spelling`; without an id for it, `symbol` is what the vocabulary lacks.
fn push_unknown(
    encoding: &mut Encoding,
    unk: Option<u32>,
    spelling: impl FnOnce() -> String,
    symbol: impl FnOnce() -> String,
) -> Result<()> {
    let Some(unk) = unk else {
        return Err(Error::UnknownSymbol { symbol: symbol(), position: encoding.ids.len() });
    };
    encoding.ids.push(unk);
    encoding.tokens.push(spelling());
    Ok(())
}

/// A part of the text that the model tokenizes on its own: a character, a word.
struct Piece<'a> {
    text: &'a str,
    /// Where in `text` it comes from, in bytes.
    range: Range<usize>,
    /// What normalization made of it.
    normalized: &'a str,
}

impl Piece<'_> {
    /// The piece as it stands in the text; normalized, if it stands nowhere there.
    fn original(&self) -> &str {
        self.text.get(self.range.clone()).filter(|original| !original.is_empty()).unwrap_or(self.normalized)
    }

    /// The part of the piece that a token stands for.
    fn spelling(&self, token: &Token) -> String {
        let (start, end) = token.offsets;
        if (start, end) == (0, self.normalized.len()) {
            return self.original().to_owned();
        }
        self.normalized.get(start..end).unwrap_or(&token.value).to_owned()
    }
}
