//! `dropout`, `activation_backward`, `take_position`, `put_position` and `embedding_backward`.

use std::fmt;

use super::super::operation::{Operation, Output, Work, count};
use crate::Result;
use crate::backend::{Activation, Dropout, Occurrences, Training};
use crate::batch::Batch;
use crate::verify::inputs::Inputs;

/// What is done to elements or rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ElementsOperation {
    /// Some are dropped.
    Dropout(Dropout),
    /// From activation(x) to the gradient of x.
    ActivationBackward(Activation),
    /// A position is taken out of a sequence.
    Take(usize),
    /// A position is put into a sequence.
    Put(usize),
}

/// An operation on the rows of (batch · len, cols).
#[derive(Clone, Copy, Debug)]
pub struct ElementsCase {
    /// Which.
    pub operation: ElementsOperation,
    /// Sentences.
    pub batch: usize,
    /// Positions.
    pub len: usize,
    /// Columns.
    pub cols: usize,
}

/// Inputs and outputs of [`ElementsCase`].
#[derive(Debug)]
pub struct ElementsReady<B: Training> {
    /// (batch · len, cols)
    sequence: B::Tensor,
    /// The rows that are taken or put, or the gradients.
    rows: B::Tensor,
}

impl fmt::Display for ElementsCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operation, batch, len, cols } = self;
        write!(f, "batch {batch}, length {len}, {cols} columns")?;
        match operation {
            ElementsOperation::Dropout(Dropout { rate, seed }) => write!(f, ", rate {rate}, seed {seed}"),
            ElementsOperation::ActivationBackward(activation) => write!(f, ", {activation:?}"),
            ElementsOperation::Take(position) | ElementsOperation::Put(position) => write!(f, ", position {position}"),
        }
    }
}

impl Operation for ElementsCase {
    type Ready<B: Training> = ElementsReady<B>;

    fn name(&self) -> &'static str {
        match self.operation {
            ElementsOperation::Dropout(_) => "dropout",
            ElementsOperation::ActivationBackward(_) => "activation_backward",
            ElementsOperation::Take(_) => "take_position",
            ElementsOperation::Put(_) => "put_position",
        }
    }

    fn prepare<B: Training>(&self, backend: &B, inputs: &Inputs) -> Result<Self::Ready<B>> {
        let all = self.batch * self.len;
        let positions = matches!(self.operation, ElementsOperation::Take(_) | ElementsOperation::Put(_));
        let rows = if positions { self.batch } else { all };
        Ok(ElementsReady {
            sequence: backend.upload(&inputs.array("sequence", [all, self.cols], 1.0))?,
            rows: backend.upload(&inputs.array("rows", [rows, self.cols], 1.0))?,
        })
    }

    async fn run<B: Training>(&self, backend: &B, ready: &mut Self::Ready<B>) -> Result<()> {
        let ElementsReady { sequence, rows } = ready;
        match self.operation {
            ElementsOperation::Dropout(dropout) => backend.dropout(dropout, sequence),
            ElementsOperation::ActivationBackward(activation) => {
                backend.activation_backward(activation, sequence, rows)
            }
            ElementsOperation::Take(position) => backend.take_position(sequence, position, rows),
            ElementsOperation::Put(position) => backend.put_position(rows, position, sequence),
        }
    }

    async fn outputs<B: Training>(&self, backend: &B, ready: &Self::Ready<B>) -> Result<Vec<Output>> {
        let Self { batch, len, cols, .. } = *self;
        Ok(vec![match self.operation {
            ElementsOperation::Dropout(_) => Output::read(backend, "y", [batch, len, cols], &ready.sequence).await?,
            ElementsOperation::ActivationBackward(_) => {
                Output::read(backend, "d_y", [batch, len, cols], &ready.rows).await?
            }
            ElementsOperation::Take(_) => Output::read(backend, "out", [batch, cols], &ready.rows).await?,
            // All positions, so that one written where it does not belong is seen.
            ElementsOperation::Put(_) => Output::read(backend, "sequence", [batch, len, cols], &ready.sequence).await?,
        }])
    }

    fn work(&self) -> Work {
        let Self { batch, len, cols, .. } = *self;
        let values = match self.operation {
            ElementsOperation::Dropout(_) => 2.0 * count([batch, len, cols]),
            ElementsOperation::ActivationBackward(_) => 3.0 * count([batch, len, cols]),
            ElementsOperation::Take(_) | ElementsOperation::Put(_) => 2.0 * count([batch, cols]),
        };
        Work { flops: 0.0, weights: 0.0, values }
    }
}

