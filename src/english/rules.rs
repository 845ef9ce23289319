//! The table of what text says beside its words, `rules.txt`.
//!
//! A line is a key, its values and its conditions, two spaces or more between them; lines with one key are tried in
//! their order. `//` begins a comment.
//!
//! | condition | holds |
//! |---|---|
//! | `.` | with a point behind it |
//! | `before=name`, `before=no-name`, `after=name` | next to a word with a capital, or before none |
//! | `before=number`, `number`, `numbers` | before a number, beside one, between two |
//! | `between` | between two letters or digits, without a space |
//! | `joined`, `spaced` | without or with a space before it |
//! | `capital` | if it begins with one |
//! | `after=A,B`, `before=A,B` | next to one of these words, or of these classes of words; adverbs are passed over |
//! | `with=A,B` | with one of these words or classes among the twenty before or behind it |

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::phones::{Phone, arpabet};

/// The table, read once.
pub static RULES: LazyLock<Rules> = LazyLock::new(|| Rules::parse(include_str!("rules.txt")));

/// The table.
#[derive(Debug, Default)]
pub struct Rules {
    /// How the names of letters are spoken.
    pub letters: HashMap<char, Vec<Phone>>,
    /// What is short for words.
    pub abbreviations: HashMap<String, Vec<Rule>>,
    /// What follows numbers: of one, of several.
    pub units: HashMap<String, Vec<Rule>>,
    /// What stands for money: one, several, a hundredth, hundredths.
    pub money: HashMap<String, Vec<Rule>>,
    /// What is spoken of signs.
    pub signs: HashMap<char, Vec<Rule>>,
    /// Words that capitals or accents make others.
    pub spellings: HashMap<String, Vec<Phone>>,
    /// Words that the lexicon lacks, or prefers to be spoken in a rare way.
    pub preferred: HashMap<String, Vec<Phone>>,
    /// Words that are spoken in two ways.
    pub heteronyms: HashMap<String, Vec<Way>>,
    classes: HashMap<String, HashSet<String>>,
    /// Lines that are none.
    pub problems: Vec<String>,
}

/// Values under conditions.
#[derive(Debug)]
pub struct Rule {
    /// The values.
    pub values: Vec<String>,
    /// All of them must hold.
    pub conditions: Vec<Condition>,
}

/// A way in which a word is spoken, under conditions.
#[derive(Debug)]
pub struct Way {
    /// Its phones.
    pub phones: Vec<Phone>,
    /// All of them must hold.
    pub conditions: Vec<Condition>,
}

/// What must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// `.`
    Point,
    /// `before=name`
    BeforeName,
    /// `before=no-name`
    BeforeNoName,
    /// `after=name`
    AfterName,
    /// `before=number`
    BeforeNumber,
    /// `number`
    BesideNumber,
    /// `numbers`
    BetweenNumbers,
    /// `between`
    Between,
    /// `joined`
    Joined,
    /// `spaced`
    Spaced,
    /// `capital`
    Capital,
    /// `after=…`
    After(Vec<String>),
    /// `before=…`
    Before(Vec<String>),
    /// `with=…`
    With(Vec<String>),
}

impl Condition {
    fn parse(text: &str) -> Option<Self> {
        let list = |names: &str| names.split(',').map(str::to_owned).collect();
        Some(match text.split_once('=') {
            None => match text {
                "." => Self::Point,
                "number" => Self::BesideNumber,
                "numbers" => Self::BetweenNumbers,
                "between" => Self::Between,
                "joined" => Self::Joined,
                "spaced" => Self::Spaced,
                "capital" => Self::Capital,
                _ => return None,
            },
            Some(("before", "name")) => Self::BeforeName,
            Some(("before", "no-name")) => Self::BeforeNoName,
            Some(("before", "number")) => Self::BeforeNumber,
            Some(("after", "name")) => Self::AfterName,
            Some(("after", names)) => Self::After(list(names)),
            Some(("before", names)) => Self::Before(list(names)),
            Some(("with", names)) => Self::With(list(names)),
            Some(_) => return None,
        })
    }
}

