//! A pronunciation as JSON.

use std::ops::Range;

use serde::Serialize;

use super::phones::Phones;
use super::pronunciation::{Origin, Other, Pronunciation, Spoken};
use super::reading::Unread;

/// A text and what is known of its pronunciation, to be serialized. Places are in characters of the text, from 0.
#[derive(Debug, Serialize)]
pub struct Record<'a> {
    /// The text.
    pub text: &'a str,
    /// Its words.
    pub words: Vec<WordRecord<'a>>,
    /// What of it cannot be read.
    pub unread: Vec<UnreadRecord<'a>>,
}

/// A spoken word.
#[derive(Debug, Serialize)]
pub struct WordRecord<'a> {
    /// What of the text it stands for: from, to.
    pub span: [usize; 2],
    /// The word that is spoken.
    pub word: &'a str,
    /// Where its phones come from.
    pub from: Origin,
    /// Its phones.
    pub phones: Vec<String>,
    /// The model's log probability of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_prob: Option<f64>,
    /// Other ways in which it is spoken.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<OtherRecord>,
    /// For each phone what the model looked at of the letters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub alignment: Vec<&'a [f32]>,
}

/// Another way in which a word is spoken.
#[derive(Debug, Serialize)]
pub struct OtherRecord {
    /// Its phones.
    pub phones: Vec<String>,
    /// The model's log probability of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_prob: Option<f64>,
}

/// What cannot be read.
#[derive(Debug, Serialize)]
pub struct UnreadRecord<'a> {
    /// Where it stands: from, to.
    pub span: [usize; 2],
    /// What stands there.
    pub text: &'a str,
    /// Why.
    pub reason: &'a str,
}

impl Pronunciation {
    /// What is known of this text's pronunciation, its phones in this alphabet.
    pub fn record<'a>(&'a self, text: &'a str, phones: Phones) -> Record<'a> {
        let places = Characters::new(text);
        let other =
            |Other { phones: way, log_prob }: &Other| OtherRecord { phones: phones.symbols(way), log_prob: *log_prob };
        let word = |Spoken { span, word, origin, phones: way, log_prob, alignment, others }: &'a Spoken| WordRecord {
            span: places.span(span),
            word,
            from: *origin,
            phones: phones.symbols(way),
            log_prob: *log_prob,
            others: others.iter().map(other).collect(),
            alignment: alignment.iter().flat_map(|rows| (0..rows.rows()).map(|row| rows.row(row))).collect(),
        };
        let unread = |Unread { span, reason }: &'a Unread| UnreadRecord {
            span: places.span(span),
            text: text.get(span.clone()).unwrap_or_default(),
            reason,
        };
        Record { text, words: self.words.iter().map(word).collect(), unread: self.unread.iter().map(unread).collect() }
    }
}

/// Where the characters of a text begin.
struct Characters(Option<Vec<usize>>);

impl Characters {
    fn new(text: &str) -> Self {
        Self((!text.is_ascii()).then(|| text.char_indices().map(|(at, _)| at).collect()))
    }

    /// Places in characters for those in bytes.
    fn span(&self, bytes: &Range<usize>) -> [usize; 2] {
        let place = |byte: usize| self.0.as_ref().map_or(byte, |begins| begins.partition_point(|&begin| begin < byte));
        [place(bytes.start), place(bytes.end)]
    }
}
