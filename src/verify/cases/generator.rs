//! `log_softmax`, `argmax` and `greedy_step`.

use std::fmt;

use super::{Case, Operation, Output, Work, count};
use crate::backend::{Backend, Progress, Training};
use crate::model::SpecialTokens;
use crate::verify::inputs::Inputs;
use crate::{Array, Result};

/// What logits look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logits {
    /// Within ±4.
    Ordinary,
    /// −10⁴, −5000, 0, 5000 or 10⁴: many are equal.
    Extreme,
}

impl Logits {
    fn array(self, inputs: &Inputs, shape: [usize; 2]) -> Array {
        match self {
            Self::Ordinary => inputs.array("logits", shape, 4.0),
            Self::Extreme => inputs.steps("logits", shape, 5000.0),
        }
    }
}

impl fmt::Display for Logits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ordinary => "",
            Self::Extreme => ", ±10⁴ with ties",
        })
    }
}

/// log softmax of every row.
#[derive(Clone, Copy, Debug)]
pub struct LogSoftmaxCase {
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub vocab_size: usize,
    /// What the rows hold.
    pub logits: Logits,
}

/// Input and output of [`LogSoftmaxCase`].
#[derive(Debug)]
pub struct LogSoftmaxReady<B: Backend> {
    logits: B::Tensor,
    out: B::Tensor,
}

impl fmt::Display for LogSoftmaxCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} × {}{}", self.rows, self.vocab_size, self.logits)
    }
}

impl Operation for LogSoftmaxCase {
    type Ready<B: Training> = LogSoftmaxReady<B>;

    fn name(&self) -> &'static str {
        "log_softmax"
    }

    fn prepare<B: Training>(&self, backend: &B, inputs: &Inputs) -> Result<Self::Ready<B>> {
        Ok(LogSoftmaxReady {
            logits: backend.upload(&self.logits.array(inputs, [self.rows, self.vocab_size]))?,
            out: backend.zeros(self.rows, self.vocab_size)?,
        })
    }

    async fn run<B: Training>(&self, backend: &B, ready: &mut Self::Ready<B>) -> Result<()> {
        backend.log_softmax(&ready.logits, &mut ready.out)
    }

    async fn outputs<B: Training>(&self, backend: &B, ready: &Self::Ready<B>) -> Result<Vec<Output>> {
        Ok(vec![Output::read(backend, "out", [self.rows, self.vocab_size], &ready.out).await?])
    }

    fn work(&self) -> Work {
        Work { flops: 0.0, weights: 0.0, values: 2.0 * count([self.rows, self.vocab_size]) }
    }
}

/// The column of the largest element of every row.
#[derive(Clone, Copy, Debug)]
pub struct ArgmaxCase {
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub vocab_size: usize,
    /// What the rows hold.
    pub logits: Logits,
}

/// Input and output of [`ArgmaxCase`].
#[derive(Debug)]
pub struct ArgmaxReady<B: Backend> {
    logits: B::Tensor,
    out: B::Ids,
}

impl fmt::Display for ArgmaxCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} × {}{}", self.rows, self.vocab_size, self.logits)
    }
}

impl Operation for ArgmaxCase {
    type Ready<B: Training> = ArgmaxReady<B>;

    fn name(&self) -> &'static str {
        "argmax"
    }

    fn prepare<B: Training>(&self, backend: &B, inputs: &Inputs) -> Result<Self::Ready<B>> {
        Ok(ArgmaxReady {
            logits: backend.upload(&self.logits.array(inputs, [self.rows, self.vocab_size]))?,
            out: backend.upload_ids(&vec![u32::MAX; self.rows])?,
        })
    }

    async fn run<B: Training>(&self, backend: &B, ready: &mut Self::Ready<B>) -> Result<()> {
        backend.argmax(&ready.logits, &mut ready.out)
    }

    async fn outputs<B: Training>(&self, backend: &B, ready: &Self::Ready<B>) -> Result<Vec<Output>> {
        Ok(vec![Output::read_ids(backend, "out", [self.rows], &ready.out).await?])
    }

    fn work(&self) -> Work {
        Work { flops: 0.0, weights: 0.0, values: count([self.rows, self.vocab_size + 1]) }
    }
}

/// The choice of the next token, several steps of it.
#[derive(Clone, Copy, Debug)]
pub struct GreedyStepCase {
    /// Sentences.
    pub batch: usize,
    /// Columns of the attentional state.
    pub hidden: usize,
    /// Columns of the logits.
    pub vocab_size: usize,
    /// How many steps.
    pub steps: usize,
    /// Tokens that there is room for.
    pub max_length: usize,
    /// Whether sentences end now and then, or never.
    pub ends: bool,
}

