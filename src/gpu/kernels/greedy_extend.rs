//! `shaders/greedy_extend.wgsl`: what greedy search has chosen becomes a part of the search.

use super::extend::written;
use crate::Result;
use crate::backend::{GreedySteps, Search};
use crate::gpu::Gpu;
use crate::gpu::greedy::{GreedyState, GreedyWeights};

kernel! {
    GreedyExtend = "greedy_extend" reads 2 then writes 5, 64 threads:
    batch: u32,
    steps: u32,
    step: u32,
    choices: u32,
    eos: u32,
    pad: u32,
}

impl Gpu {
    pub(in crate::gpu) fn record_greedy_extend(
        &self,
        weights: &GreedyWeights,
        steps: &GreedySteps<'_, Self>,
        state: &GreedyState,
        search: &Search<Self>,
    ) -> Result<()> {
        let params = GreedyExtend {
            batch: state.rows as u32,
            steps: steps.steps as u32,
            step: steps.step as u32,
            choices: weights.state_quads(state.rows) as u32,
            eos: steps.rules.special.eos,
            pad: steps.rules.special.pad,
        };
        let mut buffers = vec![state.memory.clone(), search.limits.memory.clone()];
        buffers.extend(written(search));
        self.record(DECLARED, params, &[], buffers, [state.rows.div_ceil(64) as u32, 1, 1])
    }
}
