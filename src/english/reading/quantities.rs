//! Numbers, and what is counted with them.

use super::moments::MONTHS;
use super::{Kind, Reader, counted, owned};
use crate::english::numbers::{cardinal, fraction, one_by_one, ordinal, plural, value, year};
use crate::english::rules::{RULES, Rule};

/// A number as it stands in a text.
pub(super) struct Number {
    pub whole: String,
    pub decimals: Option<String>,
    /// The token behind it.
    pub end: usize,
}

impl Number {
    pub fn is_one(&self) -> bool {
        self.whole == "1" && self.decimals.is_none()
    }

    pub fn words(&self) -> Vec<String> {
        let whole = if self.whole.is_empty() { Vec::new() } else { cardinal(&self.whole) };
        let decimals = self.decimals.as_ref().map(|decimals| [vec!["point"], one_by_one(decimals)].concat());
        owned(whole.into_iter().chain(decimals.unwrap_or_default()))
    }
}

impl Reader<'_> {
    /// The number that begins there.
    pub(super) fn parse(&self, at: usize) -> Option<Number> {
        let decimals = |point: usize| {
            let digits = self.joined_digits(point + 1).filter(|_| self.is(point, '.'))?;
            // 1.2.3 is no number.
            let others = self.is_behind(point + 2, '.') && self.joined_digits(point + 3).is_some();
            (!others).then(|| digits.to_owned())
        };
        if self.is(at, '.') {
            return decimals(at).map(|found| Number { whole: String::new(), decimals: Some(found), end: at + 2 });
        }
        let mut whole = self.digits(at)?.to_owned();
        let mut end = at + 1;
        while whole.len() <= 3 || end > at + 1 {
            let group = self.joined_digits(end + 1).filter(|group| self.is_behind(end, ',') && group.len() == 3);
            let Some(group) = group else { break };
            whole.push_str(group);
            end += 2;
        }
        let found = if self.is_joined(end) { decimals(end) } else { None };
        end += if found.is_some() { 2 } else { 0 };
        Some(Number { whole, decimals: found, end })
    }

    pub(super) fn number(&mut self) {
        let at = self.at;
        if self.date(at) || self.telephone(at) || self.time(at) || self.always(at) || self.parts(at) {
            return;
        }
        let Some(number) = self.parse(at) else {
            // Digits between points: a version.
            let digits = self.digits(at).unwrap_or_default().to_owned();
            return self.say(cardinal(&digits), at + 1);
        };
        let (end, whole) = (number.end, number.whole.clone());
        let suffix = self.letters(end).filter(|_| self.is_joined(end)).map(str::to_lowercase);
        let apostrophe = self.is_behind(end, '\'') && self.is_joined(end + 1);
        if number.decimals.is_none() {
            if apostrophe && self.letters(end + 1) == Some("s") {
                return self.say(several(&whole), end + 2);
            }
            if apostrophe
                && self.is_behind(end + 2, '"')
                && self.digits(end + 1).is_some_and(|inches| inches.len() <= 2)
            {
                return self.feet(&whole, end + 1);
            }
            match suffix.as_deref() {
                Some("st" | "nd" | "rd" | "th") => return self.say(ordinal(&whole), end + 1),
                Some("s") => return self.say(several(&whole), end + 1),
                _ => {}
            }
        }
        if self.paid(&number) {
            return;
        }
        if let Some((unit, end)) = self.unit(number.end) {
            let unit = &unit.values[usize::from(!number.is_one())];
            let words = number.words().into_iter().chain(unit.split(' ').map(str::to_owned));
            return self.say(words, end);
        }
        let day = matches!(value(&whole), 1..=31) && whole.len() <= 2 && number.decimals.is_none();
        let ungrouped = end == at + 1;
        let words = match self.readings.last() {
            Some(last) if day && !self.stop && MONTHS.contains(&last.word.as_str()) => owned(ordinal(&whole)),
            _ if day && self.month(end) => owned(ordinal(&whole)),
            _ if ungrouped && (is_year(&whole) || self.dated() && is_early_year(&whole)) => owned(year(&whole)),
            _ => number.words(),
        };
        self.say(words, end);
        // 10-20, 1990–1995
        if self.is_behind(end, '-') && self.joined_digits(end + 1).is_some() {
            self.say(["to"], end + 1);
        }
    }

    /// Whether a year may follow: behind a month or its day, or `in`.
    fn dated(&self) -> bool {
        // A day has two words at most: `december twenty fifth`.
        let mut words = self.readings.iter().rev().map(|reading| reading.word.as_str()).take(3);
        self.readings.last().is_some_and(|last| last.word == "in") || words.any(|word| MONTHS.contains(&word))
    }

    /// 5'10"
    fn feet(&mut self, feet: &str, at: usize) {
        let inches = self.digits(at).unwrap_or_default();
        let mut words = owned(cardinal(feet));
        words.push(counted(feet, "foot", "feet"));
        words.extend(owned(cardinal(inches)));
        words.push(counted(inches, "inch", "inches"));
        self.say(words, at + 2);
    }

    /// What is always said so, such as 24/7.
    fn always(&mut self, at: usize) -> bool {
        let key: String = match (self.digits(at), self.is_behind(at + 1, '/'), self.joined_digits(at + 2)) {
            (Some(first), true, Some(second)) => format!("{first}/{second}"),
            _ => return false,
        };
        self.say_abbreviation(&key, at + 3)
    }

    /// 1/2, 2½, 2 3/4
    fn parts(&mut self, at: usize) -> bool {
        let parts = |at: usize| {
            let above = self.digits(at)?;
            let below = self.joined_digits(at + 2).filter(|below| self.is_behind(at + 1, '/') && value(below) > 0)?;
            let others = self.is_behind(at + 3, '/') && self.joined_digits(at + 4).is_some();
            (!others && above.len() <= 3 && below.len() <= 4).then(|| fraction(above, below))
        };
        if let Some(words) = parts(at) {
            self.say(words, at + 3);
            self.count(0);
            return true;
        }
        let Some((whole, words)) = self.digits(at).map(str::to_owned).zip(parts(at + 1)) else { return false };
        let words = match &words[..] {
            [one, rest @ ..] if one == "one" => [vec!["a".to_owned()], rest.to_vec()].concat(),
            _ => words,
        };
        let words = owned(cardinal(&whole)).into_iter().chain(["and".to_owned()]).chain(words);
        self.say(words, at + 4);
        self.count(1);
        true
    }

    /// Says the unit that stands next, if one does: of one, or of several.
    fn count(&mut self, several: usize) {
        if let Some((unit, end)) = self.unit(self.at) {
            self.say_all(&unit.values[several], end);
        }
    }

    /// The unit that stands there, and the token behind it.
    pub(super) fn unit(&self, at: usize) -> Option<(&'static Rule, usize)> {
        // The longest of what may be one: °C, km/h, km², %.
        (1..=3).rev().find_map(|length| {
            let end = at + length;
            let part = |at: usize| match self.kind(at) {
                // 5G is no weight.
                Some(Kind::Word(word)) if length == 1 && word.len() == 1 => Some(word.clone()),
                Some(Kind::Word(word)) => Some(word.to_lowercase()),
                Some(Kind::Sign(sign)) => Some(sign.to_string()),
                _ => None,
            };
            let is_whole = (at + 1..end).all(|at| self.is_joined(at));
            let key: String = (at..end).map(part).collect::<Option<_>>().filter(|_| is_whole)?;
            // Letters go on behind it: 5 km-long is none of these.
            let ends = !(self.is_joined(end) && matches!(self.kind(end), Some(Kind::Digits(_) | Kind::Unread)));
            let dotted = matches!(key.as_str(), "a" | "p") && self.is_behind(end, '.');
            if dotted && self.letters(end + 1).is_some_and(|m| m.eq_ignore_ascii_case("m")) {
                let rule = RULES.units.get(&format!("{key}m"))?.first()?;
                return Some((rule, end + 2 + usize::from(self.is_behind(end + 2, '.'))));
            }
            Some((self.rule(RULES.units.get(&key), at, end).filter(|_| ends)?, end))
        })
    }
}

/// Several of a year or another number: `nineteen eighties`.
fn several(digits: &str) -> Vec<String> {
    plural(if is_year(digits) { year(digits) } else { cardinal(digits) })
}

fn is_year(digits: &str) -> bool {
    digits.len() == 4 && (1100..2100).contains(&value(digits))
}

/// Whether it is a year where one is expected, and a thousand and some elsewhere.
fn is_early_year(digits: &str) -> bool {
    digits.len() == 4 && (1000..1100).contains(&value(digits))
}
