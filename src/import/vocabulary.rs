//! Lists of tokens, as tokenizers.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::json;

use crate::model::atomic;
use crate::text::Tokenizer;
use crate::{Error, Result};

/// The symbols of a side, each by its id.
#[derive(Clone, Debug)]
pub struct Vocabulary {
    /// What it is called in errors.
    pub name: String,
    /// By their ids.
    pub tokens: Vec<String>,
}

/// The longest text beside a checkpoint, in bytes: a vocabulary of millions.
const LONGEST_TEXT: u64 = 256 << 20;

/// The contents of a text beside a checkpoint.
///
/// # Errors
///
/// [`Error::Io`] if it cannot be read; [`Error::Format`] if it is no regular file or too long.
pub fn text_of(path: &Path) -> Result<String> {
    let bytes = atomic::regular(path)?.map_or(0, |metadata| metadata.len());
    if bytes > LONGEST_TEXT {
        return Err(Error::format(path, format!("expected at most {LONGEST_TEXT} bytes, found {bytes}")));
    }
    fs::read_to_string(path).map_err(Error::io(path))
}

/// What is done with a vocabulary's texts.
#[derive(Clone, Debug, Default)]
pub struct Kind {
    /// Ids that are no text.
    pub special: Vec<u32>,
    /// What stands for what is not in the vocabulary.
    pub unk: Option<u32>,
    /// What is put behind every text.
    pub end: Option<u32>,
    /// Whether letters are made small.
    pub lowercase: bool,
}

impl Vocabulary {
    /// The id of a token, if it has one.
    pub fn id(&self, token: &str) -> Option<u32> {
        self.tokens.iter().position(|known| known == token).and_then(|id| u32::try_from(id).ok())
    }

    /// The id of a token that must be there.
    pub fn expect(&self, token: &str) -> Result<u32> {
        self.id(token).ok_or_else(|| Error::format(&self.name, format!("expected a token {token:?}, found none")))
    }

    /// A tokenizer that divides texts at spaces.
    pub fn tokenizer(&self, kind: &Kind) -> Result<Tokenizer> {
        let Kind { special, unk, end, lowercase } = kind;
        let mut ids = BTreeMap::new();
        for (id, token) in self.tokens.iter().enumerate() {
            if let Some(first) = ids.insert(token, id) {
                let reason = format!("expected each token once, found {token:?} at {first} and at {id}");
                return Err(Error::format(&self.name, reason));
            }
        }
        let token = |id: u32| self.tokens.get(id as usize);
        let added: Vec<_> = special
            .iter()
            .filter_map(|&id| {
                let content = token(id)?;
                Some(json!({
                    "id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
                    "normalized": false, "special": true
                }))
            })
            .collect();
        let processor = end.and_then(|id| Some((id, token(id)?))).map(|(id, text)| {
            let (sequence, end) =
                (json!({"Sequence": {"id": "A", "type_id": 0}}), json!({"SpecialToken": {"id": text, "type_id": 0}}));
            json!({
                "type": "TemplateProcessing",
                "single": [sequence, end],
                "pair": [sequence, {"Sequence": {"id": "B", "type_id": 1}}],
                "special_tokens": {text: {"id": text, "ids": [id], "tokens": [text]}}
            })
        });
        // Without an unknown token, one that no text holds stands for it: what it would stand for is then an error.
        let unk_token = unk.and_then(token).map_or("", String::as_str);
        let file = json!({
            "version": "1.0",
            "truncation": null,
            "padding": null,
            "added_tokens": added,
            "normalizer": lowercase.then(|| json!({"type": "Lowercase"})),
            "pre_tokenizer": {"type": "WhitespaceSplit"},
            "post_processor": processor,
            "decoder": null,
            "model": {"type": "WordLevel", "vocab": ids, "unk_token": unk_token}
        });
        Tokenizer::from_bytes(file.to_string(), &self.name)
    }
}
