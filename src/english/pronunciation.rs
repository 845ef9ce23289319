//! What is known of how a text is spoken.

use std::ops::Range;

use serde::Serialize;

use super::phones::{Phone, Phones};
use super::reading::Unread;
use crate::Array;

/// A text, spoken.
#[derive(Clone, Debug)]
pub struct Pronunciation {
    /// Its words.
    pub words: Vec<Spoken>,
    /// What of it cannot be read.
    pub unread: Vec<Unread>,
}

/// A spoken word.
#[derive(Clone, Debug)]
pub struct Spoken {
    /// What of the text it stands for, in bytes.
    pub span: Range<usize>,
    /// The word that is spoken, in lower case.
    pub word: String,
    /// Where its phones come from.
    pub origin: Origin,
    /// Its phones.
    pub phones: Vec<Phone>,
    /// The model's log probability of them.
    pub log_prob: Option<f64>,
    /// What the model looked at: a row of weights of the letters for each phone.
    pub alignment: Option<Array>,
    /// In which other ways it is spoken, the likeliest first.
    pub others: Vec<Other>,
}

/// Another way in which a word is spoken.
#[derive(Clone, Debug)]
pub struct Other {
    /// Its phones.
    pub phones: Vec<Phone>,
    /// The model's log probability of them.
    pub log_prob: Option<f64>,
}

/// Where phones come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The user's dictionary.
    User,
    /// The lexicon.
    Lexicon,
    /// The model.
    Model,
    /// The names of the letters.
    Letters,
    /// The table of rules.
    Rule,
}

impl Pronunciation {
    /// The phones of every word, a bar between words.
    pub fn spell(&self, phones: Phones) -> String {
        self.words.iter().map(|word| phones.spell(&word.phones)).collect::<Vec<_>>().join(" | ")
    }
}

impl std::fmt::Display for Pronunciation {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.spell(Phones::Arpabet))
    }
}
