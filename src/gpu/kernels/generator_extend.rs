//! `shaders/generator_extend.wgsl`: generator and step of beam search in one dispatch.

use super::extend::{Extend, written};
use super::generator::CandidateLayout;
use crate::Result;
use crate::backend::{Search, SearchRules};
use crate::gpu::kernel::grid;
use crate::gpu::weights::Weights;
use crate::gpu::{Gpu, GpuTensor};

kernel! {
    GeneratorExtend = "generator_extend" reads 3 then writes 5, 128 threads:
    batch: u32,
    width: u32,
    beam: u32,
    n_best: u32,
    tiles: u32,
    keep: u32,
    rows: u32,
    pitch: u32,
    symbols: u32,
    step: u32,
    row: u32,
    eos: u32,
    pad: u32,
    length_penalty: f32,
    quads: u32,
    inputs: u32,
    avoid_0: u32,
    avoid_1: u32,
}

impl Gpu {
    /// What [`extend`](Self::extend) does behind a generator, where a search has no coverage.
    pub(super) fn record_generator_extend(
        &self,
        rules: &SearchRules,
        generator: &Weights,
        attentional: &GpuTensor,
        layout: CandidateLayout,
        extend: Extend,
        search: &Search<Self>,
    ) -> Result<()> {
        let Extend { batch, width, beam, n_best, tiles, keep, symbols, step, row, eos, pad, length_penalty, .. } =
            extend;
        let [avoid_0, avoid_1] = rules.avoided();
        let params = GeneratorExtend {
            batch,
            width,
            beam,
            n_best,
            tiles,
            keep,
            rows: width,
            pitch: layout.cols() as u32 / 2,
            symbols,
            step,
            row,
            eos,
            pad,
            length_penalty,
            quads: generator.quads as u32,
            inputs: generator.input_quads() as u32,
            avoid_0,
            avoid_1,
        };
        let mut buffers = vec![generator.memory.clone(), attentional.memory.clone(), search.limits.memory.clone()];
        buffers.extend(written(search));
        self.record(DECLARED, params, &[], buffers, grid(batch as usize))
    }
}

#[cfg(test)]
mod tests {
    use super::DECLARED;
    use crate::gpu::kernel::workgroup_bytes;
    use crate::gpu::tiling::search::{TOGETHER_BEAM, TOGETHER_SYMBOLS};

    #[test]
    fn a_workgroup_has_room_for_the_most() {
        let pairs = TOGETHER_BEAM * TOGETHER_SYMBOLS.div_ceil(64) * (1 + TOGETHER_BEAM);
        assert_eq!(workgroup_bytes(DECLARED, "candidates"), Some(8 * pairs));
    }
}
