//! `shaders/attentional_state.wgsl`: attention and attentional state of each query, at once.

use super::attention::{self, AttentionParams, Queries};
use crate::backend::{Attention, HiddenPart};
use crate::config::{Score, Window};
use crate::gpu::forms::StateForm;
use crate::gpu::tiling::{AttentionTiling, state_form};
use crate::gpu::weights::Weights;
use crate::gpu::{Declared, Gpu, GpuTensor};
use crate::{Error, Result};

/// As attention itself, whose `Params` and bindings it shares but for two.
pub(in crate::gpu) const DECLARED: Declared = Declared { shader: shader!("attentional_state"), ..attention::DECLARED };

impl Gpu {
    /// One dispatch where W is small; otherwise those of attention, and a product.
    pub(in crate::gpu) fn attentional_state(
        &self,
        attention: &Attention<'_, Self>,
        hidden: &HiddenPart<'_, Self>,
        weights: &GpuTensor,
        first_row: usize,
        attentional: &GpuTensor,
    ) -> Result<()> {
        let Some(queries) = Queries::new(attention, weights, first_row, Some(attentional))? else { return Ok(()) };
        let HiddenPart { weights: hidden_weights, states, activation } = *hidden;
        if !self.computes_together(&queries, hidden_weights) {
            self.attention(attention, weights, first_row, attentional)?;
            return self.linear(hidden_weights, states, activation, true, attentional);
        }
        let check = |what, expected, found| Error::check("attentional_state", what, expected, found);
        check("input quads", hidden_weights.input_quads(), states.quads())?;
        check("input rows", attentional.rows, states.rows)?;
        check("out columns", hidden_weights.outputs, attentional.cols)?;
        let params = AttentionParams { hidden_quads: states.quads() as u32, ..queries.params(queries.whole()) };
        let [score, window] = queries.constants();
        let constants = [score, window, ("ACTIVATION", activation.number())];
        let buffers = queries.buffers([&hidden_weights.memory, &states.memory], &attentional.memory);
        self.record(DECLARED, params, &constants, buffers, queries.workgroups(1))
    }

    /// Whether one dispatch does it all: not where attention takes several, nor has it a binding for the vectors of a score or
    /// a window.
    fn computes_together(&self, queries: &Queries<'_>, weights: &Weights) -> bool {
        let Attention { score, window, query, .. } = queries.attention;
        let has_vectors = *score == Score::Concat || *window == Window::LocalP;
        let quads = 4 * weights.input_quads() * weights.quads;
        let form = state_form(self.choices(), self.is_hardware(), query.rows, quads);
        form == StateForm::Together && !has_vectors && self.attention_tiling(queries) == AttentionTiling::Whole
    }
}
