//! What the words beside it do to a word: which of two ways it is spoken in, and the weak forms of *the* and *a*.

use super::phones::Phone;
use super::pronunciation::{Origin, Other, Spoken};
use super::reading::{Reading, Way};
use super::rules::{Condition, RULES};

/// How many words away what stands in the same text counts.
const NEAR: usize = 20;

/// Whether all conditions hold of a word.
pub fn hold(conditions: &[Condition], readings: &[Reading], at: usize) -> bool {
    let is_adverb = |reading: &&Reading| RULES.is(&reading.word, "adverb");
    let before = || {
        let connected = readings[..=at].iter().rev().take_while({
            let mut stopped = false;
            move |reading| !std::mem::replace(&mut stopped, reading.stop)
        });
        connected.skip(1).find(|reading| !is_adverb(reading))
    };
    let after = || readings[at + 1..].iter().take_while(|reading| !reading.stop).find(|reading| !is_adverb(reading));
    conditions.iter().all(|condition| match condition {
        Condition::After(names) => before().is_some_and(|reading| RULES.is_one_of(&reading.word, names)),
        Condition::Before(names) => after().is_some_and(|reading| RULES.is_one_of(&reading.word, names)),
        Condition::With(names) => {
            let near = &readings[at.saturating_sub(NEAR)..readings.len().min(at + NEAR)];
            near.iter().any(|reading| RULES.is_one_of(&reading.word, names))
        }
        Condition::Capital => readings[at].capital && at > 0,
        _ => false,
    })
}

/// The weak forms of `the`, `a` and `an`, which depend on what follows.
pub fn weaken(readings: &[Reading], words: &mut [Option<Spoken>]) {
    for at in 0..words.len() {
        let next = words.get(at + 1).and_then(|next| next.as_ref()).filter(|_| !readings[at + 1].stop);
        let next = next.and_then(|next| next.phones.first().copied());
        let Reading { way: Way::Word, capital, stop, .. } = readings[at] else { continue };
        let Some(spoken) = words[at].as_mut().filter(|spoken| spoken.origin != Origin::User) else { continue };
        let weak = match (spoken.word.as_str(), next) {
            ("the", Some(phone)) if phone.is_vowel() => "DH IY0",
            ("the", _) => "DH AH0",
            // The letter: plan A, an A.
            ("a", None) => "EY1",
            ("a", _) if capital && at > 0 && !stop => "EY1",
            ("a", _) => "AH0",
            ("an", Some(_)) => "AH0 N",
            _ => continue,
        };
        let phones: Vec<Phone> = weak.split(' ').filter_map(Phone::parse).collect();
        if spoken.phones != phones {
            let full = std::mem::replace(&mut spoken.phones, phones);
            spoken.others.retain(|other| other.phones != spoken.phones);
            spoken.others.insert(0, Other { phones: full, log_prob: None });
            spoken.origin = Origin::Rule;
        }
    }
}
