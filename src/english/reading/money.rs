//! Amounts of money.

use super::quantities::Number;
use super::{Kind, Reader, counted, owned};
use crate::english::numbers::{cardinal, value};
use crate::english::rules::{RULES, Rule};

impl Reader<'_> {
    /// The amount behind a sign of money.
    pub(super) fn money_before(&self, at: usize) -> Option<Number> {
        self.sign_of_money(at)?;
        self.parse(at + 1)
    }

    /// What a sign of money stands for.
    fn sign_of_money(&self, at: usize) -> Option<&'static Rule> {
        let Some(Kind::Sign(sign)) = self.kind(at) else { return None };
        RULES.money.get(&sign.to_string())?.first()
    }

    /// Says an amount behind which the money stands, if it does.
    pub(super) fn paid(&mut self, number: &Number) -> bool {
        // 5 $10: the sign is that of the next number.
        let Some(rule) = self.sign_of_money(number.end).filter(|_| self.joined_digits(number.end + 1).is_none()) else {
            return false;
        };
        self.say(amount(number, &rule.values, None), number.end + 1);
        true
    }

    /// Says an amount behind the sign that stands there.
    pub(super) fn money(&mut self, number: &Number, at: usize) {
        let Some(rule) = self.sign_of_money(at) else { return };
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

    /// US$20: the letters are the sign's.
    pub(super) fn dollars(&mut self, at: usize, lower: &str) -> bool {
        if !self.is_behind(at + 1, '$') || !RULES.money.contains_key(&format!("{lower}$")) {
            return false;
        }
        let Some(number) = self.money_before(at + 1) else { return false };
        self.money(&number, at + 1);
        true
    }
}

/// An amount of money in words.
fn amount(number: &Number, money: &[String], scale: Option<String>) -> Vec<String> {
    let [one, several, hundredth, hundredths] = money else { return number.words() };
    let cents = number.decimals.as_deref().filter(|decimals| decimals.len() == 2 && hundredth != "-");
    match (cents, scale) {
        (_, Some(scale)) => number.words().into_iter().chain([scale, several.clone()]).collect(),
        (Some(cents), None) => {
            let mut words = Vec::new();
            if !matches!(number.whole.as_str(), "" | "0") {
                words.extend(owned(cardinal(&number.whole)));
                words.push(counted(&number.whole, one, several));
            }
            if value(cents) > 0 || words.is_empty() {
                words.extend((!words.is_empty()).then(|| "and".to_owned()));
                let cents = cents.strip_prefix('0').unwrap_or(cents);
                words.extend(owned(cardinal(cents)));
                words.push(counted(cents, hundredth, hundredths));
            }
            words
        }
        (None, None) => {
            let unit = if number.is_one() { one } else { several };
            number.words().into_iter().chain([unit.clone()]).collect()
        }
    }
}
