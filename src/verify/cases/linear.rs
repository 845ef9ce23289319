//! `embedding` and `linear`.

use std::fmt;

use super::{Case, Operation, Output, Work, count};
use crate::Result;
use crate::backend::{Activation, Backend, Training};
use crate::verify::inputs::Inputs;

/// The rows of a table for ids.
#[derive(Clone, Debug)]
pub struct EmbeddingCase {
    /// Rows of the table.
    pub vocab_size: usize,
    /// Columns of the table.
    pub embedding_size: usize,
    /// How many ids.
    pub ids: usize,
}

/// Inputs and output of [`EmbeddingCase`].
#[derive(Debug)]
pub struct EmbeddingReady<B: Backend> {
    table: B::Tensor,
    ids: B::Ids,
    out: B::Tensor,
}

impl fmt::Display for EmbeddingCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ids of {} × {}", self.ids, self.vocab_size, self.embedding_size)
    }
}

impl Operation for EmbeddingCase {
    type Ready<B: Training> = EmbeddingReady<B>;

    fn name(&self) -> &'static str {
        "embedding"
    }

    fn prepare<B: Training>(&self, backend: &B, inputs: &Inputs) -> Result<Self::Ready<B>> {
        Ok(EmbeddingReady {
            table: backend.upload(&inputs.weights("table", [self.vocab_size, self.embedding_size], 1.0))?,
            ids: backend.upload_ids(&inputs.ids("ids", self.ids, self.vocab_size))?,
            out: backend.zeros(self.ids, self.embedding_size)?,
        })
    }

    async fn run<B: Training>(&self, backend: &B, ready: &mut Self::Ready<B>) -> Result<()> {
        backend.embedding(&ready.table, &ready.ids, &mut ready.out)
    }

    async fn outputs<B: Training>(&self, backend: &B, ready: &Self::Ready<B>) -> Result<Vec<Output>> {
        Ok(vec![Output::read(backend, "out", [self.ids, self.embedding_size], &ready.out).await?])
    }

    fn work(&self) -> Work {
        Work { flops: 0.0, weights: 0.0, values: count([self.ids]) + 2.0 * count([self.ids, self.embedding_size]) }
    }
}

/// activation(W x + b).
#[derive(Clone, Debug)]
pub struct LinearCase {
    /// Rows of the inputs.
    pub rows: usize,
    /// Columns of each input.
    pub inputs: Vec<usize>,
    /// Columns of the output.
    pub outputs: usize,
    /// Whether there is b.
    pub bias: bool,
    /// What stands behind the product.
    pub activation: Activation,
}

/// Inputs and output of [`LinearCase`].
#[derive(Debug)]
pub struct LinearReady<B: Backend> {
    weights: B::Linear,
    inputs: Vec<B::Tensor>,
    out: B::Tensor,
}

impl fmt::Display for LinearCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inputs = self.inputs.iter().map(usize::to_string).collect::<Vec<_>>().join(" + ");
        write!(f, "{} rows, {inputs} → {}", self.rows, self.outputs)?;
        if self.bias {
            write!(f, ", bias")?;
        }
        if self.activation == Activation::Tanh {
            write!(f, ", tanh")?;
        }
        Ok(())
    }
}

impl Operation for LinearCase {
    type Ready<B: Training> = LinearReady<B>;

    fn name(&self) -> &'static str {
        "linear"
    }

    fn prepare<B: Training>(&self, backend: &B, inputs: &Inputs) -> Result<Self::Ready<B>> {
        let total: usize = self.inputs.iter().sum();
        // Sums of `total` products stay of the size that tanh bends and does not cut off.
        let scale = 1.5 / (total as f32).sqrt();
        let weight = inputs.weights("weight", [self.outputs, total], scale);
        let bias = self.bias.then(|| inputs.weights("bias", [self.outputs], 0.5));
        let part = |(part, &size): (usize, &usize)| {
            backend.upload(&inputs.array(&format!("input {part}"), [self.rows, size], 1.0))
        };
        Ok(LinearReady {
            weights: backend.linear_weights(&weight, bias.as_ref(), &self.inputs)?,
            inputs: self.inputs.iter().enumerate().map(part).collect::<Result<_>>()?,
            out: backend.zeros(self.rows, self.outputs)?,
        })
    }

    async fn run<B: Training>(&self, backend: &B, ready: &mut Self::Ready<B>) -> Result<()> {
        let inputs: Vec<_> = ready.inputs.iter().collect();
        backend.linear(&ready.weights, &inputs, self.activation, &mut ready.out)
    }

    async fn outputs<B: Training>(&self, backend: &B, ready: &Self::Ready<B>) -> Result<Vec<Output>> {
        Ok(vec![Output::read(backend, "out", [self.rows, self.outputs], &ready.out).await?])
    }

    fn work(&self) -> Work {
        let total: usize = self.inputs.iter().sum();
        Work {
            flops: 2.0 * count([self.rows, total, self.outputs]),
            weights: count([total, self.outputs]) + if self.bias { count([self.outputs]) } else { 0.0 },
            values: count([self.rows, total]) + count([self.rows, self.outputs]),
        }
    }
}

pub(super) fn cases() -> Vec<Case> {
    let embedding = |ids, vocab_size, embedding_size| EmbeddingCase { vocab_size, embedding_size, ids }.into();
    let linear = |rows, inputs: &[usize], outputs, bias, activation| {
        LinearCase { rows, inputs: inputs.to_vec(), outputs, bias, activation }.into()
    };
    let mut cases: Vec<Case> = vec![embedding(1, 3, 5), embedding(37, 11, 7), embedding(9, 130, 67)];
    for activation in [Activation::Identity, Activation::Tanh] {
        cases.extend([
            linear(1, &[1], 1, true, activation),
            linear(1, &[37], 53, true, activation),
            linear(1, &[131, 67], 75, false, activation),
            linear(3, &[29], 71, false, activation),
            linear(7, &[13, 22], 19, true, activation),
            linear(19, &[75], 9, true, activation),
            linear(70, &[5], 67, false, activation),
            linear(131, &[67, 9], 73, true, activation),
            linear(133, &[21], 3, true, activation),
        ]);
    }
    cases
}
