//! A tokenizer file, and its tokens by id.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde::Deserialize;
use tokenizers::{Decoder, NormalizedString, Normalizer, PostProcessor};

use super::guard::guard;
use super::rules::Inner;
use crate::{Error, Result};

/// Text to ids and back, by a Hugging Face `tokenizers` file.
///
/// The file's truncation and padding do not apply, and special tokens are never read out of a text: bos, eos and pad
/// are the model's to add. Of what a post-processor may add one token behind the text is followed, for models whose
/// sources end with one; a file that adds others is refused.
///
/// ```
/// use seq2seq::model::Model;
///
/// let model = Model::load("models/g2p-en")?;
/// if let (Some(source), Some(target)) = (&model.source_tokenizer, &model.target_tokenizer) {
///     assert_eq!(source.encode("Cat")?.tokens, ["c", "a", "t"]);
///     assert_eq!(target.decode(&[9, 20, 7]), "K AE1 T");
/// }
/// # Ok::<(), seq2seq::Error>(())
/// ```
#[derive(Clone)]
pub struct Tokenizer {
    pub(super) inner: Inner,
    /// The file as it was read: what is saved again is exactly what was loaded.
    json: String,
    path: PathBuf,
    /// One more than the largest id.
    vocab_size: usize,
    /// Ids that are not text.
    pub(super) special: BTreeSet<u32>,
    /// The id of the file's own unknown token.
    own_unk: Option<u32>,
    /// The id for a symbol that the vocabulary lacks.
    pub(super) unk: Option<u32>,
    /// What the post-processor puts behind a text.
    pub(super) end: Option<u32>,
    /// The characters of all tokens, once they were asked for.
    pub(super) characters: OnceLock<BTreeSet<char>>,
}

impl Tokenizer {
    /// Reads the contents of a tokenizer file; `path` is named in errors.
    ///
    /// # Errors
    ///
    /// [`Error::Format`] if it is no such file, has a normalizer, pre-tokenizer or decoder that is not followed (its
    /// type is named), has no tokens or one of more than 4,096 bytes, gives two tokens one id, declares an added token
    /// with an id that is not its own, or has a post-processor that adds others than one token behind the text.
    pub fn from_bytes(bytes: impl AsRef<[u8]>, path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let json = std::str::from_utf8(bytes.as_ref()).map_err(|error| Error::format(path, error))?;
        let mut inner = guard(|| json.parse::<Inner>().map_err(|error| error.to_string()))
            .and_then(|parsed| parsed)
            .map_err(|reason| Error::format(path, reason))?;
        inner.set_encode_special_tokens(true); // "<pad>" in a text is five symbols
        let file: File = serde_json::from_str(json).map_err(|error| Error::format(path, error))?;
        if let Some(found) = file.model.max_input_chars_per_word.filter(|&most| most > LONGEST_WORD) {
            let reason = format!("max_input_chars_per_word: expected at most {LONGEST_WORD}, found {found}");
            return Err(Error::format(path, reason));
        }
        let vocab_size = check_vocabulary(&inner, &file).map_err(|reason| Error::format(path, reason))?;
        let added = inner.get_post_processor().map_or(0, |processor| processor.added_tokens(false));
        let end = file.post_processor.as_ref().filter(|_| added == 1).and_then(PostProcessorFile::end);
        if added > 0 && end.is_none() {
            return Err(Error::format(path, ADDS_TOKENS));
        }
        if let Some(end) = end.filter(|&end| inner.id_to_token(end).is_none()) {
            return Err(Error::format(path, format!("post_processor: there is no token {end}")));
        }
        let own_unk = file.unk(&inner);
        let special = file.added_tokens.iter().filter(|token| token.special).map(|token| token.id);
        Ok(Self {
            json: json.to_owned(),
            path: path.to_path_buf(),
            vocab_size,
            special: special.filter(|&id| Some(id) != own_unk).collect(),
            own_unk,
            unk: own_unk,
            end,
            characters: OnceLock::new(),
            inner,
        })
    }

