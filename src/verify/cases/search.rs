//! `extend` and `cover`.

use std::fmt;

use super::operation::{Operation, Output, Values, Work, count};
use crate::backend::{
    AttendedStep, Backend, Distribution, LengthPenalty, Search, SearchRules, Share, Status, Training,
};
use crate::model::SpecialTokens;
use crate::verify::inputs::Inputs;
use crate::{Array, Result};

const SPECIAL: SpecialTokens = SpecialTokens { pad: 0, bos: 1, eos: 2, unk: None };

/// Some steps of a search.
#[derive(Clone, Copy, Debug)]
pub struct ExtendCase {
    /// Sentences.
    pub batch: usize,
    /// Columns of the attentional state.
    pub hidden: usize,
    /// Columns of the logits.
    pub vocab_size: usize,
    /// Live hypotheses of a sentence.
    pub beam: usize,
    /// Finished ones that are kept.
    pub n_best: usize,
    /// What log probabilities are divided by.
    pub length_penalty: LengthPenalty,
    /// How many steps.
    pub steps: usize,
    /// The most symbols of the first sentence; the others' are smaller by one, two or nothing.
    pub limit: usize,
    /// What eos is added to its logit.
    pub eos: f32,
    /// Whether every symbol has a twin that is as probable.
    pub twins: bool,
    /// Whether the probabilities are given, as those of an ensemble, and pad and bos avoided.
    pub mixed: bool,
    /// Whether hypotheses have coverage penalties.
    pub covered: bool,
}

/// Inputs and outputs of [`ExtendCase`].
#[derive(Debug)]
pub struct ExtendReady<B: Backend> {
    rules: SearchRules,
    generator: B::Linear,
    attentional: Vec<B::Tensor>,
    probabilities: Vec<B::Tensor>,
    search: Search<B>,
}

impl fmt::Display for ExtendCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { batch, hidden, vocab_size, beam, n_best, length_penalty, steps, limit, eos, .. } = self;
        write!(f, "batch {batch}, hidden {hidden}, vocabulary {vocab_size}, {n_best} best of {beam}, ")?;
        write!(f, "penalty {length_penalty}, {steps} of {limit} steps, eos {eos:+}")?;
        for (said, word) in [(self.twins, "twins"), (self.mixed, "mixed"), (self.covered, "covered")] {
            if said {
                write!(f, ", {word}")?;
            }
        }
        Ok(())
    }
}

impl ExtendCase {
    fn rows(&self, step: usize) -> usize {
        self.batch * if step == 0 { 1 } else { self.beam }
    }

    fn limits(&self) -> Vec<usize> {
        (0..self.batch).map(|sentence| (self.limit - sentence % 3 % self.limit).max(1)).collect()
    }
}

impl Operation for ExtendCase {
    type Ready<B: Training> = ExtendReady<B>;

