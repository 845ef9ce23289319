//! `attentional_state`.

use std::fmt;

use super::attention::{AttentionCase, AttentionReady, SCORES, TARGET, WINDOWS, sized};
use super::operation::{Operation, Output, Work, behind, count};
use crate::Result;
use crate::backend::{Activation, Backend, HiddenPart, Positions, Training};
use crate::model::{Score, Window};
use crate::verify::inputs::Inputs;

/// Attention, and activation(c_t + W h_t + b).
#[derive(Clone, Copy, Debug)]
pub struct AttentionalStateCase {
    /// The whole of it; W is (memory_size, hidden).
    pub attention: AttentionCase,
    /// What stands behind the sum.
    pub activation: Activation,
    /// Whether there is b.
    pub bias: bool,
}

/// Inputs and outputs of [`AttentionalStateCase`].
#[derive(Debug)]
pub struct AttentionalStateReady<B: Backend> {
    attention: AttentionReady<B>,
    weights: B::Linear,
    states: B::Tensor,
}

impl fmt::Display for AttentionalStateCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, hidden {}", self.attention, self.attention.hidden)?;
        if self.bias {
            write!(f, ", bias")?;
        }
        f.write_str(behind(self.activation))
    }
}

impl Operation for AttentionalStateCase {
    type Ready<B: Training> = AttentionalStateReady<B>;

    fn name(&self) -> &'static str {
        "attentional_state"
    }

    fn prepare<B: Training>(&self, backend: &B, inputs: &Inputs) -> Result<Self::Ready<B>> {
        let AttentionCase { batch, tgt_len, memory_size, hidden, .. } = self.attention;
        // Sums of so many products stay of the size that tanh bends and does not cut off.
        let scale = 1.0 / (hidden as f32).sqrt();
        let weight = inputs.linear(inputs.weights("weight", [memory_size, hidden], scale));
        let bias = self.bias.then(|| inputs.weights("bias", [memory_size], 0.5));
        Ok(AttentionalStateReady {
            attention: self.attention.prepare(backend, inputs)?,
            weights: backend.linear_weights(&weight, bias.as_ref())?,
            states: backend.upload(&inputs.array("states", [batch * tgt_len, hidden], 1.0))?,
        })
    }

    async fn run<B: Training>(&self, backend: &B, ready: &mut Self::Ready<B>) -> Result<()> {
        let AttentionalStateReady { attention, weights, states } = ready;
        let AttentionReady { inputs, weights: rows, context: attentional, .. } = attention;
        let hidden = HiddenPart { weights, states, activation: self.activation };
        let attention = self.attention.attention(inputs);
        backend.attentional_state(&attention, &hidden, rows, self.attention.first_row, attentional)
    }

    async fn outputs<B: Training>(&self, backend: &B, ready: &Self::Ready<B>) -> Result<Vec<Output>> {
        let AttentionCase { batch, tgt_len, src_len, memory_size, rows, .. } = self.attention;
        let AttentionReady { weights, context: attentional, .. } = &ready.attention;
        Ok(vec![
            Output::read(backend, "attention_weights", [batch, rows, src_len], weights).await?,
            Output::read(backend, "attentional", [batch, tgt_len, memory_size], attentional).await?,
        ])
    }

    fn work(&self) -> Work {
        let AttentionCase { batch, tgt_len, memory_size, hidden, .. } = self.attention;
        let Work { flops, weights, values } = self.attention.work();
        let product = count([memory_size, hidden]);
        Work {
            flops: flops + 2.0 * count([batch, tgt_len]) * product,
            weights: weights + product + if self.bias { count([memory_size]) } else { 0.0 },
            values: values + count([batch, tgt_len, hidden]),
        }
    }
}

pub(super) fn cases<C: From<AttentionalStateCase>>() -> Vec<C> {
    let target = TARGET;
    let step = AttentionCase { tgt_len: 1, positions: Positions::From(3), rows: 6, first_row: 2, ..target };
    // The hypotheses of a beam, of a source that has several chunks.
    let beam = AttentionCase { tgt_len: 3, src_len: 37, positions: Positions::At(4), rows: 9, first_row: 3, ..target };
    let mut cases = Vec::new();
    for score in SCORES {
        for window in WINDOWS {
            for (case, activation, bias) in
                [(target, Activation::Tanh, true), (step, Activation::Relu, false), (beam, Activation::Identity, true)]
            {
                let attention = sized(AttentionCase { score, window, ..case });
                cases.push(AttentionalStateCase { attention, activation, bias });
            }
        }
        // A thread for a quad of columns, and for more of them. Products of so many columns that are not scaled are so large that
        // 32 bits tell weights apart no better than a tolerance.
        for (memory_size, hidden) in [(301, 77), (541, 69)].into_iter().filter(|_| score != Score::Dot) {
            let attention = sized(AttentionCase { score, memory_size, hidden, ..beam });
            cases.push(AttentionalStateCase { attention, activation: Activation::Tanh, bias: true });
        }
    }
    // Windows that hold nothing leave W h_t + b alone.
    let beyond = AttentionCase { window: Window::LocalM, positions: Positions::From(12), ..step };
    let attention = sized(beyond);
    cases.push(AttentionalStateCase { attention, activation: Activation::Tanh, bias: true });
    cases.into_iter().map(C::from).collect()
}