    /// Adds ids that are not text, and an id for symbols outside the vocabulary if the file has none of its own.
    ///
    /// A special id is neither found in a text nor shown in one; the unknown symbol's is both.
    #[must_use]
    pub fn with_special_tokens(mut self, special: impl IntoIterator<Item = u32>, unk: Option<u32>) -> Self {
        self.unk = self.own_unk.or(unk);
        self.special.extend(special);
        if let Some(unk) = self.unk {
            self.special.remove(&unk);
        }
        self
    }

    /// Whether another file says the same, however it is written.
    pub fn is_same_as(&self, other: &Self) -> bool {
        let value = |tokenizer: &Self| serde_json::from_str::<serde_json::Value>(&tokenizer.json).ok();
        self.json == other.json || value(self).is_some_and(|json| value(other) == Some(json))
    }

    /// The file, as it was read.
    pub fn to_json(&self) -> &str {
        &self.json
    }

    /// Where it was read from; named in errors.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// One more than the largest id.
    pub fn vocab_size(&self) -> usize {
        self.vocab_size
    }

    /// The token of an id, special or not, if there is one.
    pub fn token(&self, id: u32) -> Option<String> {
        self.inner.id_to_token(id)
    }

    /// The id of what the file puts behind every text, if it does.
    pub fn end(&self) -> Option<u32> {
        self.end
    }

    /// The id of the unknown token that the file itself names, if its vocabulary has it.
    pub fn own_unk(&self) -> Option<u32> {
        self.own_unk
    }

    /// The text of target ids: their tokens, joined as the file's decoder says, with spaces where it has none.
    ///
    /// Special tokens are left out. An id without a token shows as U+FFFD.
    pub fn decode(&self, ids: &[u32]) -> String {
        self.decode_spelt(ids, &ids.iter().map(|&id| self.spelling(id)).collect::<Vec<_>>())
    }

    /// The token of an id, U+FFFD for an id without one.
    pub fn spelling(&self, id: u32) -> String {
        self.token(id).unwrap_or_else(|| "\u{fffd}".to_owned())
    }

    /// [`decode`](Self::decode) with other spellings than the vocabulary's, one for each id.
    pub fn decode_spelt(&self, ids: &[u32], spellings: &[String]) -> String {
        let text = ids.iter().zip(spellings).filter(|(id, _)| !self.special.contains(id));
        let tokens: Vec<String> = text.map(|(_, spelling)| spelling.clone()).collect();
        let spaced = tokens.join(" ");
        match self.inner.get_decoder() {
            // A decoder that fails on these tokens hides none of them.
            Some(decoder) => guard(|| decoder.decode(tokens)).ok().and_then(Result::ok).unwrap_or(spaced),
            None => spaced,
        }
    }

    /// A text as the vocabulary spells it: what the file's normalizer makes of it, such as lower case.
    pub fn normalize(&self, text: &str) -> String {
        let normalized = guard(|| {
            let mut normalized = NormalizedString::from(text);
            let normalizer = self.inner.get_normalizer()?;
            normalizer.normalize(&mut normalized).ok()?;
            Some(normalized.get().to_owned())
        });
        normalized.ok().flatten().unwrap_or_else(|| text.to_owned())
    }

    /// Checks that nothing is put behind a text: what ends a target is the model's to say.
    pub(crate) fn check_without_end(&self) -> Result<()> {
        if self.end.is_none() { Ok(()) } else { Err(Error::format(&self.path, ADDS_TOKENS)) }
    }

    /// Checks that every id is one of the `vocab_size` of a model's configuration, where it is called `key`.
    pub(crate) fn check_ids(&self, key: &str, vocab_size: usize) -> Result<()> {
        if self.vocab_size <= vocab_size {
            return Ok(());
        }
        let id = self.vocab_size - 1;
        let token = u32::try_from(id).ok().and_then(|id| self.token(id)).unwrap_or_default();
        Err(Error::format(&self.path, format!("token {token:?} has id {id}, but {key} is {vocab_size}")))
    }
}

