//! Subword codes of subword-nmt (`bpe.codes`): byte pair encoding of words (Sennrich, Haddow and Birch 2016), applied to texts.
//!
//! A word is its letters, the last with `</w>` behind it; of all neighbours those that stand first in the codes are joined, until
//! none can be. A toolkit's vocabulary has the pieces as they are written out: `@@` behind each but a word's last. As a tokenizer
//! they are `piece` and `piece</w>`.
//!
//! A join that the vocabulary lacks stands on the way to one that it has, and is the unknown token where the way ends there. It
//! needs an id all the same: one behind the vocabulary, whose embedding is that of the unknown token, so that the model takes
//! it for that; as a target it is never chosen.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::vocabulary::text_of;
use crate::model::{Model, Parameters};
use crate::text::Tokenizer;
use crate::{Array, Error, Result};

/// What stands behind the last piece of a word.
const END: &str = "</w>";
/// What stands behind the others, in a vocabulary.
const GOES_ON: &str = "@@";
/// The bias of a symbol that is never chosen: its probability is zero in 32 bits.
const NEVER: f32 = -1e4;

/// The joins of a file, the first to be made first.
#[derive(Clone, Debug)]
pub struct Codes {
    path: PathBuf,
    joins: Vec<[String; 2]>,
}

impl Codes {
    /// Reads a file of subword-nmt.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if it cannot be read; [`Error::Format`] for a line that is no join, and for files before version 0.2, in which
    /// words end in another way.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let text = text_of(path)?;
        let mut lines = text.lines().enumerate();
        let version = lines.next().map_or("", |(_, line)| line.trim());
        if version != "#version: 0.2" {
            let found = version.chars().take(40).collect::<String>();
            return Err(Error::format(path, format!("line 1: expected \"#version: 0.2\", found {found:?}")));
        }
        let join = |(number, line): (usize, &str)| {
            let (first, second) =
                line.trim_end().split_once(' ').filter(|(_, second)| !second.contains(' ')).ok_or_else(|| {
                    Error::format(path, format!("line {}: expected two pieces, found {line:?}", number + 1))
                })?;
            Ok([first.to_owned(), second.to_owned()])
        };
        let joins = lines.filter(|(_, line)| !line.trim().is_empty()).map(join).collect::<Result<_>>()?;
        Ok(Self { path: path.to_path_buf(), joins })
    }

    /// Where they were read from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A tokenizer like one that divides texts at spaces, but that divides words further, and how many ids it has from `first` on,
    /// which are not of the vocabulary.
    fn divide(&self, tokenizer: &Tokenizer, first: usize) -> Result<(Tokenizer, usize)> {
        let mut file: Value =
            serde_json::from_str(tokenizer.to_json()).map_err(|error| Error::format(tokenizer.path(), error))?;
        let special = file["added_tokens"].as_array().into_iter().flatten().filter_map(|token| token["id"].as_u64());
        let special: BTreeSet<u64> = special.chain(tokenizer.own_unk().map(u64::from)).collect();
        let Some(unk) = tokenizer.own_unk().and_then(|id| tokenizer.token(id)) else {
            return Err(Error::format(tokenizer.path(), "expected a token for unknown pieces, found none"));
        };
        let mut ids: BTreeMap<String, u64> = BTreeMap::new();
        for id in 0..tokenizer.vocab_size() as u64 {
            let Some(token) = u32::try_from(id).ok().and_then(|id| tokenizer.token(id)) else { continue };
            let piece = match token.strip_suffix(GOES_ON) {
                _ if special.contains(&id) => token,
                Some(piece) => piece.to_owned(),
                None => format!("{token}{END}"),
            };
            ids.entry(piece).or_insert(id);
        }
        let mut more = 0;
        for [one, other] in &self.joins {
            for piece in [one.clone(), other.clone(), format!("{one}{other}")] {
                ids.entry(piece).or_insert_with(|| {
                    more += 1;
                    (first + more - 1) as u64
                });
            }
        }
        file["decoder"] = json!({"type": "BPEDecoder", "suffix": END});
        file["model"] = json!({
            "type": "BPE", "dropout": null, "unk_token": unk, "continuing_subword_prefix": null, "end_of_word_suffix": END,
            "fuse_unk": false, "byte_fallback": false, "vocab": ids, "merges": self.joins
        });
        Ok((Tokenizer::from_bytes(file.to_string(), tokenizer.path())?, more))
    }
}

/// A model whose texts are divided by these codes, those of a side without any at spaces.
///
/// # Errors
///
/// [`Error::Format`] for a vocabulary without an unknown token; what [`Model::new`] refuses.
pub fn with_codes(model: Model, source: Option<&Codes>, target: Option<&Codes>) -> Result<Model> {
    let Model { mut config, parameters, mut source_tokenizer, mut target_tokenizer } = model;
    let mut parameters: BTreeMap<String, Array> =
        parameters.iter().map(|(name, array)| (name.to_owned(), array.clone())).collect();
    let mut change = |name: &str, change: &dyn Fn(&Array) -> Array| {
        if let Some(array) = parameters.get_mut(name) {
            *array = change(array);
        }
    };
    if let (Some(codes), Some(tokenizer)) = (source, &mut source_tokenizer) {
        let unk = tokenizer.own_unk().unwrap_or_default();
        let (divided, more) = codes.divide(tokenizer, config.encoder.vocab_size)?;
        change("encoder.embedding.weight", &|table| with_rows_of(table, unk, more));
        config.encoder.vocab_size += more;
        *tokenizer = divided;
    }
    if let (Some(codes), Some(tokenizer)) = (target, &mut target_tokenizer) {
        let unk = tokenizer.own_unk().unwrap_or_default();
        let (divided, more) = codes.divide(tokenizer, config.decoder.vocab_size)?;
        change("decoder.embedding.weight", &|table| with_rows_of(table, unk, more));
        change("generator.weight", &|weight| with_rows(weight, more, 0.0));
        change("generator.bias", &|bias| with_rows(bias, more, NEVER));
        config.decoder.vocab_size += more;
        *tokenizer = divided;
    }
    let parameters = Parameters::new(&config, parameters)?;
    Model::new(config, parameters, source_tokenizer, target_tokenizer)
}

