//! The rules of a tokenizer's file, applied one at a time: only those that are known, and none beyond a text's bound.
//!
//! A file may come from a stranger. The `tokenizers` crate follows it wherever it leads: a few replacements that each
//! double a text fill any memory, and a garbled table asks for gigabytes before anything else can refuse it.

use std::cell::{Cell, RefCell};

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use tokenizers::tokenizer::pre_tokenizer::OffsetType;
use tokenizers::{
    Decoder, DecoderWrapper, ModelWrapper, NormalizedString, Normalizer, NormalizerWrapper, OffsetReferential,
    PostProcessorWrapper, PreTokenizedString, PreTokenizer, PreTokenizerWrapper, TokenizerImpl,
};

use super::lines::MAX_LINE;

/// A tokenizer that follows only such rules.
pub(super) type Inner = TokenizerImpl<
    ModelWrapper,
    Rules<NormalizerWrapper>,
    Rules<PreTokenizerWrapper>,
    PostProcessorWrapper,
    Rules<DecoderWrapper>,
>;

/// The most rules of a kind; the largest known files have some ten.
const MOST: usize = 16;

/// Rules of one kind, in their order, those within sequences among them.
#[derive(Clone, Debug)]
pub(super) struct Rules<R>(Vec<R>);

/// One kind of rule.
pub(super) trait Rule: Sized + 'static {
    /// The section of the file.
    const SECTION: &'static str;
    /// Where a sequence holds its rules.
    const PARTS: &'static str;
    /// The types that are followed, and how each is read.
    const KNOWN: &'static [(&'static str, Read<Self>)];
}

/// Reads what a rule's type asks for.
type Read<R> = fn(Value) -> serde_json::Result<R>;

impl Rule for NormalizerWrapper {
    const SECTION: &'static str = "normalizer";
    const PARTS: &'static str = "normalizers";
    const KNOWN: &'static [(&'static str, Read<Self>)] = &[
        ("BertNormalizer", |rule| read(rule, Self::BertNormalizer)),
        ("ByteLevel", |rule| read(rule, Self::ByteLevel)),
        ("Lowercase", |rule| read(rule, Self::Lowercase)),
        ("NFC", |rule| read(rule, Self::NFC)),
        ("NFD", |rule| read(rule, Self::NFD)),
        ("NFKC", |rule| read(rule, Self::NFKC)),
        ("NFKD", |rule| read(rule, Self::NFKD)),
        ("Nmt", |rule| read(rule, Self::Nmt)),
        ("Prepend", |rule| read(rule, Self::Prepend)),
        ("Replace", |rule| read(rule, Self::Replace)),
        ("Strip", |rule| read(rule, Self::StripNormalizer)),
        ("StripAccents", |rule| read(rule, Self::StripAccents)),
    ];
}

impl Rule for PreTokenizerWrapper {
    const SECTION: &'static str = "pre_tokenizer";
    const PARTS: &'static str = "pretokenizers";
    const KNOWN: &'static [(&'static str, Read<Self>)] = &[
        ("BertPreTokenizer", |rule| read(rule, Self::BertPreTokenizer)),
        ("ByteLevel", |rule| read(rule, Self::ByteLevel)),
        ("CharDelimiterSplit", |rule| read(rule, Self::Delimiter)),
        ("Digits", |rule| read(rule, Self::Digits)),
        ("FixedLength", |rule| read(rule, Self::FixedLength)),
        ("Metaspace", |rule| read(rule, Self::Metaspace)),
        ("Punctuation", |rule| read(rule, Self::Punctuation)),
        ("Split", |rule| read(rule, Self::Split)),
        ("UnicodeScripts", |rule| read(rule, Self::UnicodeScripts)),
        ("Whitespace", |rule| read(rule, Self::Whitespace)),
        ("WhitespaceSplit", |rule| read(rule, Self::WhitespaceSplit)),
    ];
}

impl Rule for DecoderWrapper {
    const SECTION: &'static str = "decoder";
    const PARTS: &'static str = "decoders";
    const KNOWN: &'static [(&'static str, Read<Self>)] = &[
        ("BPEDecoder", |rule| read(rule, Self::BPE)),
        ("ByteFallback", |rule| read(rule, Self::ByteFallback)),
        ("ByteLevel", |rule| read(rule, Self::ByteLevel)),
        ("CTC", |rule| read(rule, Self::CTC)),
        ("Fuse", |rule| read(rule, Self::Fuse)),
        ("Metaspace", |rule| read(rule, Self::Metaspace)),
        ("Replace", |rule| read(rule, Self::Replace)),
        ("Strip", |rule| read(rule, Self::Strip)),
        ("WordPiece", |rule| read(rule, Self::WordPiece)),
    ];
}

