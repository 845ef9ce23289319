//! Pairs to learn from, and pairs to be judged by.

use std::collections::HashSet;

use super::{Pair, group};
use crate::hash::{fnv, split_mix};
use crate::{Error, Result};

/// Divides pairs by their sources: (to learn from, to validate with), both in the order of the pairs.
///
/// `fraction` is the share of the sources that validate, rounded; at least one source is on either side, if the
/// fraction is above 0 and there are two. All targets of a source stay together, for a model that knows one
/// pronunciation of a word has seen the word. Which sources validate depends on the seed and on the set of sources, not
/// on their order.
///
/// # Errors
///
/// [`Error::Config`] if the fraction is not from 0 to below 1.
pub fn split(pairs: &[Pair], fraction: f64, seed: u64) -> Result<(Vec<Pair>, Vec<Pair>)> {
    if !(0.0..1.0).contains(&fraction) {
        return Err(Error::Config {
            key: "fraction of the sources that validate".to_owned(),
            expected: "from 0 to below 1".to_owned(),
            found: fraction.to_string(),
        });
    }
    let mut sources: Vec<(u64, &str)> =
        group(pairs).into_iter().map(|group| (hash(group.source, seed), group.source)).collect();
    sources.sort_unstable();
    let least = usize::from(fraction > 0.0).min(sources.len().saturating_sub(1));
    let most = sources.len().saturating_sub(1);
    let size = ((fraction * sources.len() as f64).round() as usize).clamp(least, most);
    let validate: HashSet<&str> = sources.iter().take(size).map(|&(_, source)| source).collect();
    let (valid, train) = pairs.iter().cloned().partition(|pair| validate.contains(pair.source.as_str()));
    Ok((train, valid))
}

/// A hash of the text and the seed; one bit of either changes every bit of it with even odds.
fn hash(text: &str, seed: u64) -> u64 {
    split_mix(fnv(text.bytes()) ^ split_mix(seed, 1), 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 100 sources; every third has two targets, which do not stand together.
    fn pairs() -> Vec<Pair> {
        let pair = |number: usize, target: &str| Pair {
            source: format!("word{number}"),
            target: target.to_owned(),
            line: number + 1,
        };
        let more = (0..100).step_by(3).map(|number| pair(number, "other"));
        (0..100).map(|number| pair(number, "one")).chain(more).collect()
    }

    fn sources(pairs: &[Pair]) -> HashSet<&str> {
        pairs.iter().map(|pair| pair.source.as_str()).collect()
    }

    #[test]
    fn no_source_is_on_both_sides_and_no_pair_is_lost() -> Result<()> {
        let (train, valid) = split(&pairs(), 0.1, 7)?;
        assert_eq!((sources(&train).len(), sources(&valid).len()), (90, 10));
        assert!(sources(&train).is_disjoint(&sources(&valid)));
        let at = |pair: &Pair| pairs().iter().position(|other| other == pair).expect("one of the pairs");
        for side in [&train, &valid] {
            assert!(side.iter().map(at).is_sorted());
        }
        assert_eq!(train.len() + valid.len(), pairs().len());
        Ok(())
    }

    #[test]
    fn the_seed_and_the_sources_decide_not_their_order() -> Result<()> {
        let reversed: Vec<Pair> = pairs().into_iter().rev().collect();
        let (_, valid) = split(&pairs(), 0.2, 7)?;
        assert_eq!(sources(&valid), sources(&split(&reversed, 0.2, 7)?.1));
        assert_ne!(sources(&valid), sources(&split(&pairs(), 0.2, 8)?.1));
        // The same on every machine and in every version.
        let (_, few) = split(&pairs(), 0.03, 0)?;
        let mut few: Vec<&str> = sources(&few).into_iter().collect();
        few.sort_unstable();
        assert_eq!(few, ["word18", "word67", "word78"]);
        Ok(())
    }

    #[test]
    fn both_sides_have_a_source_where_possible() -> Result<()> {
        let sizes = |pairs: &[Pair], fraction| {
            split(pairs, fraction, 1).map(|(train, valid)| (sources(&train).len(), sources(&valid).len()))
        };
        let three = &pairs()[..3];
        assert_eq!(sizes(three, 0.0)?, (3, 0));
        assert_eq!(sizes(three, 1e-9)?, (2, 1));
        assert_eq!(sizes(three, 0.999)?, (1, 2));
        assert_eq!(sizes(&three[..1], 0.5)?, (1, 0));
        assert_eq!(sizes(&[], 0.5)?, (0, 0));
        for fraction in [-0.1, 1.0, f64::NAN, f64::INFINITY] {
            assert!(matches!(split(three, fraction, 1), Err(Error::Config { .. })));
        }
        Ok(())
    }
}
