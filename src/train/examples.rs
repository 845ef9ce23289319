//! Pairs as ids.

use crate::batch::PairBatch;
use crate::hash::fnv;
use crate::model::Config;
use crate::text::Tokenizer;
use crate::text::pairs::Pair;
use crate::{Error, Result};

/// A pair as a model is taught it, without bos and eos.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// The source's ids.
    pub source: Vec<u32>,
    /// The target's ids; there may be none.
    pub target: Vec<u32>,
}

/// What a model learns from or is tested with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Examples {
    list: Vec<Example>,
}

/// Pairs that a model cannot be taught.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// How many.
    pub count: usize,
    /// The first one's line and what is wrong with it.
    pub first: (usize, String),
}

impl Examples {
    /// The ids of pairs.
    ///
    /// Pairs with an empty source, with a symbol that has no id, or with a side of more than `longest` symbols (source,
    /// target) are left out. An empty target is one.
    pub fn new(
        pairs: &[Pair],
        source: &Tokenizer,
        target: &Tokenizer,
        longest: [usize; 2],
    ) -> Result<(Self, Option<LeftOut>)> {
        let mut list = Vec::with_capacity(pairs.len());
        let mut left_out: Option<LeftOut> = None;
        for pair in pairs {
            match example(pair, source, target, longest) {
                Ok(example) => list.push(example),
                Err(reason @ (Error::EmptySource | Error::UnknownSymbol { .. } | Error::SourceTooLong { .. })) => {
                    let first = || LeftOut { count: 0, first: (pair.line, reason.to_string()) };
                    left_out.get_or_insert_with(first).count += 1;
                }
                Err(error) => return Err(error),
            }
        }
        Ok((Self { list }, left_out))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Symbols of source and target of each, eos not among them.
    pub fn lengths(&self) -> Vec<[usize; 2]> {
        self.list.iter().map(|example| [example.source.len(), example.target.len()]).collect()
    }

    /// These of them, as a batch.
    pub fn batch(&self, which: &[usize], config: &Config) -> Result<PairBatch> {
        let pairs: Vec<(&[u32], &[u32])> =
            which.iter().map(|&at| (self.list[at].source.as_slice(), self.list[at].target.as_slice())).collect();
        PairBatch::new(&pairs, config)
    }

    /// A number that other examples hardly have: FNV-1a over all ids, with what no id is between them.
    pub(super) fn digest(&self) -> u64 {
        let sides = self.list.iter().flat_map(|example| [&example.source, &example.target]);
        let ids = sides.flat_map(|ids| ids.iter().copied().chain([u32::MAX]));
        fnv(ids.flat_map(u32::to_le_bytes))
    }
}

impl From<Vec<Example>> for Examples {
    fn from(list: Vec<Example>) -> Self {
        Self { list }
    }
}

fn example(pair: &Pair, source: &Tokenizer, target: &Tokenizer, longest: [usize; 2]) -> Result<Example> {
    let source = source.encode(&pair.source)?.ids;
    let target = match target.encode(&pair.target) {
        Err(Error::EmptySource) => Vec::new(),
        encoding => encoding?.ids,
    };
    for (length, limit) in [source.len(), target.len()].into_iter().zip(longest) {
        if length > limit {
            return Err(Error::SourceTooLong { length, limit, limited_by: "the longest text to train with" });
        }
    }
    Ok(Example { source, target })
}