const SPECIAL: SpecialTokens = SpecialTokens { pad: 0, bos: 1, eos: 2, unk: None };

/// Inputs and outputs of [`GreedyStepCase`].
#[derive(Debug)]
pub struct GreedyStepReady<B: Backend> {
    generator: B::Linear,
    attentional: Vec<B::Tensor>,
    progress: Progress<B>,
}

impl fmt::Display for GreedyStepCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { batch, hidden, vocab_size, steps, max_length, ends } = self;
        write!(f, "batch {batch}, hidden {hidden}, vocabulary {vocab_size}, {steps} of {max_length} steps")?;
        if *ends { Ok(()) } else { write!(f, ", none the last") }
    }
}

impl Operation for GreedyStepCase {
    type Ready<B: Training> = GreedyStepReady<B>;

    fn name(&self) -> &'static str {
        "greedy_step"
    }

    fn prepare<B: Training>(&self, backend: &B, inputs: &Inputs) -> Result<Self::Ready<B>> {
        let Self { batch, hidden, vocab_size, steps, max_length, ends } = *self;
        let weight = inputs.weights("weight", [vocab_size, hidden], 3.0 / (hidden as f32).sqrt());
        let mut bias = inputs.weights("bias", [vocab_size], 0.5);
        // Likely enough that some sentences finish and others do not.
        bias.data[SPECIAL.eos as usize] = inputs.stored(if ends { 1.5 } else { -50.0 });
        let attentional = |step| backend.upload(&inputs.array(&format!("attentional {step}"), [batch, hidden], 1.0));
        Ok(GreedyStepReady {
            generator: backend.linear_weights(&weight, Some(&bias), &[hidden])?,
            attentional: (0..steps).map(attentional).collect::<Result<_>>()?,
            progress: Progress::new(backend, &SPECIAL, batch, max_length, vocab_size)?,
        })
    }

    async fn run<B: Training>(&self, backend: &B, ready: &mut Self::Ready<B>) -> Result<()> {
        for (step, attentional) in ready.attentional.iter().enumerate() {
            backend.greedy_step(&ready.generator, attentional, &SPECIAL, step, &mut ready.progress)?;
        }
        Ok(())
    }

    async fn outputs<B: Training>(&self, backend: &B, ready: &Self::Ready<B>) -> Result<Vec<Output>> {
        let progress = &ready.progress;
        Ok(vec![
            Output::read_ids(backend, "tokens", [self.batch, self.max_length], &progress.tokens).await?,
            Output::read_ids(backend, "previous", [self.batch], &progress.previous).await?,
            Output::read_ids(backend, "finished", [self.batch], &progress.finished).await?,
            Output::read(backend, "log_prob", [self.batch, 1], &progress.log_prob).await?,
        ])
    }

    fn work(&self) -> Work {
        let Self { batch, hidden, vocab_size, steps, .. } = *self;
        Work {
            flops: 2.0 * count([steps, batch, hidden, vocab_size]),
            weights: count([steps, vocab_size, hidden + 1]),
            values: count([steps, batch, hidden + 4]),
        }
    }
}

pub(super) fn cases() -> Vec<Case> {
    let sizes = [(1, 1), (1, 131), (5, 3), (7, 43), (67, 13), (3, 1030)];
    let logits = [Logits::Ordinary, Logits::Extreme];
    let mut cases: Vec<Case> = Vec::new();
    for (rows, vocab_size) in sizes {
        cases.extend(logits.map(|logits| LogSoftmaxCase { rows, vocab_size, logits }.into()));
    }
    for (rows, vocab_size) in sizes {
        cases.extend(logits.map(|logits| ArgmaxCase { rows, vocab_size, logits }.into()));
    }
    let greedy = GreedyStepCase { batch: 0, hidden: 0, vocab_size: 0, steps: 0, max_length: 0, ends: true };
    cases.extend([
        GreedyStepCase { batch: 1, hidden: 5, vocab_size: 7, steps: 1, max_length: 1, ..greedy }.into(),
        GreedyStepCase { batch: 7, hidden: 13, vocab_size: 11, steps: 6, max_length: 9, ..greedy }.into(),
        GreedyStepCase { batch: 3, hidden: 37, vocab_size: 131, steps: 3, max_length: 3, ..greedy }.into(),
        GreedyStepCase { batch: 67, hidden: 9, vocab_size: 43, steps: 4, max_length: 5, ..greedy }.into(),
        GreedyStepCase { batch: 2, hidden: 69, vocab_size: 1030, steps: 2, max_length: 4, ..greedy }.into(),
    ]);
    cases
}
