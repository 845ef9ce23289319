//! `shaders/greedy_steps.wgsl`: several steps of greedy search in one dispatch.

use crate::Result;
use crate::backend::GreedySteps;
use crate::gpu::greedy::{GreedyState, GreedyWeights};
use crate::gpu::{Gpu, GpuIds, GpuTensor};

kernel! {
    GreedyKernel = "greedy_steps" reads 6 then writes 2, 256 threads:
    steps: u32,
    src_len: u32,
    rows: u32,
    pitch: u32,
    previous_rows: u32,
    next_rows: u32,
    layers: u32,
    feed: u32,
    hidden_quads: u32,
    gate_quads: u32,
    upper: u32,
    upper_size: u32,
    projection: u32,
    generator: u32,
    table: u32,
    symbols: u32,
    avoid_0: u32,
    avoid_1: u32,
    eos: u32,
    scale: f32,
}

impl Gpu {
    /// From one state to the next.
    pub(in crate::gpu) fn record_greedy_steps(
        &self,
        weights: &GreedyWeights,
        steps: &GreedySteps<'_, Self>,
        frontier: &GpuIds,
        alignment: &GpuTensor,
        [previous, next]: [&GreedyState; 2],
    ) -> Result<()> {
        let [avoid_0, avoid_1] = steps.rules.avoided();
        let params = GreedyKernel {
            steps: steps.steps as u32,
            src_len: alignment.cols as u32,
            rows: (alignment.rows / next.rows) as u32,
            pitch: 4 * alignment.quads() as u32,
            previous_rows: previous.rows as u32,
            next_rows: next.rows as u32,
            layers: weights.layers as u32,
            feed: weights.feed as u32,
            hidden_quads: weights.hidden_quads() as u32,
            gate_quads: weights.gate_quads as u32,
            upper: weights.upper as u32,
            upper_size: weights.upper_size as u32,
            projection: weights.projection as u32,
            generator: weights.generator as u32,
            table: weights.table as u32,
            symbols: weights.symbols as u32,
            avoid_0,
            avoid_1,
            eos: steps.rules.special.eos,
            scale: weights.scale,
        };
        let buffers = vec![
            weights.memory.clone(),
            steps.keys.memory.clone(),
            steps.values.memory.clone(),
            steps.lengths.memory.clone(),
            frontier.memory.clone(),
            previous.memory.clone(),
            next.memory.clone(),
            alignment.memory.clone(),
        ];
        let constants = [("CELL", weights.cell.number()), ("ACTIVATION", weights.activation.number())];
        self.record(DECLARED, params, &constants, buffers, [next.rows as u32, 1, 1])
    }
}

#[cfg(test)]
mod tests {
    use super::DECLARED;
    use crate::gpu::greedy::{MOST_HIDDEN, MOST_POSITIONS, MOST_UNITS};
    use crate::gpu::kernel::workgroup_bytes;

    #[test]
    fn a_workgroup_has_room_for_the_most() {
        assert_eq!(workgroup_bytes(DECLARED, "held"), Some(4 * (MOST_HIDDEN + MOST_UNITS)));
        assert_eq!(workgroup_bytes(DECLARED, "cells"), Some(4 * MOST_UNITS));
        assert_eq!(workgroup_bytes(DECLARED, "attended"), Some(4 * MOST_POSITIONS));
        assert_eq!(workgroup_bytes(DECLARED, "nothing"), None);
    }
}
