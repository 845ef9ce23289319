//! `shaders/greedy_begin.wgsl`: the first states of a decoder's layer, where greedy search takes them up.

use crate::Result;
use crate::backend::State;
use crate::gpu::Gpu;
use crate::gpu::greedy::{GreedyState, GreedyWeights};

kernel! {
    GreedyBegin = "greedy_begin" reads 2 then writes 1, 256 threads:
    quads: u32,
    hidden_part: u32,
    cell_part: u32,
    has_cell: u32,
}

impl Gpu {
    pub(in crate::gpu) fn record_greedy_begin(
        &self,
        weights: &GreedyWeights,
        layer: usize,
        first: &State<Self>,
        state: &GreedyState,
    ) -> Result<()> {
        let quads = state.rows * weights.hidden_quads();
        let params = GreedyBegin {
            quads: quads as u32,
            hidden_part: (layer * quads) as u32,
            cell_part: ((weights.layers + layer) * quads) as u32,
            has_cell: u32::from(first.cell.is_some()),
        };
        let cell = self.cell_or_unused(first, &self.unused[0]);
        let buffers = vec![first.hidden.memory.clone(), cell, state.memory.clone()];
        self.record(DECLARED, params, &[], buffers, [quads.div_ceil(256) as u32, 1, 1])
    }
}