impl fmt::Debug for Tokenizer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Tokenizer")
            .field("path", &self.path)
            .field("vocab_size", &self.vocab_size)
            .field("special", &self.special)
            .field("unk", &self.unk)
            .finish_non_exhaustive()
    }
}

/// What the `tokenizers` crate reads but does not tell.
#[derive(Deserialize)]
struct File {
    #[serde(default)]
    added_tokens: Vec<AddedToken>,
    model: FileModel,
    #[serde(default)]
    post_processor: Option<PostProcessorFile>,
}

/// What may stand behind a text, in the only form that says it plainly.
#[derive(Deserialize)]
#[serde(tag = "type")]
enum PostProcessorFile {
    TemplateProcessing {
        single: Vec<TemplatePiece>,
        special_tokens: BTreeMap<String, TemplateToken>,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
enum TemplatePiece {
    Sequence {},
    SpecialToken { id: String },
}

#[derive(Deserialize)]
struct TemplateToken {
    ids: Vec<u32>,
}

impl PostProcessorFile {
    /// The id of the one token behind the text.
    fn end(&self) -> Option<u32> {
        let Self::TemplateProcessing { single, special_tokens } = self else { return None };
        let [TemplatePiece::Sequence {}, TemplatePiece::SpecialToken { id }] = &single[..] else { return None };
        match special_tokens.get(id)?.ids[..] {
            [end] => Some(end),
            _ => None,
        }
    }
}

/// Why a post-processor is refused.
const ADDS_TOKENS: &str = "the post_processor adds tokens, but bos and eos are the model's to add: expected null, or one token behind a source";

#[derive(Deserialize)]
struct AddedToken {
    id: u32,
    content: String,
    special: bool,
}

#[derive(Deserialize)]
struct FileModel {
    /// WordLevel, WordPiece, BPE
    unk_token: Option<String>,
    /// Unigram
    unk_id: Option<u32>,
    /// WordPiece
    max_input_chars_per_word: Option<usize>,
}

impl File {
    fn unk(&self, tokenizer: &Inner) -> Option<u32> {
        let by_name = self.model.unk_token.as_ref().and_then(|token| tokenizer.token_to_id(token));
        by_name.or(self.model.unk_id)
    }
}

/// The longest word that is looked up in parts, in characters: that takes the square of its length.
const LONGEST_WORD: usize = 10_000;

/// The longest token, in bytes: an answer may repeat it as often as it has symbols.
const LONGEST_TOKEN: usize = 4096;

/// The vocabulary's size, if ids and tokens are one to one.
fn check_vocabulary(tokenizer: &Inner, file: &File) -> Result<usize, String> {
    let vocabulary = tokenizer.get_vocab(true);
    let mut by_id: Vec<_> = vocabulary.iter().map(|(token, &id)| (id, token)).collect();
    by_id.sort_unstable();
    if let Some(twice) = by_id.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(format!("the tokens {:?} and {:?} both have id {}", twice[0].1, twice[1].1, twice[0].0));
    }
    if let Some((id, token)) = by_id.iter().find(|(_, token)| token.len() > LONGEST_TOKEN) {
        return Err(format!("token {id}: expected at most {LONGEST_TOKEN} bytes, found {}", token.len()));
    }
    for AddedToken { id, content, .. } in &file.added_tokens {
        let found = vocabulary.get(content);
        if found != Some(id) {
            // The crate gives a token that its model lacks the next free id, whatever the file says.
            let found = found.map_or_else(|| "none".to_owned(), u32::to_string);
            return Err(format!("added token {content:?}: expected its id to be {id}, found {found}"));
        }
    }
    let (largest, _) = by_id.last().ok_or("the vocabulary is empty")?;
    Ok((*largest as usize).saturating_add(1))
}
