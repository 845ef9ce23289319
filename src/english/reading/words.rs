//! Words and signs.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;

use super::moments::two_digits;
use super::{MOST_LETTERS, Reader, Reading, Unread, Way};
use crate::english::numbers::{cardinal, plural};
use crate::english::rules::RULES;

impl Reader<'_> {
    pub(super) fn word(&mut self) {
        let at = self.at;
        let Some(word) = self.letters(at).map(str::to_owned) else { return };
        let lower = word.to_lowercase();
        if self.dollars(at, &lower) || self.dotted(at) || self.with_sign(at, &lower) {
            return;
        }
        if let Some(rule) = self.rule(RULES.abbreviations.get(&lower), at, at + 1) {
            return self.say_all(&rule.values[0], at + 1 + usize::from(self.is_behind(at + 1, '.')));
        }
        if self.compound(at) {
            return;
        }
        // An apostrophe behind it that belongs to it: goin'.
        let elided = format!("{lower}'");
        if self.is_behind(at + 1, '\'') && !(self.knows)(&lower) && (self.knows)(&elided) {
            return self.say([elided], at + 2);
        }
        let span = self.tokens[at].span.clone();
        match self.accented(&span) {
            Some(spelling) => {
                let capital = self.is_name(at);
                self.push(Reading { span, word: spelling, way: Way::Spelling, capital, stop: false });
            }
            None => self.spell(&word, &span),
        }
        self.at += 1;
    }

    /// The word of the table that has these accents.
    fn accented(&self, span: &Range<usize>) -> Option<String> {
        let word = self.text.get(span.clone()).filter(|word| !word.is_ascii() && word.len() <= MOST_LETTERS)?;
        Some(word.nfc().collect::<String>().to_lowercase()).filter(|word| RULES.spellings.contains_key(word))
    }

    /// U.S.A., e.g., a.m., Ph.D.: letters with points between them.
    fn dotted(&mut self, at: usize) -> bool {
        let mut letters = self.letters(at).filter(|word| word.len() <= 2).unwrap_or_default().to_owned();
        let mut end = at + 1;
        let mut parts = 1;
        while self.is_behind(end, '.')
            && self.is_joined(end + 1)
            && let Some(part) = self.letters(end + 1).filter(|part| part.len() == 1 && !letters.is_empty())
        {
            letters.push_str(part);
            parts += 1;
            end += 2;
        }
        if parts == 1 || !self.is_behind(end, '.') && letters.chars().any(|c| c.is_ascii_lowercase()) {
            return false;
        }
        let point = usize::from(self.is_behind(end, '.'));
        let lower = letters.to_lowercase();
        if self.say_abbreviation(&lower, end + point) {
            return true;
        }
        let span = self.tokens[at].span.start..self.tokens[end - 1 + point].span.end;
        self.push(Reading { span, word: lower, way: Way::Letters, capital: true, stop: false });
        self.at = end + point;
        true
    }

    /// w/o
    fn with_sign(&mut self, at: usize, lower: &str) -> bool {
        if !self.is_behind(at + 1, '/') {
            return false;
        }
        let behind = self.letters(at + 2).filter(|_| self.is_joined(at + 2)).map(str::to_lowercase);
        let end = at + 2 + usize::from(behind.is_some());
        self.say_abbreviation(&format!("{lower}/{}", behind.unwrap_or_default()), end)
    }

    /// Words with hyphens between them that are known as one.
    fn compound(&mut self, at: usize) -> bool {
        let mut whole = self.letters(at).unwrap_or_default().to_lowercase();
        let (mut end, mut known) = (at + 1, None);
        while self.is_behind(end, '-') && self.is_joined(end + 1) && whole.len() <= MOST_LETTERS {
            let Some(part) = self.letters(end + 1) else { break };
            whole.push('-');
            whole.push_str(&part.to_lowercase());
            end += 2;
            if (self.knows)(&whole) {
                known = Some((whole.clone(), end));
            }
        }
        let Some((word, end)) = known else { return false };
        let capital = self.is_name(at);
        let span = self.tokens[at].span.start..self.tokens[end - 1].span.end;
        self.push(Reading { span, word, way: Way::Word, capital, stop: false });
        self.at = end;
        true
    }

    /// A word as it is written: known, in capitals, of several parts, without a vowel, or none of these.
    fn spell(&mut self, word: &str, span: &Range<usize>) {
        let lower = word.to_lowercase();
        let capital = word.starts_with(|c: char| c.is_ascii_uppercase());
        let reading = |word: String, way: Way| Reading { span: span.clone(), word, way, capital, stop: false };
        let stem = |word: &str| word.strip_suffix("'s").or_else(|| word.strip_suffix('s')).map(str::to_owned);
        let letters = stem(word).filter(|stem| stem.len() > 1 && is_capitals(stem));
        if word.len() > MOST_LETTERS {
            let reason = format!("a word of {} letters, at most {MOST_LETTERS} are read", word.len());
            self.unread.push(Unread { span: span.clone(), reason });
        } else if RULES.spellings.contains_key(word) {
            self.push(reading(word.to_owned(), Way::Spelling));
        } else if word.len() == 1 && lower != "a" && lower != "i" {
            self.push(reading(lower, Way::Letters));
        } else if (self.knows)(&lower)
            || (stem(&lower).is_some_and(|stem| (self.knows)(&stem)) && lower.ends_with("'s"))
        {
            self.push(reading(lower, Way::Word));
        } else if let Some(letters) = letters {
            self.push(reading(format!("{}'s", letters.to_lowercase()), Way::Letters));
        } else if is_capitals(word) || !has_vowel(&lower) {
            self.push(reading(lower, Way::Letters));
        } else {
            let parts = camel_parts(word);
            match &parts[..] {
                [_] => self.push(reading(lower, Way::Word)),
                parts => {
                    let mut begin = span.start;
                    // Where letters and bytes are one, each part has its own place.
                    let exact = span.len() == word.len();
                    for part in parts {
                        let place = if exact { begin..begin + part.len() } else { span.clone() };
                        begin += part.len();
                        self.spell(part, &place);
                    }
                }
            }
        }
    }

    pub(super) fn sign(&mut self, sign: char) {
        let at = self.at;
        if let Some(number) = self.money_before(at) {
            return self.money(&number, at);
        }
        // A sign of a number, and not a hyphen.
        let opens = !self.is_joined(at) || self.is(at.wrapping_sub(1), '(');
        let is_number = |at: usize| {
            self.joined_digits(at).is_some() || (self.is_behind(at, '.') && self.joined_digits(at + 1).is_some())
        };
        if matches!(sign, '-' | '−') && opens && is_number(at + 1) {
            return self.say(["minus"], at + 1);
        }
        if sign == '.' && opens && self.joined_digits(at + 1).is_some() {
            return self.number();
        }
        if sign == '(' && self.telephone(at) {
            return;
        }
        if sign == '\'' && self.elided(at) {
            return;
        }
        let key =
            self.letters(at + 1).filter(|_| self.is_joined(at + 1)).map(|word| format!("{sign}{word}").to_lowercase());
        match self.rule(RULES.signs.get(&sign), at, at + 1) {
            Some(rule) => self.say_all(&rule.values[0], at + 1),
            None if key.is_some_and(|key| RULES.units.contains_key(&key)) => self.at += 2,
            None => {
                self.stop |= !matches!(sign, '-' | '_' | '\'' | '"' | '/');
                self.at += 1;
            }
        }
    }

    /// An apostrophe before a word that has one (`'til`), a decade (`'90s`) or a year (`'05`).
    fn elided(&mut self, at: usize) -> bool {
        if let Some(word) = self.letters(at + 1).filter(|_| self.is_joined(at + 1)) {
            let word = format!("'{}", word.to_lowercase());
            if (self.knows)(&word) {
                self.say([word], at + 2);
                return true;
            }
        }
        let decade = self.joined_digits(at + 1).filter(|digits| digits.len() == 2).map(str::to_owned);
        match decade {
            Some(digits) if self.is_joined(at + 2) && self.letters(at + 2) == Some("s") => {
                self.say(plural(cardinal(&digits)), at + 3);
                true
            }
            Some(digits) => {
                self.say(two_digits(&digits), at + 2);
                true
            }
            _ => false,
        }
    }
}

fn is_capitals(word: &str) -> bool {
    word.len() > 1 && word.bytes().all(|letter| letter.is_ascii_uppercase())
}

fn has_vowel(word: &str) -> bool {
    word.contains(['a', 'e', 'i', 'o', 'u', 'y'])
}

/// The parts of a word before each of which a capital says that another begins: `camelCase`, `HTTPServer`.
fn camel_parts(word: &str) -> Vec<&str> {
    let bytes = word.as_bytes();
    let begins = |at: usize| {
        let next_small = bytes.get(at + 1).is_some_and(u8::is_ascii_lowercase);
        bytes[at].is_ascii_uppercase()
            && (bytes[at - 1].is_ascii_lowercase() || (bytes[at - 1].is_ascii_uppercase() && next_small))
    };
    let mut parts = Vec::new();
    let mut begin = 0;
    for at in (1..bytes.len()).filter(|&at| begins(at)) {
        parts.push(&word[begin..at]);
        begin = at;
    }
    parts.push(&word[begin..]);
    parts
}