/// The gradient of a table.
#[derive(Clone, Copy, Debug)]
pub struct EmbeddingBackwardCase {
    /// Rows of the table.
    pub vocab_size: usize,
    /// Columns of the table.
    pub embedding_size: usize,
    /// Sentences.
    pub batch: usize,
    /// Positions of the longest.
    pub len: usize,
}

/// Inputs and output of [`EmbeddingBackwardCase`].
#[derive(Debug)]
pub struct EmbeddingBackwardReady<B: Training> {
    occurrences: Occurrences<B>,
    d_out: B::Tensor,
    d_table: B::Tensor,
}

impl fmt::Display for EmbeddingBackwardCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { vocab_size, embedding_size, batch, len } = self;
        write!(f, "batch {batch}, length {len}, ids of {vocab_size} × {embedding_size}")
    }
}

impl Operation for EmbeddingBackwardCase {
    type Ready<B: Training> = EmbeddingBackwardReady<B>;

    fn name(&self) -> &'static str {
        "embedding_backward"
    }

    fn prepare<B: Training>(&self, backend: &B, inputs: &Inputs) -> Result<Self::Ready<B>> {
        let Self { vocab_size, embedding_size, batch, len } = *self;
        let lengths = inputs.lengths(batch, len);
        let sentence = |(sentence, &length): (usize, &u32)| {
            inputs.ids(&format!("sentence {sentence}"), length as usize, vocab_size)
        };
        let sentences: Vec<Vec<u32>> = lengths.iter().enumerate().map(sentence).collect();
        Ok(EmbeddingBackwardReady {
            occurrences: Occurrences::new(backend, &Batch::new(&sentences, 0, vocab_size)?)?,
            d_out: backend.upload(&inputs.array("d_out", [batch * len, embedding_size], 1.0))?,
            d_table: backend.upload(&inputs.array("d_table", [vocab_size, embedding_size], 1.0))?,
        })
    }

    async fn run<B: Training>(&self, backend: &B, ready: &mut Self::Ready<B>) -> Result<()> {
        backend.embedding_backward(&ready.occurrences, &ready.d_out, &mut ready.d_table)
    }

    async fn outputs<B: Training>(&self, backend: &B, ready: &Self::Ready<B>) -> Result<Vec<Output>> {
        Ok(vec![Output::read(backend, "d_table", [self.vocab_size, self.embedding_size], &ready.d_table).await?])
    }

    fn work(&self) -> Work {
        let rows = count([self.batch, self.len]);
        Work { flops: 0.0, weights: 0.0, values: rows * (1.0 + 3.0 * self.embedding_size as f64) }
    }
}

pub fn cases<C: From<ElementsCase> + From<EmbeddingBackwardCase>>() -> Vec<C> {
    let sizes = [(1, 1, 1), (3, 5, 7), (5, 2, 67), (9, 31, 14)];
    let case = |operation, (batch, len, cols)| C::from(ElementsCase { operation, batch, len, cols });
    let mut cases = Vec::new();
    for size in sizes {
        for (rate, seed) in [(0.0, 1), (0.3, 0), (0.5, u32::MAX), (0.99, 77)] {
            cases.push(case(ElementsOperation::Dropout(Dropout { rate, seed }), size));
        }
    }
    for activation in [Activation::Identity, Activation::Tanh, Activation::Relu] {
        cases.extend(sizes.map(|size| case(ElementsOperation::ActivationBackward(activation), size)));
    }
    let mut positions = |operation: fn(usize) -> ElementsOperation| {
        for size in sizes {
            cases.push(case(operation(size.1 / 2), size));
        }
        cases.push(case(operation(4), sizes[1]));
    };
    positions(ElementsOperation::Take);
    positions(ElementsOperation::Put);
    for (vocab_size, embedding_size, batch, len) in [(3, 5, 1, 1), (11, 7, 4, 9), (130, 67, 6, 3), (2, 70, 13, 21)] {
        cases.push(EmbeddingBackwardCase { vocab_size, embedding_size, batch, len }.into());
    }
    cases
}
