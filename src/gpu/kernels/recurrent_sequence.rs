//! `shaders/recurrent_sequence.wgsl`: many positions of a recurrent layer over sequences in one dispatch.

use std::sync::Arc;

use crate::Result;
use crate::gpu::Gpu;
use crate::gpu::memory::Memory;
use crate::gpu::tiling::SequenceTiling;
use crate::gpu::weights::RecurrentWeights;

kernel! {
    RecurrentSequence = "recurrent_sequence" reads 5 then writes 3, 256 threads:
    batch: u32,
    len: u32,
    step: u32,
    steps: u32,
    hidden: u32,
    quads: u32,
    first: u32,
    directions: u32,
    pitch: u32,
}

/// Positions of one dispatch: nobody who waits for the device, or watches over it, waits much longer for so many.
pub(super) const MOST_STEPS: usize = 256;

impl Gpu {
    /// How a layer passes over so many sentences in one dispatch, if it does.
    pub(super) fn sequence_tiling(&self, weights: &RecurrentWeights, batch: usize) -> Option<SequenceTiling> {
        let (sentences, sizes) = ([batch, weights.directions], [weights.hidden, weights.gate_quads]);
        SequenceTiling::choose(self.choices(), self.is_hardware(), sentences, sizes)
    }

    /// Some positions, from one state to the next.
    pub(super) fn record_sequence(
        &self,
        weights: &RecurrentWeights,
        params: RecurrentSequence,
        tiling: SequenceTiling,
        buffers: Vec<Arc<Memory>>,
    ) -> Result<()> {
        let SequenceTiling { rows, slices } = tiling;
        let constants = [("CELL", weights.cell.number()), ("ROWS", rows), ("SLICES", slices)];
        self.record(DECLARED, params, &constants, buffers, [params.batch.div_ceil(rows), params.directions, 1])
    }
}