    fn name(&self) -> &'static str {
        "extend"
    }

    fn prepare<B: Training>(&self, backend: &B, inputs: &Inputs) -> Result<Self::Ready<B>> {
        let Self { batch, hidden, vocab_size, beam, n_best, length_penalty, steps, eos, twins, mixed, covered, .. } =
            *self;
        let coverage_penalty = if covered { 0.3 } else { 0.0 };
        let rules = SearchRules { beam, n_best, length_penalty, coverage_penalty, text_only: mixed, special: SPECIAL };
        let mut weight = inputs.weights("weight", [vocab_size, hidden], 3.0 / (hidden as f32).sqrt());
        let mut bias = inputs.weights("bias", [vocab_size], 0.5);
        if twins {
            let half = vocab_size / 2;
            weight.data.copy_within(..half * hidden, half * hidden);
            bias.data.copy_within(..half, half);
        }
        let weight = inputs.linear(weight);
        bias.data[SPECIAL.eos as usize] = inputs.stored(eos);
        let attentional =
            |step| backend.upload(&inputs.array(&format!("attentional {step}"), [self.rows(step), hidden], 1.0));
        let probabilities = |step| {
            let mut rows = inputs.array(&format!("probabilities {step}"), [self.rows(step), vocab_size], 1.0);
            for row in rows.data.chunks_mut(vocab_size) {
                row.iter_mut().for_each(|probability| *probability = probability.abs());
                let sum: f32 = row.iter().sum();
                row.iter_mut().for_each(|probability| *probability /= sum);
            }
            backend.upload(&rows)
        };
        let mut search = Search::new(backend, &rules, &vec![1; batch], &self.limits(), steps, vocab_size)?;
        if let Some(coverage) = &mut search.coverage {
            coverage.penalty = backend.upload(&inputs.array("penalty", [batch * beam, 1], 1.0))?;
        }
        Ok(ExtendReady {
            generator: backend.linear_weights(&weight, Some(&bias))?,
            attentional: (0..steps).map(attentional).collect::<Result<_>>()?,
            probabilities: if mixed { (0..steps).map(probabilities).collect::<Result<_>>()? } else { Vec::new() },
            search,
            rules,
        })
    }

    async fn run<B: Training>(&self, backend: &B, ready: &mut Self::Ready<B>) -> Result<()> {
        let ExtendReady { rules, generator, attentional, probabilities, search } = ready;
        for (step, attentional) in attentional.iter().enumerate() {
            let distribution = match probabilities.get(step) {
                Some(probabilities) => Distribution::Probabilities(probabilities),
                None => Distribution::Generator { weights: generator, attentional },
            };
            backend.extend(rules, distribution, step, step, search)?;
        }
        Ok(())
    }

    async fn outputs<B: Training>(&self, backend: &B, ready: &Self::Ready<B>) -> Result<Vec<Output>> {
        let Self { batch, beam, n_best, steps, .. } = *self;
        let search = &ready.search;
        let status = Output::read_ids(backend, "status", [3, batch], &search.status).await?;
        let mut log_prob = Output::read(backend, "log_prob", [batch, beam], &search.log_prob).await?;
        if let (Values::Ids(status), Values::Numbers(log_prob)) = (&status.values, &mut log_prob.values) {
            for (numbers, &live) in log_prob.data.chunks_mut(beam).zip(status.row(Status::Live as usize)) {
                numbers[live as usize..].fill(0.0);
            }
        }
        Ok(vec![
            Output::read_ids(backend, "frontier", [2, batch, beam], &search.frontier).await?,
            status,
            log_prob,
            Output::read(backend, "finished", [batch, n_best, 4], &search.finished).await?,
            Output::read_ids(backend, "trellis", [steps, 2, batch, beam], &search.trellis).await?,
        ])
    }

    fn work(&self) -> Work {
        let Self { batch, beam, hidden, vocab_size, steps, .. } = *self;
        Work {
            flops: 2.0 * count([steps, batch, beam, hidden, vocab_size]),
            weights: count([steps, vocab_size, hidden + 1]),
            values: count([steps, batch, beam, hidden + 4]),
        }
    }
}

/// What was attended to, of some models.
#[derive(Clone, Copy, Debug)]
pub struct CoverCase {
    /// Sentences.
    pub batch: usize,
    /// Positions of the longest source.
    pub src_len: usize,
    /// Live hypotheses of a sentence.
    pub beam: usize,
    /// Hypotheses of a sentence in the step.
    pub width: usize,
    /// Rows of a sentence in the weights, of which those of the step come last.
    pub rows: usize,
    /// Models.
    pub models: usize,
}

/// Inputs and outputs of [`CoverCase`].
#[derive(Debug)]
pub struct CoverReady<B: Backend> {
    rules: SearchRules,
    weights: Vec<B::Tensor>,
    search: Search<B>,
}

impl fmt::Display for CoverCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { batch, src_len, beam, width, rows, models } = self;
        write!(f, "{models} models, batch {batch}, {width} → {beam} of {rows} rows, {src_len} positions")
    }
}

impl Operation for CoverCase {
    type Ready<B: Training> = CoverReady<B>;

    fn name(&self) -> &'static str {
        "cover"
    }

    fn prepare<B: Training>(&self, backend: &B, inputs: &Inputs) -> Result<Self::Ready<B>> {
        let Self { batch, src_len, beam, width, rows, models } = *self;
        let rules = SearchRules { beam, coverage_penalty: 0.3, ..SearchRules::greedy(&SPECIAL) };
        let lengths = inputs.lengths(batch, src_len);
        let mut search = Search::new(backend, &rules, &lengths, &vec![9; batch], 1, 7)?;
        let continued = inputs.ids("continued", batch * beam, width);
        let continued = continued.iter().enumerate().map(|(row, &of)| (row / beam * width) as u32 + of);
        search.frontier = backend.upload_ids(&[vec![3; batch * beam], continued.collect()].concat())?;
        // The second sentence, where there is one, ended earlier; the third in this step.
        let ended: Vec<u32> = (0..batch).map(|sentence| [0, STEP as u32, STEP as u32 + 1][sentence.min(2)]).collect();
        search.status = backend.upload_ids(&[vec![beam as u32; batch], vec![0; batch], ended].concat())?;
        if let Some(coverage) = &mut search.coverage {
            coverage.sums = backend.upload(&positive(inputs, "sums", [batch * beam, src_len]))?;
        }
        let weights = |model| backend.upload(&positive(inputs, &format!("weights {model}"), [batch * rows, src_len]));
        Ok(CoverReady { rules, weights: (0..models).map(weights).collect::<Result<_>>()?, search })
    }

    async fn run<B: Training>(&self, backend: &B, ready: &mut Self::Ready<B>) -> Result<()> {
        let CoverReady { rules, weights, search } = ready;
        let (first_row, width) = (self.rows - self.width, self.width);
        for (model, weights) in weights.iter().enumerate() {
            let attended = AttendedStep { weights, first_row, width, step: STEP };
            backend.cover(rules, &attended, Share::of(model, self.models), search)?;
        }
        Ok(())
    }

    async fn outputs<B: Training>(&self, backend: &B, ready: &Self::Ready<B>) -> Result<Vec<Output>> {
        let Some(coverage) = &ready.search.coverage else { return Ok(Vec::new()) };
        Ok(vec![
            Output::read(backend, "sums", [self.batch, self.beam, self.src_len], &coverage.sums).await?,
            Output::read(backend, "penalty", [self.batch, self.beam], &coverage.penalty).await?,
        ])
    }

    fn work(&self) -> Work {
        let values = count([self.models, self.batch, self.beam, 3 * self.src_len + 1]);
        Work { flops: 0.0, weights: 0.0, values }
    }
}

