//! From a text to the words that are spoken, each with its place.

use std::ops::Range;

use super::numbers::{cardinal, fraction, one_by_one, ordinal, plural, value, year};
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
    /// As the table has it for these capitals.
    Capitals,
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
        Reader { tokens: tokens(text), at: 0, knows, readings: Vec::new(), unread: Vec::new(), stop: false };
    while reader.at < reader.tokens.len() {
        reader.step();
    }
    (reader.readings, reader.unread)
}

/// A number as it stands in a text.
struct Number {
    whole: String,
    decimals: Option<String>,
    /// The token behind it.
    end: usize,
}

impl Number {
    fn is_one(&self) -> bool {
        self.whole == "1" && self.decimals.is_none()
    }

    fn words(&self) -> Vec<String> {
        let whole = if self.whole.is_empty() { Vec::new() } else { cardinal(&self.whole) };
        let decimals = self.decimals.as_ref().map(|decimals| [vec!["point"], one_by_one(decimals)].concat());
        owned(whole.into_iter().chain(decimals.unwrap_or_default()))
    }
}

struct Reader<'a> {
    tokens: Vec<Token>,
    at: usize,
    knows: &'a dyn Fn(&str) -> bool,
    readings: Vec<Reading>,
    unread: Vec<Unread>,
    /// Whether punctuation stands before the next word.
    stop: bool,
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

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

    // What stands where.

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

    // What is said.

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

    /// Says all words of a value of the table.
    fn say_all(&mut self, words: &str, end: usize) {
        self.say(words.split(' ').map(str::to_owned), end);
    }

    fn sign(&mut self, sign: char) {
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

    // Numbers.

    /// The number that begins there.
    fn parse(&self, at: usize) -> Option<Number> {
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

    fn number(&mut self) {
        let at = self.at;
        if self.date(at) || self.telephone(at) || self.time(at) || self.parts(at) || self.always(at) {
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
        if let Some((sign, end)) = self.money_behind(&number) {
            let words = amount(&number, &sign.values, None);
            return self.say(words, end);
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
            _ if ungrouped && is_year(&whole) => owned(year(&whole)),
            _ => number.words(),
        };
        self.say(words, end);
        // 10-20, 1990–1995
        if self.is_behind(end, '-') && self.joined_digits(end + 1).is_some() {
            self.say(["to"], end + 1);
        }
    }

    /// 5'10"
    fn feet(&mut self, feet: &str, at: usize) {
        let inches = self.digits(at).unwrap_or_default();
        let unit =
            |count: &str, one: &str, several: &str| if count == "1" { one.to_owned() } else { several.to_owned() };
        let mut words = owned(cardinal(feet));
        words.push(unit(feet, "foot", "feet"));
        words.extend(owned(cardinal(inches)));
        words.push(unit(inches, "inch", "inches"));
        self.say(words, at + 2);
    }

    /// What is always said so, such as 24/7.
    fn always(&mut self, at: usize) -> bool {
        let key: String = match (self.digits(at), self.is_behind(at + 1, '/'), self.joined_digits(at + 2)) {
            (Some(first), true, Some(second)) => format!("{first}/{second}"),
            _ => return false,
        };
        let Some(rule) = RULES.abbreviations.get(&key).and_then(|rules| rules.first()) else { return false };
        self.say_all(&rule.values[0], at + 3);
        true
    }

    fn month(&self, at: usize) -> bool {
        let Some(word) = self.letters(at).map(str::to_lowercase) else { return false };
        let long = RULES.abbreviations.get(&word).and_then(|rules| rules.first()).map(|rule| rule.values[0].as_str());
        self.is_name(at) && (MONTHS.contains(&word.as_str()) || long.is_some_and(|long| MONTHS.contains(&long)))
    }

    /// The unit that stands there, and the token behind it.
    fn unit(&self, at: usize) -> Option<(&'static Rule, usize)> {
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

    /// 2026-11-29, 11/29/2026
    fn date(&mut self, at: usize) -> bool {
        let part =
            |at: usize, sign: char| self.joined_digits(at + 1).filter(|_| self.is_behind(at, sign)).map(str::to_owned);
        let Some(first) = self.digits(at).map(str::to_owned) else { return false };
        let dashed = part(at + 1, '-').zip(part(at + 3, '-'));
        let slashed = part(at + 1, '/').zip(part(at + 3, '/'));
        let (year_, month, day) = match (dashed, slashed) {
            (Some((month, day)), _) if first.len() == 4 => (first, month, day),
            (_, Some((day, year))) if matches!(year.len(), 2 | 4) => (year, first, day),
            _ => return false,
        };
        if month.len() > 2 || day.len() > 2 || !(1..=12).contains(&value(&month)) || !(1..=31).contains(&value(&day)) {
            return false;
        }
        let month = MONTHS[value(&month) as usize - 1];
        let year = if year_.len() == 4 { year(&year_) } else { two_digits(&year_) };
        let words = [vec![month], ordinal(day.trim_start_matches('0')), year].concat();
        self.say(words, at + 5);
        true
    }

    /// 555-1234, 555-123-4567, (555) 123-4567, 1-800-555-1234, +1 555 123 4567: digit by digit.
    fn telephone(&mut self, at: usize) -> bool {
        let mut end = at;
        let mut groups: Vec<String> = Vec::new();
        loop {
            let opened = self.is(end, '(') && groups.len() < 2;
            let begin = end + usize::from(opened);
            let Some(group) = self.digits(begin).filter(|group| group.len() <= 4) else { break };
            groups.push(group.to_owned());
            let behind = begin + 1;
            let closed = opened && self.is_behind(behind, ')');
            if opened && !closed {
                return false;
            }
            end = behind + usize::from(closed);
            let separated =
                (self.is_behind(end, '-') || self.is_behind(end, '.')) && self.joined_digits(end + 1).is_some();
            if separated {
                end += 1;
            } else if !closed {
                break;
            }
        }
        let lengths: Vec<usize> = groups.iter().map(String::len).collect();
        let is_telephone = matches!(&lengths[..], [3, 4] | [3, 3, 4] | [1 | 2, 3, 3, 4]);
        if is_telephone && end > at {
            self.say(one_by_one(&groups.concat()), end);
        }
        is_telephone
    }

    /// 10:30, 10:00, 14:05, 10:30:15
    fn time(&mut self, at: usize) -> bool {
        let two = |at: usize| {
            self.joined_digits(at + 1)
                .filter(|digits| self.is_behind(at, ':') && digits.len() == 2 && value(digits) < 60)
        };
        let Some(hour) = self.digits(at).filter(|hour| hour.len() <= 2 && value(hour) <= 24) else { return false };
        let Some(minute) = two(at + 1) else { return false };
        let seconds = two(at + 3);
        let unit = self.unit(at + 3).filter(|(rule, _)| rule.values[0].ends_with(" m"));
        let mut words = owned(cardinal(hour.strip_prefix('0').filter(|hour| !hour.is_empty()).unwrap_or(hour)));
        match value(minute) {
            0 if unit.is_some() || seconds.is_some() => {}
            0 if (1..=12).contains(&value(hour)) => words.push("o'clock".to_owned()),
            0 => words.push("hundred".to_owned()),
            _ => words.extend(owned(two_digits(minute))),
        }
        let mut end = at + 3;
        if let Some(seconds) = seconds {
            if value(minute) == 0 {
                words.push("zero".to_owned());
            }
            words.extend(["and".to_owned()]);
            words.extend(owned(cardinal(seconds.strip_prefix('0').unwrap_or(seconds))));
            words.push(if value(seconds) == 1 { "second" } else { "seconds" }.to_owned());
            end += 2;
        }
        self.say(words, end);
        if let Some((unit, end)) = unit {
            self.say_all(&unit.values[0], end);
        }
        true
    }

    /// 1/2, 2½, 2 3/4
    fn parts(&mut self, at: usize) -> bool {
        let parts = |at: usize| {
            let above = self.digits(at)?;
            let below = self.joined_digits(at + 2).filter(|below| self.is_behind(at + 1, '/') && value(below) > 0)?;
            let others = self.is_behind(at + 3, '/') && self.joined_digits(at + 4).is_some();
            (!others && above.len() <= 3 && below.len() <= 4).then(|| fraction(above, below))
        };
        if RULES.abbreviations.contains_key(&self.slashed(at)) {
            return false;
        }
        if let Some(words) = parts(at) {
            self.say(words, at + 3);
            return true;
        }
        let Some((whole, words)) = self.digits(at).map(str::to_owned).zip(parts(at + 1)) else { return false };
        let words = match &words[..] {
            [one, rest @ ..] if one == "one" => [vec!["a".to_owned()], rest.to_vec()].concat(),
            _ => words,
        };
        let words = owned(cardinal(&whole)).into_iter().chain(["and".to_owned()]).chain(words);
        self.say(words, at + 4);
        true
    }

    fn slashed(&self, at: usize) -> String {
        let text = |at: usize| self.letters(at).or_else(|| self.digits(at)).unwrap_or_default().to_lowercase();
        format!("{}/{}", text(at), text(at + 2))
    }

    /// The amount behind a sign of money.
    fn money_before(&self, at: usize) -> Option<Number> {
        let Some(Kind::Sign(sign)) = self.kind(at) else { return None };
        RULES.money.get(&sign.to_string())?;
        self.parse(at + 1)
    }

    /// The money behind an amount, and the token behind that.
    fn money_behind(&self, number: &Number) -> Option<(&'static Rule, usize)> {
        let Some(Kind::Sign(sign)) = self.kind(number.end) else { return None };
        // 5 $10: the sign is that of the next number.
        let next = self.joined_digits(number.end + 1).is_some();
        let rule = RULES.money.get(&sign.to_string())?.first()?;
        (!next).then_some((rule, number.end + 1))
    }

    fn money(&mut self, number: &Number, at: usize) {
        let Some(Kind::Sign(sign)) = self.kind(at) else { return };
        let Some(rule) = RULES.money.get(&sign.to_string()).and_then(|rules| rules.first()) else { return };
        let mut end = number.end;
        // $5 million, $2.5bn, $5k
        let scale = self.letters(end).map(str::to_lowercase).and_then(|word| match word.as_str() {
            "thousand" | "million" | "billion" | "trillion" => Some(word),
            "k" if self.is_joined(end) => Some("thousand".to_owned()),
            "m" | "mn" if self.is_joined(end) => Some("million".to_owned()),
            "b" | "bn" if self.is_joined(end) => Some("billion".to_owned()),
            _ => None,
        });
        end += usize::from(scale.is_some());
        let words = amount(number, &rule.values, scale);
        self.say(words, end);
    }

    // Words.

    fn word(&mut self) {
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
        self.spell(&word, &span);
        self.at += 1;
    }

    /// US$20: the letters are the sign's.
    fn dollars(&mut self, at: usize, lower: &str) -> bool {
        if !self.is_behind(at + 1, '$') || !RULES.money.contains_key(&format!("{lower}$")) {
            return false;
        }
        let Some(number) = self.money_before(at + 1) else { return false };
        self.money(&number, at + 1);
        true
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
        if let Some(rule) = RULES.abbreviations.get(&lower).and_then(|rules| rules.first()) {
            self.say_all(&rule.values[0], end + point);
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
        let (long, short) = (self.slashed(at), format!("{lower}/"));
        let behind = self.letters(at + 2).filter(|_| self.is_joined(at + 2));
        let (key, end) = if behind.is_some() { (long, at + 3) } else { (short, at + 2) };
        let Some(rule) = RULES.abbreviations.get(&key).and_then(|rules| rules.first()) else { return false };
        self.say_all(&rule.values[0], end);
        true
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
        } else if RULES.capitals.contains_key(word) {
            self.push(reading(word.to_owned(), Way::Capitals));
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
}

/// An amount of money in words.
fn amount(number: &Number, money: &[String], scale: Option<String>) -> Vec<String> {
    let [one, several, hundredth, hundredths] = money else { return number.words() };
    let unit = |value: &str, one: &str, several: &str| if value == "1" { one.to_owned() } else { several.to_owned() };
    let cents = number.decimals.as_deref().filter(|decimals| decimals.len() == 2 && hundredth != "-");
    match (cents, scale) {
        (_, Some(scale)) => number.words().into_iter().chain([scale, several.clone()]).collect(),
        (Some(cents), None) => {
            let mut words = Vec::new();
            if !matches!(number.whole.as_str(), "" | "0") {
                words.extend(owned(cardinal(&number.whole)));
                words.push(unit(&number.whole, one, several));
            }
            if value(cents) > 0 || words.is_empty() {
                words.extend((!words.is_empty()).then(|| "and".to_owned()));
                let cents = cents.strip_prefix('0').unwrap_or(cents);
                words.extend(owned(cardinal(cents)));
                words.push(unit(cents, hundredth, hundredths));
            }
            words
        }
        (None, None) => {
            let unit = if number.is_one() { one } else { several };
            number.words().into_iter().chain([unit.clone()]).collect()
        }
    }
}

/// Two digits of a year or a time: `oh five`, `thirty`.
fn two_digits(digits: &str) -> Vec<&'static str> {
    match digits.strip_prefix('0') {
        Some("0") => vec!["hundred"],
        Some(digit) => [vec!["oh"], cardinal(digit)].concat(),
        None => cardinal(digits),
    }
}

/// Several of a year or another number: `nineteen eighties`.
fn several(digits: &str) -> Vec<String> {
    plural(if is_year(digits) { year(digits) } else { cardinal(digits) })
}

fn is_year(digits: &str) -> bool {
    digits.len() == 4 && (1100..2100).contains(&value(digits))
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

fn owned(words: impl IntoIterator<Item = &'static str>) -> Vec<String> {
    words.into_iter().map(str::to_owned).collect()
}