impl Rules {
    /// Whether a word is one of these, or of these classes.
    pub fn is_one_of(&self, word: &str, names: &[String]) -> bool {
        names.iter().any(|name| name == word || self.is(word, name))
    }

    /// Whether a word is of this class.
    pub fn is(&self, word: &str, class: &str) -> bool {
        self.classes.get(class).is_some_and(|words| words.contains(word))
    }

    fn parse(text: &str) -> Self {
        let mut rules = Self::default();
        let mut section = "";
        for line in text.lines().map(str::trim_end).filter(|line| !line.is_empty() && !line.starts_with("// ")) {
            match line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                Some(name) => section = name,
                None if rules.line(section, line).is_none() => rules.problems.push(format!("[{section}] {line}")),
                None => {}
            }
        }
        rules
    }

    /// Takes a line; nothing if it is none of this section.
    fn line(&mut self, section: &str, line: &str) -> Option<()> {
        let mut columns = line.split("  ").map(str::trim).filter(|column| !column.is_empty());
        let key = columns.next()?;
        let first = columns.next()?;
        let rest: Vec<&str> = columns.collect();
        let phones = || arpabet(first).ok().filter(|_| rest.is_empty());
        let character = || key.chars().next().filter(|c| key.len() == c.len_utf8());
        // A rule with so many values, and what conditions follow.
        let rule = |values: usize| {
            let (values, conditions) = rest.split_at_checked(values - 1)?;
            let values = std::iter::once(&first).chain(values).map(|value| (*value).to_owned()).collect();
            let conditions = conditions.iter().flat_map(|conditions| conditions.split_whitespace());
            Some(Rule { values, conditions: conditions.map(Condition::parse).collect::<Option<_>>()? })
        };
        match section {
            "letters" => drop(self.letters.insert(character()?, phones()?)),
            "abbreviations" => self.abbreviations.entry(key.to_owned()).or_default().push(rule(1)?),
            "units" => self.units.entry(key.to_owned()).or_default().push(rule(2)?),
            "money" => self.money.entry(key.to_owned()).or_default().push(rule(4)?),
            "signs" => self.signs.entry(character()?).or_default().push(rule(1)?),
            "spellings" => drop(self.spellings.insert(key.to_owned(), phones()?)),
            "preferred" => drop(self.preferred.insert(key.to_owned(), phones()?)),
            "classes" => drop(self.classes.insert(key.to_owned(), first.split(' ').map(str::to_owned).collect())),
            "heteronyms" => {
                let Rule { values, conditions } = rule(1)?;
                let phones = arpabet(&values[0]).ok()?;
                self.heteronyms.entry(key.to_owned()).or_default().push(Way { phones, conditions });
            }
            _ => return None,
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_understood() {
        assert_eq!(RULES.problems, Vec::<String>::new());
        assert_eq!(RULES.letters.len(), 26);
        for (word, ways) in &RULES.heteronyms {
            assert!(ways.len() >= 2, "{word} is spoken in one way only");
            let (last, others) = ways.split_last().expect("two");
            assert!(last.conditions.is_empty(), "{word}: the last line has no condition");
            assert!(others.iter().all(|way| !way.conditions.is_empty()), "{word}: a line behind the last");
        }
        assert!(RULES.heteronyms.len() >= 50, "{}", RULES.heteronyms.len());
        assert!(!Rules::parse("[signs]\nab  x\n[units]\nx  one\n[other]\na  b\n").problems.is_empty());
    }

    #[test]
    #[cfg(feature = "lexicon")]
    fn the_lexicon_has_both_ways() {
        let lexicon = super::super::Lexicon::cmudict().expect("a lexicon");
        for (word, ways) in &RULES.heteronyms {
            let known = lexicon.get(word);
            for Way { phones, .. } in ways {
                assert!(known.contains(phones), "{word} {phones:?}");
            }
        }
    }
}
