//! Digits in groups: dates, times of day, telephone numbers.

use super::{Reader, owned};
use crate::english::numbers::{cardinal, one_by_one, ordinal, value, year};
use crate::english::rules::RULES;

pub(super) const MONTHS: [&str; 12] = [
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
    /// 2026-11-29, 11/29/2026
    pub(super) fn date(&mut self, at: usize) -> bool {
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

    /// 555-1234, 555-123-4567, (555) 123-4567, 1-800-555-1234, +1 555 123 4567, 020 7946 0958: digit by digit.
    pub(super) fn telephone(&mut self, at: usize) -> bool {
        self.spaced_telephone(at) || self.joined_telephone(at)
    }

    /// With spaces only behind what no other number begins with: a plus, or a zero.
    fn spaced_telephone(&mut self, at: usize) -> bool {
        let international = at > 0 && self.is(at - 1, '+') && self.is_joined(at);
        let begins = |group: &str| international || (group.len() >= 3 && group.starts_with('0'));
        if !self.digits(at).is_some_and(begins) {
            return false;
        }
        let (mut end, mut groups) = (at, Vec::new());
        while let Some(group) = self.digits(end).filter(|group| group.len() <= 5) {
            groups.push(group.to_owned());
            end += 1;
            // Letters make it the name of something: 007 5G.
            if self.is_joined(end) && self.letters(end).is_some() {
                return false;
            }
            end += usize::from(self.is_behind(end, '-') && self.joined_digits(end + 1).is_some());
        }
        let digits = groups.concat();
        let is_telephone = groups.len() >= 2 && (7..=15).contains(&digits.len());
        if is_telephone {
            self.say(one_by_one(&digits), end);
        }
        is_telephone
    }

    fn joined_telephone(&mut self, at: usize) -> bool {
        let mut end = at;
        let mut groups: Vec<String> = Vec::new();
        while groups.len() < 5 {
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
    pub(super) fn time(&mut self, at: usize) -> bool {
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

    pub(super) fn month(&self, at: usize) -> bool {
        let Some(word) = self.letters(at).map(str::to_lowercase) else { return false };
        let long = RULES.abbreviations.get(&word).and_then(|rules| rules.first()).map(|rule| rule.values[0].as_str());
        self.is_name(at) && (MONTHS.contains(&word.as_str()) || long.is_some_and(|long| MONTHS.contains(&long)))
    }
}

/// Two digits of a year or a time: `oh five`, `thirty`.
pub(super) fn two_digits(digits: &str) -> Vec<&'static str> {
    match digits.strip_prefix('0') {
        Some("0") => vec!["hundred"],
        Some(digit) => [vec!["oh"], cardinal(digit)].concat(),
        None => cardinal(digits),
    }
}
