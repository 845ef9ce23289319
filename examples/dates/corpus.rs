//! Pairs of a date as somebody writes it and the date in ISO 8601.

use std::collections::HashSet;

use seq2seq::text::pairs::Pair;

use super::calendar::{Date, YEARS, days};
use super::forms::{FORMS, Parts, SHORT_FORMS};

/// `count` pairs without a source twice; of one seed always the same ones.
///
/// No source has two targets. There are some six million sources: of a count that comes near, the corpus may fall short.
pub fn corpus(count: usize, seed: u64) -> Vec<Pair> {
    let mut random = Random { seed, drawn: 0 };
    let mut seen = HashSet::new();
    let drawn = (0..count.saturating_mul(20)).map(|_| example(&mut random));
    let new = drawn.filter(|(source, _)| seen.insert(source.clone())).take(count);
    new.zip(1..).map(|((source, target), line)| Pair { source, target, line }).collect()
}

/// A day, and a way to write it.
fn example(random: &mut Random) -> (String, String) {
    let year = YEARS.start() + random.below(YEARS.count() as u32);
    let month = 1 + random.below(12);
    let date = Date { year, month, day: 1 + random.below(days(year, month)) };
    let parts = Parts::new(date);
    let short = if parts.short_year() { SHORT_FORMS } else { &[] };
    let form = random.below((FORMS.len() + short.len()) as u32) as usize;
    let text = FORMS.get(form).unwrap_or_else(|| &short[form - FORMS.len()])(&parts);
    let text = match random.below(8) {
        0 => text.to_lowercase(),
        1 => text.to_uppercase(),
        _ => text,
    };
    (text, date.iso())
}

/// SplitMix64 (Steele, Lea and Flood 2014): the same numbers on every machine.
struct Random {
    seed: u64,
    drawn: u64,
}

impl Random {
    /// A number from 0 to below `bound`.
    fn below(&mut self, bound: u32) -> u32 {
        self.drawn += 1;
        let mut z = self.seed.wrapping_add(self.drawn.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        // The upper half times the bound: its own upper half is below the bound.
        (((z >> 32) * u64::from(bound)) >> 32) as u32
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn a_seed_is_a_corpus() {
        assert_eq!(corpus(500, 7), corpus(500, 7));
        assert_eq!(corpus(500, 7)[..100], corpus(100, 7));
        assert_ne!(corpus(100, 7), corpus(100, 8));
    }

    #[test]
    fn every_target_is_a_day() {
        let pairs = corpus(20_000, 1);
        assert_eq!(pairs.len(), 20_000);
        for pair in &pairs {
            let mut numbers = pair.target.split('-').map(|number| number.parse::<u32>().expect("a number"));
            let [year, month, day] = std::array::from_fn(|_| numbers.next().expect("three numbers"));
            assert!(YEARS.contains(&year) && (1..=12).contains(&month), "{pair:?}");
            assert!((1..=days(year, month)).contains(&day) && pair.target.len() == 10, "{pair:?}");
        }
        assert!(pairs.iter().map(|pair| pair.line).eq(1..=20_000));
    }

    #[test]
    fn no_form_of_one_day_is_a_form_of_another() {
        let mut targets: HashMap<String, String> = HashMap::new();
        for year in [1900, 1949, 1950, 1984, 2012, 2049, 2050, 2099] {
            for month in 1..=12 {
                for day in 1..=days(year, month) {
                    let date = Date { year, month, day };
                    let parts = Parts::new(date);
                    let short = if parts.short_year() { SHORT_FORMS } else { &[] };
                    for text in FORMS.iter().chain(short).map(|form| form(&parts)) {
                        for text in [text.to_lowercase(), text.to_uppercase(), text] {
                            let other = targets.entry(text.clone()).or_insert_with(|| date.iso());
                            assert_eq!(*other, date.iso(), "{text}");
                        }
                    }
                }
            }
        }
    }
}
