//! From a text to the words that are spoken, each with its place.

mod moments;
mod money;
mod quantities;
mod words;

use std::ops::Range;

use super::rules::{Condition, RULES, Rule};
use super::text::{Kind, Token, tokens};

/// The most letters of a word that is read.
pub const MOST_LETTERS: usize = 100;

/// A word that is spoken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// What it stands for, in bytes of the text.
    pub span: Range<usize>,
    /// The word, in lower case.
    pub word: String,
    /// How its phones are found.
    pub way: Way,
    /// Whether it begins with a capital.
    pub capital: bool,
    /// Whether punctuation stands between it and the word before it.
    pub stop: bool,
}

/// How the phones of a word are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// It is looked up, or the model is asked.
    Word,
    /// Letter by letter.
    Letters,
    /// As the table has it for these capitals or accents.
    Spelling,
}

/// What cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// Where it stands, in bytes of the text.
    pub span: Range<usize>,
    /// Why.
    pub reason: String,
}

/// The words of a text and what cannot be read of it; `knows` says which words are spoken as they stand.
pub fn read(text: &str, knows: &dyn Fn(&str) -> bool) -> (Vec<Reading>, Vec<Unread>) {
    let mut reader =
        Reader { text, tokens: tokens(text), at: 0, knows, readings: Vec::new(), unread: Vec::new(), stop: false };
    while reader.at < reader.tokens.len() {
        reader.step();
    }
    (reader.readings, reader.unread)
}

struct Reader<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    at: usize,
    knows: &'a dyn Fn(&str) -> bool,
    readings: Vec<Reading>,
    unread: Vec<Unread>,
    /// Whether punctuation stands before the next word.
    stop: bool,
}

impl Reader<'_> {
    /// Reads on by one word, number or sign.
    fn step(&mut self) {
        let at = self.at;
        match self.tokens[at].kind {
            Kind::Unread => {
                let reason = "no rule reads this".to_owned();
                self.unread.push(Unread { span: self.tokens[at].span.clone(), reason });
                self.at += 1;
            }
            Kind::Digits(_) => self.number(),
            Kind::Word(_) => self.word(),
            Kind::Sign(sign) => self.sign(sign),
        }
    }

    fn kind(&self, at: usize) -> Option<&Kind> {
        self.tokens.get(at).map(|token| &token.kind)
    }

    fn letters(&self, at: usize) -> Option<&str> {
        match self.kind(at) {
            Some(Kind::Word(word)) => Some(word),
            _ => None,
        }
    }

    fn digits(&self, at: usize) -> Option<&str> {
        match self.kind(at) {
            Some(Kind::Digits(digits)) => Some(digits),
            _ => None,
        }
    }

    /// Digits right behind what comes before them.
    fn joined_digits(&self, at: usize) -> Option<&str> {
        self.digits(at).filter(|_| self.is_joined(at))
    }

    fn is(&self, at: usize, sign: char) -> bool {
        self.kind(at) == Some(&Kind::Sign(sign))
    }

    /// Whether this sign stands right behind what comes before it.
    fn is_behind(&self, at: usize, sign: char) -> bool {
        self.is(at, sign) && self.is_joined(at)
    }

    fn is_joined(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(|token| !token.spaced)
    }

    /// Whether a word with a capital begins there.
    fn is_name(&self, at: usize) -> bool {
        self.letters(at).is_some_and(|word| word.starts_with(|c: char| c.is_ascii_uppercase()))
    }

    fn holds(&self, condition: &Condition, begin: usize, end: usize) -> bool {
        let number = |at: Option<usize>| at.is_some_and(|at| self.digits(at).is_some());
        let behind = if self.is_behind(end, '.') { end + 1 } else { end };
        match condition {
            Condition::Point => self.is_behind(end, '.'),
            Condition::BeforeName => self.is_name(behind),
            Condition::BeforeNoName => !self.is_name(behind),
            Condition::AfterName => begin.checked_sub(1).is_some_and(|before| self.is_name(before)),
            Condition::BeforeNumber => {
                self.digits(behind).is_some() || (self.is(behind, '.') && self.joined_digits(behind + 1).is_some())
            }
            Condition::BesideNumber => number(begin.checked_sub(1)) || number(Some(end)),
            Condition::BetweenNumbers => number(begin.checked_sub(1)) && number(Some(end)),
            Condition::Between => {
                let read = |at: usize| matches!(self.kind(at), Some(Kind::Word(_) | Kind::Digits(_)));
                begin > 0 && read(begin - 1) && read(end) && self.is_joined(begin) && self.is_joined(end)
            }
            Condition::Joined => self.is_joined(begin),
            Condition::Spaced => !self.is_joined(begin),
            Condition::Capital => self.is_name(begin),
            // What words stand beside it is known once all are read.
            Condition::After(_) | Condition::Before(_) | Condition::With(_) => false,
        }
    }

    fn rule<'r>(&self, rules: Option<&'r Vec<Rule>>, begin: usize, end: usize) -> Option<&'r Rule> {
        rules?.iter().find(|rule| rule.conditions.iter().all(|condition| self.holds(condition, begin, end)))
    }

    /// Says words in the place of the next tokens.
    fn say<S: Into<String>>(&mut self, words: impl IntoIterator<Item = S>, end: usize) {
        let span = self.tokens[self.at].span.start..self.tokens[end - 1].span.end;
        for word in words {
            let word: String = word.into();
            let way = if word.len() == 1 { Way::Letters } else { Way::Word };
            self.push(Reading { span: span.clone(), word, way, capital: false, stop: false });
        }
        self.at = end;
    }

    fn push(&mut self, reading: Reading) {
        let stop = std::mem::take(&mut self.stop);
        self.readings.push(Reading { stop, ..reading });
    }

    /// Says what an abbreviation stands for, if the table has it, whatever is beside it.
    fn say_abbreviation(&mut self, key: &str, end: usize) -> bool {
        let rule = RULES.abbreviations.get(key).and_then(|rules| rules.first());
        rule.map(|rule| self.say_all(&rule.values[0], end)).is_some()
    }

    /// Says all words of a value of the table.
    fn say_all(&mut self, words: &str, end: usize) {
        self.say(words.split(' ').map(str::to_owned), end);
    }
}

/// The word for one, or that for several.
fn counted(count: &str, one: &str, several: &str) -> String {
    if count == "1" { one.to_owned() } else { several.to_owned() }
}

fn owned(words: impl IntoIterator<Item = &'static str>) -> Vec<String> {
    words.into_iter().map(str::to_owned).collect()
}