/// A table with so many rows more, each that of a symbol.
fn with_rows_of(table: &Array, symbol: u32, more: usize) -> Array {
    let mut data = table.data.clone();
    (0..more).for_each(|_| data.extend(table.row(symbol as usize)));
    Array::new([table.rows() + more, table.cols()], data)
}

/// An array with so many rows more, or numbers of a vector, all of them this number.
fn with_rows(array: &Array, more: usize, number: f32) -> Array {
    let mut shape = array.shape.clone();
    if let Some(rows) = shape.first_mut() {
        *rows += more;
    }
    let mut data = array.data.clone();
    data.resize(shape.iter().product(), number);
    Array::new(shape, data)
}

#[cfg(test)]
mod tests {
    use super::super::vocabulary::{Kind, Vocabulary};
    use super::*;

    /// What subword-nmt 0.3.8 makes of the words below with these joins (`apply-bpe`), and the vocabulary of that.
    const JOINS: &str = "#version: 0.2\nl o\nlo w\ne r</w>\nn e\nne w\nlow er</w>\nw i\nwi d\n";
    const WORDS: [(&str, &str); 7] = [
        ("lower", "lower"),
        ("newer", "new@@ er"),
        ("low", "lo@@ w"),
        ("wide", "wid@@ e"),
        ("lowlow", "low@@ lo@@ w"),
        ("new low", "ne@@ w lo@@ w"),
        ("wi", "w@@ i"),
    ];

    fn divided(tokens: &[&str]) -> (Tokenizer, usize) {
        let special = ["<unk>", "<pad>", "<s>", "</s>"];
        let tokens = special.iter().chain(tokens).map(|&token| token.to_owned()).collect();
        let vocabulary = Vocabulary { name: "a vocabulary".to_owned(), tokens };
        let kind = Kind { special: vec![1, 2, 3], unk: Some(0), ..Kind::default() };
        let tokenizer = vocabulary.tokenizer(&kind).expect("a tokenizer");
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), JOINS).expect("written");
        let codes = Codes::read(file.path()).expect("codes");
        codes.divide(&tokenizer, tokenizer.vocab_size()).expect("a tokenizer")
    }

    #[test]
    fn words_are_divided_as_subword_nmt_divides_them() {
        let pieces = ["lower", "new@@", "er", "lo@@", "w", "wid@@", "e", "low@@", "ne@@", "w@@", "i"];
        let (tokenizer, _) = divided(&pieces);
        for (text, expected) in WORDS {
            let encoding = tokenizer.encode(text).expect("ids");
            let found: Vec<&str> = encoding.ids.iter().map(|&id| pieces[id as usize - 4]).collect();
            assert_eq!(found.join(" "), expected, "{text}");
            assert_eq!(tokenizer.decode(&encoding.ids), text);
        }
        // What no join has is the unknown token.
        assert_eq!(tokenizer.encode("x").expect("ids").ids, [0]);
    }

    #[test]
    fn a_piece_that_the_vocabulary_lacks_has_an_id_behind_it() {
        let pieces = ["lower", "new@@", "er"];
        let (tokenizer, more) = divided(&pieces);
        assert_eq!(tokenizer.vocab_size(), 4 + pieces.len() + more);
        assert_eq!(tokenizer.encode("newer lower").expect("ids").ids, [5, 6, 4]);
        // `lo` stands on the way to `low`; `w</w>` is neither a piece nor in a join.
        let ids = tokenizer.encode("low").expect("ids").ids;
        assert!(ids[0] as usize >= 4 + pieces.len() && ids[1..] == [0], "{ids:?}");
        let table = with_rows_of(&Array::new([2, 2], vec![1.0, 2.0, 3.0, 4.0]), 1, 2);
        assert_eq!((table.shape, &table.data[4..]), (vec![4, 2], &[3.0, 4.0, 3.0, 4.0][..]));
        assert_eq!(with_rows(&Array::new([1], vec![1.0]), 1, NEVER).data, [1.0, NEVER]);
    }

    #[test]
    fn other_files_are_refused() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        for (text, reason) in [
            ("l o\n", "line 1: expected \"#version: 0.2\", found \"l o\""),
            ("#version: 0.2\nlo\n", "line 2: expected two pieces, found \"lo\""),
        ] {
            std::fs::write(file.path(), text).expect("written");
            let error = Codes::read(file.path()).expect_err("an error").to_string();
            assert!(error.ends_with(reason), "{error}");
        }
    }
}
