//! `shaders/attention_softmax.wgsl`: the second of the three parts of attention.

use super::attention;
use crate::Result;
use crate::backend::Attention;
use crate::gpu::{Declared, Gpu, GpuTensor};

/// As attention itself, whose `Params` and bindings it shares.
pub(in crate::gpu) const DECLARED: Declared = Declared { shader: shader!("attention_softmax"), ..attention::DECLARED };

impl Gpu {
    pub(in crate::gpu) fn attention_softmax(
        &self,
        attention: &Attention<'_, Self>,
        scores_to_weights: &GpuTensor,
    ) -> Result<()> {
        self.record_attention_part(DECLARED, attention, scores_to_weights, None)
    }
}