fn read<T: DeserializeOwned, R>(rule: Value, wrap: fn(T) -> R) -> serde_json::Result<R> {
    serde_json::from_value(rule).map(wrap)
}

impl<'de, R: Rule> Deserialize<'de> for Rules<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut rules = Vec::new();
        flatten::<R>(Value::deserialize(deserializer)?, &mut rules).map_err(D::Error::custom)?;
        Ok(Self(rules))
    }
}

/// Adds the rule, or what a sequence of rules holds, once its type is known to be one that is followed.
fn flatten<R: Rule>(mut rule: Value, into: &mut Vec<R>) -> Result<(), String> {
    let section = R::SECTION;
    let name = rule.get("type").and_then(Value::as_str).unwrap_or_default();
    if name == "Sequence" {
        let Some(Value::Array(parts)) = rule.get_mut(R::PARTS).map(Value::take) else {
            return Err(format!("{section}: Sequence: expected an array {:?}", R::PARTS));
        };
        return parts.into_iter().try_for_each(|part| flatten(part, into));
    }
    let Some((name, read)) = R::KNOWN.iter().find(|(known, _)| *known == name) else {
        let known: Vec<&str> = R::KNOWN.iter().map(|(known, _)| *known).collect();
        return Err(format!("{section}: expected one of the types {} and Sequence, found {name:?}", known.join(", ")));
    };
    if *name == "FixedLength" && rule.get("length").and_then(Value::as_u64) == Some(0) {
        return Err(format!("{section}: FixedLength: expected a length of at least 1, found 0"));
    }
    if into.len() == MOST {
        return Err(format!("{section}: expected at most {MOST} rules, found more"));
    }
    into.push(read(rule).map_err(|error| format!("{section}: {name}: {error}"))?);
    Ok(())
}

impl Normalizer for Rules<NormalizerWrapper> {
    fn normalize(&self, text: &mut NormalizedString) -> tokenizers::Result<()> {
        for rule in &self.0 {
            let growth = if let NormalizerWrapper::Replace(replace) = rule { 1 + replace.content.len() } else { 1 };
            check_length(text.len().saturating_mul(growth), 4 * MAX_LINE)?;
            rule.normalize(text)?;
            check_length(text.len(), MAX_LINE)?;
        }
        Ok(())
    }
}

impl PreTokenizer for Rules<PreTokenizerWrapper> {
    fn pre_tokenize(&self, text: &mut PreTokenizedString) -> tokenizers::Result<()> {
        for (place, rule) in self.0.iter().enumerate() {
            // One rule can at most make four bytes of one.
            if place > 0 {
                let pieces = text.get_splits(OffsetReferential::Normalized, OffsetType::Byte);
                check_length(pieces.iter().map(|(piece, ..)| piece.len()).sum(), MAX_LINE)?;
            }
            rule.pre_tokenize(text)?;
        }
        Ok(())
    }
}

impl Decoder for Rules<DecoderWrapper> {
    fn decode_chain(&self, mut tokens: Vec<String>) -> tokenizers::Result<Vec<String>> {
        for rule in &self.0 {
            let growth = if let DecoderWrapper::Replace(replace) = rule { 1 + replace.content.len() } else { 1 };
            let length: usize = tokens.iter().map(String::len).sum();
            check_length(length.saturating_mul(growth), 4 * MAX_LINE)?;
            tokens = rule.decode_chain(tokens)?;
        }
        Ok(tokens)
    }
}

fn check_length(length: usize, most: usize) -> tokenizers::Result<()> {
    if length <= most {
        return Ok(());
    }
    Err(format!("expected rules that make at most {most} bytes of a text, found up to {length}").into())
}

/// A normalizer of the pieces of one text, whose failure is remembered: where the crate applies one, it drops what that
/// says. All pieces together are bounded as one is.
pub(super) struct Remembering<'a, N> {
    normalizer: &'a N,
    length: Cell<usize>,
    failure: RefCell<Option<String>>,
}

impl<'a, N> Remembering<'a, N> {
    pub(super) fn new(normalizer: &'a N) -> Self {
        Self { normalizer, length: Cell::default(), failure: RefCell::default() }
    }

    /// The first failure, if there was one.
    pub(super) fn failure(self) -> Option<String> {
        self.failure.into_inner()
    }
}

impl<N: Normalizer> Normalizer for Remembering<'_, N> {
    fn normalize(&self, text: &mut NormalizedString) -> tokenizers::Result<()> {
        let mut failure = self.failure.borrow_mut();
        if failure.is_none() {
            let normalized = self.normalizer.normalize(text).and_then(|()| {
                self.length.set(self.length.get() + text.len());
                check_length(self.length.get(), MAX_LINE)
            });
            *failure = normalized.err().map(|error| error.to_string());
        }
        Ok(())
    }
}