/// Which step a [`CoverCase`] is.
const STEP: usize = 4;

/// Numbers from 0 to 0.8, so that some sums are above 1.
fn positive(inputs: &Inputs, stream: &str, shape: [usize; 2]) -> Array {
    let mut array = inputs.array(stream, shape, 0.8);
    array.data.iter_mut().for_each(|number| *number = number.abs());
    array
}

pub(super) fn cases<C: From<ExtendCase> + From<CoverCase>>() -> Vec<C> {
    let greedy = ExtendCase {
        batch: 7,
        hidden: 13,
        vocab_size: 11,
        beam: 1,
        n_best: 1,
        length_penalty: LengthPenalty::None,
        steps: 6,
        limit: 9,
        eos: 1.5,
        twins: false,
        mixed: false,
        covered: false,
    };
    let beam = ExtendCase { beam: 5, n_best: 3, length_penalty: LengthPenalty::Wu(0.6), ..greedy };
    let wide = ExtendCase { batch: 2, vocab_size: 1030, hidden: 69, steps: 3, limit: 4, ..beam };
    let extend = [
        greedy,
        ExtendCase { batch: 1, hidden: 5, vocab_size: 7, steps: 1, limit: 1, ..greedy },
        ExtendCase { batch: 3, hidden: 37, vocab_size: 131, steps: 3, limit: 3, ..greedy },
        ExtendCase { batch: 67, hidden: 9, vocab_size: 43, steps: 4, limit: 5, ..greedy },
        ExtendCase { batch: 2, hidden: 69, vocab_size: 1030, steps: 2, limit: 4, eos: 0.0, ..greedy },
        beam,
        // Penalties that let a live hypothesis win later, and one best that ends a search early.
        ExtendCase { length_penalty: LengthPenalty::Power(1.0), eos: 0.5, ..beam },
        ExtendCase { n_best: 1, length_penalty: LengthPenalty::None, eos: 3.0, ..beam },
        ExtendCase { beam: 3, n_best: 2, batch: 1, ..beam },
        // Beyond one tile of rows and of symbols; a beam wider than the vocabulary, and than a tile.
        ExtendCase { batch: 19, vocab_size: 43, steps: 3, ..beam },
        wide,
        ExtendCase { beam: 16, n_best: 7, vocab_size: 7, batch: 3, ..beam },
        ExtendCase { beam: 100, n_best: 100, vocab_size: 131, hidden: 17, batch: 2, steps: 3, limit: 3, ..beam },
        // Of equals the lower, in one tile and in two.
        ExtendCase { twins: true, vocab_size: 10, eos: 0.0, ..beam },
        ExtendCase { twins: true, vocab_size: 700, eos: 0.0, ..wide },
        ExtendCase { twins: true, vocab_size: 10, eos: 0.0, ..greedy },
        ExtendCase { mixed: true, ..beam },
        ExtendCase { mixed: true, ..wide },
        ExtendCase { covered: true, ..beam },
    ];
    let cover = CoverCase { batch: 5, src_len: 9, beam: 3, width: 3, rows: 3, models: 1 };
    let cover = [
        cover,
        CoverCase { width: 1, rows: 4, ..cover },
        CoverCase { models: 2, rows: 7, ..cover },
        CoverCase { batch: 1, src_len: 1, beam: 1, width: 1, rows: 1, models: 1 },
        CoverCase { batch: 2, src_len: 131, beam: 7, width: 7, rows: 14, models: 3 },
    ];
    extend.map(C::from).into_iter().chain(cover.map(C::from)).collect()
}
