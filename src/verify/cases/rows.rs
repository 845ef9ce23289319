//! `log_softmax`, `argmax` and `mix`.

use std::fmt;

use super::operation::{Operation, Output, Work, count};
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
    fn array(self, inputs: &Inputs, stream: &str, shape: [usize; 2]) -> Array {
        match self {
            Self::Ordinary => inputs.array(stream, shape, 4.0),
            Self::Extreme => inputs.steps(stream, shape, 5000.0),
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

/// What is asked of every row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowsOperation {
    /// Its log softmax.
    LogSoftmax,
    /// The column of its largest element.
    Argmax,
}

/// An operation on every row.
#[derive(Clone, Copy, Debug)]
pub struct RowsCase {
    /// Which.
    pub operation: RowsOperation,
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub vocab_size: usize,
    /// What the rows hold.
    pub logits: Logits,
}

/// Input and output of [`RowsCase`].
#[derive(Debug)]
pub struct RowsReady<B: Backend> {
    logits: B::Tensor,
    out: RowsOut<B>,
}

#[derive(Debug)]
enum RowsOut<B: Backend> {
    Numbers(B::Tensor),
    Columns(B::Ids),
}

impl fmt::Display for RowsCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} × {}{}", self.rows, self.vocab_size, self.logits)
    }
}

impl Operation for RowsCase {
    type Ready<B: Training> = RowsReady<B>;

    fn name(&self) -> &'static str {
        match self.operation {
            RowsOperation::LogSoftmax => "log_softmax",
            RowsOperation::Argmax => "argmax",
        }
    }

    fn prepare<B: Training>(&self, backend: &B, inputs: &Inputs) -> Result<Self::Ready<B>> {
        Ok(RowsReady {
            logits: backend.upload(&self.logits.array(inputs, "logits", [self.rows, self.vocab_size]))?,
            out: match self.operation {
                RowsOperation::LogSoftmax => RowsOut::Numbers(backend.zeros(self.rows, self.vocab_size)?),
                RowsOperation::Argmax => RowsOut::Columns(backend.upload_ids(&vec![u32::MAX; self.rows])?),
            },
        })
    }

    async fn run<B: Training>(&self, backend: &B, ready: &mut Self::Ready<B>) -> Result<()> {
        match &mut ready.out {
            RowsOut::Numbers(out) => backend.log_softmax(&ready.logits, out),
            RowsOut::Columns(out) => backend.argmax(&ready.logits, out),
        }
    }

    async fn outputs<B: Training>(&self, backend: &B, ready: &Self::Ready<B>) -> Result<Vec<Output>> {
        Ok(vec![match &ready.out {
            RowsOut::Numbers(out) => Output::read(backend, "out", [self.rows, self.vocab_size], out).await?,
            RowsOut::Columns(out) => Output::read_ids(backend, "out", [self.rows], out).await?,
        }])
    }

    fn work(&self) -> Work {
        let written = match self.operation {
            RowsOperation::LogSoftmax => self.vocab_size,
            RowsOperation::Argmax => 1,
        };
        Work { flops: 0.0, weights: 0.0, values: count([self.rows, self.vocab_size + written]) }
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
        let logits = |model| backend.upload(&self.logits.array(inputs, &format!("logits {model}"), shape));
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

pub(super) fn cases<C: From<RowsCase> + From<MixCase>>() -> Vec<C> {
    let sizes = [(1, 1), (1, 131), (5, 3), (7, 43), (67, 13), (3, 1030)];
    let mut cases: Vec<C> = Vec::new();
    for operation in [RowsOperation::LogSoftmax, RowsOperation::Argmax] {
        for (rows, vocab_size) in sizes {
            let case = |logits| RowsCase { operation, rows, vocab_size, logits }.into();
            cases.extend([Logits::Ordinary, Logits::Extreme].map(case));
        }
    }
    for (rows, vocab_size) in sizes {
        cases.push(MixCase { rows, vocab_size, models: 3, logits: Logits::Ordinary }.into());
    }
    cases.push(MixCase { rows: 5, vocab_size: 43, models: 2, logits: Logits::Extreme }.into());
    cases
}
