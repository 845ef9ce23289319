//! A text in tokens: words, digits, signs, and what cannot be read, each with its place.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_segmentation::UnicodeSegmentation;

use super::rules::RULES;
use crate::text::vocabulary::APOSTROPHES;

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Where it stands, in bytes.
    pub span: Range<usize>,
    /// What it is.
    pub kind: Kind,
    /// Whether there is a space before it; at the beginning too.
    pub spaced: bool,
}

/// What a token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Letters from a to z, in either case, and apostrophes between them.
    Word(String),
    /// Digits from 0 to 9.
    Digits(String),
    /// Punctuation, or a sign that may be spoken.
    Sign(char),
    /// What no rule is about.
    Unread,
}

/// The tokens of a text.
///
/// Characters are compared by what they look like (NFKC): ﬁ is fi, ５ is 5, ’ is '. Accents are taken off. What is invisible
/// is not there.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut spaced = true;
    for (at, grapheme) in text.grapheme_indices(true) {
        let span = at..at + grapheme.len();
        if grapheme.chars().all(char::is_whitespace) {
            spaced = true;
            continue;
        }
        for (part, character) in plain(grapheme).into_iter().enumerate() {
            // ½ after a digit is no part of its number.
            let joined = !(spaced || part == 0 && is_fraction(grapheme));
            let last = tokens.last_mut().filter(|_| joined);
            match (character, last.map(|token| (&mut token.kind, &mut token.span))) {
                (Some(c), Some((Kind::Word(word), place))) if c.is_ascii_alphabetic() => {
                    word.push(c);
                    place.end = span.end;
                }
                (Some(c), Some((Kind::Digits(digits), place))) if c.is_ascii_digit() => {
                    digits.push(c);
                    place.end = span.end;
                }
                (None, Some((Kind::Unread, place))) => place.end = span.end,
                (character, _) => {
                    let kind = match character {
                        Some(c) if c.is_ascii_alphabetic() => Kind::Word(c.into()),
                        Some(c) if c.is_ascii_digit() => Kind::Digits(c.into()),
                        Some(c) => Kind::Sign(c),
                        None => Kind::Unread,
                    };
                    tokens.push(Token { span: span.clone(), kind, spaced });
                }
            }
            spaced = false;
        }
    }
    with_apostrophes(tokens)
}

/// Makes one word of words between which there is nothing but an apostrophe.
fn with_apostrophes(tokens: Vec<Token>) -> Vec<Token> {
    let mut joined: Vec<Token> = Vec::with_capacity(tokens.len());
    for token in tokens {
        if let (Kind::Word(word), false) = (&token.kind, token.spaced)
            && let [.., before, apostrophe] = &mut joined[..]
            && let (Kind::Word(first), Kind::Sign('\''), false) =
                (&mut before.kind, &apostrophe.kind, apostrophe.spaced)
        {
            first.push('\'');
            first.push_str(word);
            before.span.end = token.span.end;
            joined.pop();
        } else {
            joined.push(token);
        }
    }
    joined
}

/// The letters, digits and signs that a character and its marks look like; none in the place of what cannot be read.
fn plain(grapheme: &str) -> Vec<Option<char>> {
    let mut found = Vec::new();
    for character in grapheme.chars().filter(|&c| !is_invisible(c)) {
        match character {
            _ if APOSTROPHES.contains(character) => found.push(Some('\'')),
            '⁄' | '∕' => found.push(Some('/')),
            '‐' | '‑' | '‒' | '–' => found.push(Some('-')),
            _ if RULES.signs.contains_key(&character) => found.push(Some(character)),
            _ => match special(character) {
                Some(letters) => found.extend(letters.chars().map(Some)),
                None => found.extend(std::iter::once(character).nfkd().filter(|&c| !is_combining_mark(c)).map(known)),
            },
        }
    }
    // A letter of another script with marks is one thing that cannot be read.
    if found.iter().all(Option::is_none) {
        found.truncate(1)
    };
    found
}

/// The character, if it can be read or is punctuation.
fn known(character: char) -> Option<char> {
    let character = if character == '⁄' { '/' } else { character };
    let readable = character.is_ascii_alphanumeric() || RULES.signs.contains_key(&character);
    (readable || is_punctuation(character)).then_some(character)
}

/// Latin letters that are no letter from a to z with a mark.
fn special(character: char) -> Option<&'static str> {
    Some(match character {
        'ß' => "ss",
        'ẞ' => "SS",
        'æ' => "ae",
        'Æ' => "Ae",
        'œ' => "oe",
        'Œ' => "Oe",
        'ø' => "o",
        'Ø' => "O",
        'ł' => "l",
        'Ł' => "L",
        'đ' => "d",
        'Đ' => "D",
        'ð' => "th",
        'Ð' => "Th",
        'þ' => "th",
        'Þ' => "Th",
        'ı' => "i",
        _ => return None,
    })
}

fn is_invisible(character: char) -> bool {
    matches!(character, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{2060}'..='\u{2064}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}')
}

fn is_punctuation(character: char) -> bool {
    character.is_ascii_punctuation()
        || matches!(character, '¡' | '¿' | '«' | '»' | '·' | '¦' | '¨' | '¯' | '¸')
        || matches!(character, '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205E}' | '\u{3001}'..='\u{3011}')
}

/// Whether it is one of ½, ⅓, …
fn is_fraction(grapheme: &str) -> bool {
    matches!(grapheme.chars().next(), Some('¼'..='¾' | '⅐'..='⅞'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let token = |token: &Token| {
            let kind = match &token.kind {
                Kind::Word(word) => word.clone(),
                Kind::Digits(digits) => format!("#{digits}"),
                Kind::Sign(sign) => sign.to_string(),
                Kind::Unread => format!("?{}", &text[token.span.clone()]),
            };
            format!("{}{kind}", if token.spaced { " " } else { "·" })
        };
        tokens(text).iter().map(token).collect()
    }

    #[test]
    fn what_looks_the_same_is_the_same() {
        for (text, expected) in [
            ("It’s", " It's"),
            ("cafe\u{301} naïve señor ｈｅｌｌｏ", " cafe naive senor hello"),
            ("Straße, Æsir", " Strasse·, Aesir"),
            ("ﬁve co\u{AD}op \u{FEFF}x", " five coop x"),
            ("GPT-4", " GPT·-·#4"),
            ("'til dogs' o'clock", " '·til dogs·' o'clock"),
            ("2½ ½", " #2·#1·/·#2 #1·/·#2"),
            ("km² 5℃", " km·² #5·°·C"),
            ("a北京b", " a·?北京·b"),
            ("🙂\u{7}", " ?🙂\u{7}"),
            ("привет", " ?привет"),
            (" … \t\n", " ·.·.·.".trim_start_matches(' ').replacen('·', " ", 1).as_str()),
            ("", ""),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn places_are_those_of_the_text() {
        let text = "It’s cafe\u{301}, 北京!";
        let places: Vec<&str> = tokens(text).into_iter().map(|token| &text[token.span]).collect();
        assert_eq!(places, ["It’s", "cafe\u{301}", ",", "北京", "!"]);
    }
}
