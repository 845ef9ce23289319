//! `embedding` and `linear`.

use std::fmt;

use super::operation::{Operation, Output, Work, behind, count};
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

/// activation(W x + b), or activation(W x + b + out).
#[derive(Clone, Debug)]
pub struct LinearCase {
    /// Rows of the inputs.
    pub rows: usize,
    /// Columns of the input.
    pub inputs: usize,
    /// Columns of the output.
    pub outputs: usize,
    /// Whether there is b.
    pub bias: bool,
    /// What stands behind the product.
    pub activation: Activation,
    /// Whether what is in the output is added.
    pub accumulate: bool,
}

/// Inputs and output of [`LinearCase`].
#[derive(Debug)]
pub struct LinearReady<B: Backend> {
    weights: B::Linear,
    input: B::Tensor,
    out: B::Tensor,
}

impl fmt::Display for LinearCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rows, {} → {}", self.rows, self.inputs, self.outputs)?;
        if self.bias {
            write!(f, ", bias")?;
        }
        if self.accumulate {
            write!(f, ", added")?;
        }
        f.write_str(behind(self.activation))
    }
}

impl Operation for LinearCase {
    type Ready<B: Training> = LinearReady<B>;

    fn name(&self) -> &'static str {
        "linear"
    }

    fn prepare<B: Training>(&self, backend: &B, inputs: &Inputs) -> Result<Self::Ready<B>> {
        // Sums of so many products stay of the size that tanh bends and does not cut off.
        let scale = 1.5 / (self.inputs as f32).sqrt();
        let weight = inputs.linear(inputs.weights("weight", [self.outputs, self.inputs], scale));
        let bias = self.bias.then(|| inputs.weights("bias", [self.outputs], 0.5));
        Ok(LinearReady {
            weights: backend.linear_weights(&weight, bias.as_ref())?,
            input: backend.upload(&inputs.array("input", [self.rows, self.inputs], 1.0))?,
            out: backend.upload(&inputs.array("out", [self.rows, self.outputs], 0.5))?,
        })
    }

    async fn run<B: Training>(&self, backend: &B, ready: &mut Self::Ready<B>) -> Result<()> {
        backend.linear(&ready.weights, &ready.input, self.activation, self.accumulate, &mut ready.out)
    }

    async fn outputs<B: Training>(&self, backend: &B, ready: &Self::Ready<B>) -> Result<Vec<Output>> {
        Ok(vec![Output::read(backend, "out", [self.rows, self.outputs], &ready.out).await?])
    }

    fn work(&self) -> Work {
        Work {
            flops: 2.0 * count([self.rows, self.inputs, self.outputs]),
            weights: count([self.inputs, self.outputs]) + if self.bias { count([self.outputs]) } else { 0.0 },
            values: count([self.rows, self.inputs])
                + if self.accumulate { 2.0 } else { 1.0 } * count([self.rows, self.outputs]),
        }
    }
}

pub(super) fn cases<C: From<EmbeddingCase> + From<LinearCase>>() -> Vec<C> {
    let embedding = |ids, vocab_size, embedding_size| EmbeddingCase { vocab_size, embedding_size, ids }.into();
    let mut cases: Vec<C> = vec![embedding(1, 3, 5), embedding(37, 11, 7), embedding(9, 130, 67)];
    for (activation, accumulate) in [
        (Activation::Identity, false),
        (Activation::Tanh, false),
        (Activation::Identity, true),
        (Activation::Tanh, true),
        (Activation::Relu, false),
        (Activation::Relu, true),
    ] {
        let linear =
            |rows, inputs, outputs, bias| LinearCase { rows, inputs, outputs, bias, activation, accumulate }.into();
        cases.extend([
            linear(1, 1, 1, true),
            linear(1, 37, 53, true),
            linear(1, 131, 75, false),
            linear(3, 29, 71, false),
            linear(7, 13, 19, true),
            linear(19, 75, 9, true),
            linear(70, 5, 67, false),
            linear(131, 67, 73, true),
            linear(133, 21, 3, true),
        ]);
    }
    cases
}
