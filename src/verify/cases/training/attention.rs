//! `attention_backward` and `attention_memory_backward`.

use std::fmt;

use super::super::attention::{AttentionCase, AttentionReady, SCORES, TARGET, WINDOWS, sized};
use super::super::operation::{Operation, Output, Work};
use crate::Result;
use crate::backend::{AttentionGradients, Positions, Training};
use crate::model::Window;
use crate::verify::inputs::Inputs;

/// Whose gradients are computed; those of the scores, which stand before the memory's, are the backend's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gradient {
    /// The scores, the queries and W_p h_t.
    Queries,
    /// The keys, the memory and the vectors.
    Memory,
}

/// Attention backward.
#[derive(Clone, Copy, Debug)]
pub struct AttentionBackwardCase {
    /// Whose gradients.
    pub gradient: Gradient,
    /// Attention forward, the whole of it.
    pub forward: AttentionCase,
}

/// Inputs and outputs of [`AttentionBackwardCase`].
#[derive(Debug)]
pub struct AttentionBackwardReady<B: Training> {
    forward: AttentionReady<B>,
    d_context: B::Tensor,
    d_scores: B::Tensor,
    d_query: B::Tensor,
    d_position: Option<B::Tensor>,
    d_keys: Option<B::Tensor>,
    d_memory: B::Tensor,
    d_vectors: Option<B::Tensor>,
}

impl AttentionBackwardCase {
    fn queries<B: Training>(&self, backend: &B, ready: &mut AttentionBackwardReady<B>) -> Result<()> {
        let AttentionBackwardReady { forward, d_context, d_scores, d_query, d_position, .. } = ready;
        let attention = self.forward.attention(&forward.inputs);
        let gradients = AttentionGradients { d_scores, d_query, d_position: d_position.as_mut() };
        backend.attention_backward(&attention, &forward.weights, self.forward.first_row, d_context, gradients)
    }
}

impl fmt::Display for AttentionBackwardCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.forward.fmt(f)
    }
}

impl Operation for AttentionBackwardCase {
    type Ready<B: Training> = AttentionBackwardReady<B>;

    fn name(&self) -> &'static str {
        match self.gradient {
            Gradient::Queries => "attention_backward",
            Gradient::Memory => "attention_memory_backward",
        }
    }

    fn prepare<B: Training>(&self, backend: &B, inputs: &Inputs) -> Result<Self::Ready<B>> {
        let AttentionCase { batch, src_len, tgt_len, key_size, memory_size, hidden, rows, .. } = self.forward;
        let mut forward = self.forward.prepare(backend, inputs)?;
        let attention = self.forward.attention(&forward.inputs);
        backend.attention(&attention, &mut forward.weights, self.forward.first_row, &mut forward.context)?;
        let array = |name: &str, shape: [usize; 2]| backend.upload(&inputs.array(name, shape, 1.0));
        let position = forward.inputs.position.is_some();
        let (keys, vectors) = (forward.inputs.keys.is_some(), forward.inputs.vectors.is_some());
        let (queries, sources) = (batch * tgt_len, batch * src_len);
        let mut ready = AttentionBackwardReady {
            forward,
            d_context: array("d_context", [queries, memory_size])?,
            d_scores: array("d_scores", [batch * rows, src_len + 1])?,
            d_query: array("d_query", [queries, key_size])?,
            d_position: if position { Some(array("d_position", [queries, hidden])?) } else { None },
            d_keys: if keys { Some(array("d_keys", [sources, key_size])?) } else { None },
            d_memory: array("d_memory", [sources, memory_size])?,
            d_vectors: if vectors { Some(array("d_vectors", [2, hidden])?) } else { None },
        };
        if self.gradient == Gradient::Memory {
            self.queries(backend, &mut ready)?;
        }
        Ok(ready)
    }

    async fn run<B: Training>(&self, backend: &B, ready: &mut Self::Ready<B>) -> Result<()> {
        if self.gradient == Gradient::Queries {
            return self.queries(backend, ready);
        }
        let AttentionBackwardReady { forward, d_context, d_scores, d_keys, d_memory, d_vectors, .. } = ready;
        let attention = self.forward.attention(&forward.inputs);
        let (d_keys, d_vectors) = (d_keys.as_mut(), d_vectors.as_mut());
        backend.attention_memory_backward(
            &attention,
            &forward.weights,
            d_scores,
            d_context,
            d_keys,
            d_memory,
            d_vectors,
        )
    }

    async fn outputs<B: Training>(&self, backend: &B, ready: &Self::Ready<B>) -> Result<Vec<Output>> {
        let AttentionCase { batch, src_len, tgt_len, key_size, memory_size, hidden, rows, .. } = self.forward;
        let read = async |name, shape: Vec<usize>, tensor: Option<&B::Tensor>| {
            Ok::<_, crate::Error>(match tensor {
                Some(tensor) => Some(Output::read(backend, name, shape, tensor).await?),
                None => None,
            })
        };
        let outputs = match self.gradient {
            // All rows, so that one written where it does not belong is seen.
            Gradient::Queries => vec![
                read("d_scores", vec![batch, rows, src_len + 1], Some(&ready.d_scores)).await?,
                read("d_query", vec![batch, tgt_len, key_size], Some(&ready.d_query)).await?,
                read("d_position", vec![batch, tgt_len, hidden], ready.d_position.as_ref()).await?,
            ],
            Gradient::Memory => vec![
                read("d_keys", vec![batch, src_len, key_size], ready.d_keys.as_ref()).await?,
                read("d_memory", vec![batch, src_len, memory_size], Some(&ready.d_memory)).await?,
                read("d_vectors", vec![2, hidden], ready.d_vectors.as_ref()).await?,
            ],
        };
        Ok(outputs.into_iter().flatten().collect())
    }

    fn work(&self) -> Work {
        // The products backward are as large as those forward.
        self.forward.work()
    }
}

pub fn cases<C: From<AttentionBackwardCase>>() -> Vec<C> {
    let target = TARGET;
    let step = AttentionCase { tgt_len: 1, positions: Positions::From(3), rows: 6, first_row: 2, ..target };
    let wide = AttentionCase { batch: 4, src_len: 5, half_width: 4, memory_size: 3, ..target };
    // Not as narrow as forward: the gradient of the centre is divided by the square of the width, and its rounding too.
    let narrow = AttentionCase { batch: 1, src_len: 13, half_width: 3, ragged: false, memory_size: 21, ..target };
    let mut cases = Vec::new();
    for gradient in [Gradient::Queries, Gradient::Memory] {
        let mut push = |forward| cases.push(C::from(AttentionBackwardCase { gradient, forward: sized(forward) }));
        for score in SCORES {
            for window in WINDOWS {
                let sizes = match gradient {
                    Gradient::Queries => [target, step, wide, narrow].to_vec(),
                    Gradient::Memory => [target, wide, narrow].to_vec(),
                };
                sizes.into_iter().for_each(|case| push(AttentionCase { score, window, ..case }));
            }
            push(AttentionCase { score, extreme: true, memory_size: 25, ..target });
            // Beyond one tile of source positions, of queries and of columns.
            let large = AttentionCase { batch: 2, src_len: 71, tgt_len: 67, rows: 67, ..target };
            push(AttentionCase { score, memory_size: 69, hidden: 77, key_size: 75, ..large });
        }
        // One position; and none at all, past the end of every source.
        push(AttentionCase { window: Window::LocalM, half_width: 0, ..target });
        push(AttentionCase { window: Window::LocalM, positions: Positions::From(12), ..target });
    }
    cases
}
