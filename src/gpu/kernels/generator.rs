//! `shaders/generator.wgsl`: what the choice of a token needs of the logits.

use crate::gpu::weights::Weights;
use crate::gpu::{Gpu, GpuTensor};
use crate::{Error, Result};

kernel! {
    Generator = "generator" reads 2 then writes 1, 256 threads:
    rows: u32,
    quads: u32,
    inputs: u32,
    bias: u32,
    symbols: u32,
}

impl Gpu {
    /// Into `tiles` (rows, 4 · tiles): the largest logit, Σ exp and the symbol of every 64 symbols.
    pub(in crate::gpu) fn record_generator(
        &self,
        generator: &Weights,
        attentional: &GpuTensor,
        tiles: &GpuTensor,
    ) -> Result<()> {
        let tiling = self.tiling(attentional.rows, generator.quads);
        Error::check("greedy_step", "generator inputs", generator.input_quads(), attentional.quads())?;
        Error::check("greedy_step", "tiles rows", attentional.rows, tiles.rows)?;
        Error::check("greedy_step", "tiles", tiling.workgroup_count[0] as usize, tiles.quads())?;
        let params = Generator {
            rows: attentional.rows as u32,
            quads: generator.quads as u32,
            inputs: generator.input_quads() as u32,
            bias: generator.bias() as u32,
            symbols: generator.outputs as u32,
        };
        let buffers = vec![generator.memory.clone(), attentional.memory.clone(), tiles.memory.clone()];
        self.record(params, &[("K_SLICES", tiling.slices)], buffers, tiling.workgroup_count)
    }
}
