//! `shaders/attention_scores.wgsl`: the first of the three parts of attention.

use super::attention;
use crate::Result;
use crate::backend::Attention;
use crate::gpu::{Declared, Gpu, GpuTensor};

/// As attention itself, whose `Params` and bindings it shares.
pub(in crate::gpu) const DECLARED: Declared = Declared { shader: shader!("attention_scores"), ..attention::DECLARED };

impl Gpu {
    pub(in crate::gpu) fn attention_scores(&self, attention: &Attention<'_, Self>, scores: &GpuTensor) -> Result<()> {
        self.record_attention_part(DECLARED, attention, scores, None)
    }
}
