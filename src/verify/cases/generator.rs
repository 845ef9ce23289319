//! `log_softmax`, `argmax` and `mix`.

use std::fmt;

use super::{Case, Operation, Output, Work, count};
use crate::backend::{Backend, Share, Training};
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

/// The probabilities of an ensemble.
#[derive(Clone, Copy, Debug)]
pub struct MixCase {
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub vocab_size: usize,
    /// Models.
    pub models: usize,
    /// What the rows of their logits hold.
    pub logits: Logits,
}

/// Inputs and output of [`MixCase`].
#[derive(Debug)]
pub struct MixReady<B: Backend> {
    logits: Vec<B::Tensor>,
    probabilities: B::Tensor,
}

impl fmt::Display for MixCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} models, {} × {}{}", self.models, self.rows, self.vocab_size, self.logits)
    }
}

impl Operation for MixCase {
    type Ready<B: Training> = MixReady<B>;

    fn name(&self) -> &'static str {
        "mix"
    }

    fn prepare<B: Training>(&self, backend: &B, inputs: &Inputs) -> Result<Self::Ready<B>> {
        let shape = [self.rows, self.vocab_size];
        let logits = |model| {
            let logits = match self.logits {
                Logits::Ordinary => inputs.array(&format!("logits {model}"), shape, 4.0),
                Logits::Extreme => inputs.steps(&format!("logits {model}"), shape, 5000.0),
            };
            backend.upload(&logits)
        };
        Ok(MixReady {
            logits: (0..self.models).map(logits).collect::<Result<_>>()?,
            // What was there before does not count.
            probabilities: backend.upload(&inputs.array("before", shape, 1.0))?,
        })
    }

    async fn run<B: Training>(&self, backend: &B, ready: &mut Self::Ready<B>) -> Result<()> {
        for (model, logits) in ready.logits.iter().enumerate() {
            backend.mix(logits, Share::of(model, self.models), &mut ready.probabilities)?;
        }
        Ok(())
    }

    async fn outputs<B: Training>(&self, backend: &B, ready: &Self::Ready<B>) -> Result<Vec<Output>> {
        Ok(vec![Output::read(backend, "probabilities", [self.rows, self.vocab_size], &ready.probabilities).await?])
    }

    fn work(&self) -> Work {
        let values = count([2 * self.models, self.rows, self.vocab_size]);
        Work { flops: 0.0, weights: 0.0, values }
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
    for (rows, vocab_size) in sizes {
        cases.push(MixCase { rows, vocab_size, models: 3, logits: Logits::Ordinary }.into());
    }
    cases.push(MixCase { rows: 5, vocab_size: 43, models: 2, logits: Logits::Extreme }.into());
    cases
}
