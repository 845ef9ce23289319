//! Which pairs are learnt together, and when: a function of seed, epoch and step.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use super::{Examples, TrainOptions};
use crate::batch::PairBatch;
use crate::hash::split_mix;
use crate::model::Config;
use crate::{Error, Result};

/// Steps that are prepared ahead of the device.
const AHEAD: usize = 4;

/// The batches of one step of the optimizer.
#[derive(Debug)]
pub struct Step {
    /// What gradients are accumulated over.
    pub batches: Vec<PairBatch>,
    /// Target symbols of all of them.
    pub tokens: usize,
}

/// Cuts pairs into batches of similar lengths.
#[derive(Clone, Debug)]
pub struct Batcher {
    lengths: Vec<[usize; 2]>,
    batch_size: usize,
    batch_tokens: usize,
    accumulate: usize,
    seed: u64,
}

impl Batcher {
    /// For pairs of these lengths, source and target.
    pub fn new(lengths: Vec<[usize; 2]>, options: &TrainOptions) -> Self {
        Self {
            lengths,
            // Batches that are limited by their symbols may have as many pairs as these allow.
            batch_size: if options.batch_tokens.is_some() { usize::MAX } else { options.batch_size },
            batch_tokens: options.batch_tokens.unwrap_or(usize::MAX),
            accumulate: options.accumulate,
            seed: u64::from(options.seed),
        }
    }

    /// All pairs in batches, each with the pairs' indices, in an order that no length has an influence on.
    ///
    /// Pairs are shuffled, then sorted by length: which of those of one length come together is another draw in every
    /// epoch, but where batches are cut is not, so that all epochs have equally many.
    pub fn epoch(&self, epoch: u64) -> Vec<Vec<usize>> {
        let mut order: Vec<usize> = (0..self.lengths.len()).collect();
        shuffle(&mut order, split_mix(self.seed, 2 * epoch + 1));
        order.sort_by_key(|&pair| self.lengths[pair]);
        let mut batches = self.cut(&order);
        shuffle(&mut batches, split_mix(self.seed, 2 * epoch + 2));
        batches
    }

    /// All pairs in batches, the shortest first.
    pub fn in_order(&self) -> Vec<Vec<usize>> {
        let mut order: Vec<usize> = (0..self.lengths.len()).collect();
        order.sort_by_key(|&pair| self.lengths[pair]);
        self.cut(&order)
    }

    /// Steps of an epoch.
    pub fn steps(&self) -> u64 {
        self.in_order().len().div_ceil(self.accumulate) as u64
    }

    fn cut(&self, order: &[usize]) -> Vec<Vec<usize>> {
        let mut batches: Vec<Vec<usize>> = Vec::new();
        let mut longest = 0;
        for &pair in order {
            let [source, target] = self.lengths[pair];
            let length = source.max(target + 1); // eos is a symbol too
            longest = longest.max(length);
            match batches.last_mut() {
                Some(batch)
                    if batch.len() < self.batch_size
                        && (batch.len() + 1).saturating_mul(longest) <= self.batch_tokens =>
                {
                    batch.push(pair);
                }
                _ => {
                    longest = length;
                    batches.push(vec![pair]);
                }
            }
        }
        batches
    }
}

/// The steps from a position on, prepared by a thread of its own while the device works on the last ones.
#[derive(Debug)]
pub struct Feed {
    steps: Receiver<Result<Step>>,
}

impl Feed {
    /// Begins with step `step` of epoch `epoch`, both counted from 0.
    pub fn new(examples: Arc<Examples>, batcher: Batcher, config: Config, epoch: u64, step: u64) -> Result<Self> {
        let (sender, steps) = sync_channel(AHEAD);
        let work = move || {
            let mut done = usize::try_from(step).unwrap_or(usize::MAX);
            for epoch in epoch.. {
                let batches = batcher.epoch(epoch);
                for group in batches.chunks(batcher.accumulate).skip(done) {
                    // Nobody wants the next step once training has ended.
                    if sender.send(prepare(&examples, group, &config)).is_err() {
                        return;
                    }
                }
                done = 0;
            }
        };
        thread::Builder::new().name("batches".to_owned()).spawn(work).map_err(Error::io("a thread for batches"))?;
        Ok(Self { steps })
    }

    /// The next step.
    pub fn next(&self) -> Result<Step> {
        let ended = |_| Error::io("a thread for batches")(std::io::Error::other("it ended before training did"));
        self.steps.recv().map_err(ended)?
    }
}

fn prepare(examples: &Examples, group: &[Vec<usize>], config: &Config) -> Result<Step> {
    let batches: Vec<PairBatch> = group.iter().map(|batch| examples.batch(batch, config)).collect::<Result<_>>()?;
    let tokens = batches.iter().map(|batch| batch.tokens).sum();
    Ok(Step { batches, tokens })
}

/// Fisher and Yates 1938; draw i is output i of SplitMix64.
fn shuffle<T>(list: &mut [T], seed: u64) {
    for last in (1..list.len()).rev() {
        // The upper half of a product with the draw: unbiased to 2⁻⁶⁴ of the list's length.
        let other = (u128::from(split_mix(seed, last as u64)) * (last as u128 + 1)) >> 64;
        list.swap(last, other as usize);
    }
}

/// What the masks of dropout of one batch depend on: another number for every batch of a run.
pub fn dropout_seed(seed: u32, step: u64, batch: usize) -> u32 {
    (split_mix(split_mix(u64::from(seed), step), batch as u64) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batcher(batch_size: usize, batch_tokens: Option<usize>) -> Batcher {
        let lengths = (0..101).map(|pair| [1 + pair * 7 % 13, pair * 5 % 11]).collect();
        let options = TrainOptions { batch_size, batch_tokens, accumulate: 3, ..Default::default() };
        Batcher::new(lengths, &options)
    }

    #[test]
    fn an_epoch_has_every_pair_once() {
        for batcher in [batcher(8, None), batcher(1, Some(40)), batcher(1000, None), batcher(8, Some(1))] {
            let mut pairs: Vec<usize> = batcher.epoch(3).concat();
            pairs.sort_unstable();
            assert!(pairs.into_iter().eq(0..101));
        }
    }

    #[test]
    fn epochs_differ_and_seeds_reproduce() {
        let batcher = batcher(8, None);
        assert_eq!(batcher.epoch(0), batcher.epoch(0));
        assert_ne!(batcher.epoch(0), batcher.epoch(1));
        let other = Batcher { seed: 2, ..batcher.clone() };
        assert_ne!(batcher.epoch(0), other.epoch(0));
        assert_eq!(batcher.epoch(0).len().div_ceil(3) as u64, batcher.steps());
    }

    #[test]
    fn batches_keep_to_their_tokens() {
        let batcher = batcher(1, Some(40));
        for epoch in 0..3 {
            for batch in batcher.epoch(epoch) {
                let longest = batch.iter().map(|&pair| batcher.lengths[pair]).map(|[s, t]| s.max(t + 1)).max();
                assert!(batch.len() * longest.unwrap_or(0) <= 40, "{batch:?}");
            }
        }
        let counts: Vec<usize> = (0..5).map(|epoch| batcher.epoch(epoch).len()).collect();
        assert!(counts.iter().all(|&count| count == counts[0]), "{counts:?}");
    }

    #[test]
    fn batches_have_no_order_of_length() {
        let batcher = batcher(8, None);
        let longest: Vec<usize> = batcher
            .epoch(0)
            .iter()
            .map(|batch| batch.iter().map(|&pair| batcher.lengths[pair][0]).max().unwrap_or(0))
            .collect();
        assert!(!longest.is_sorted());
    }
}
