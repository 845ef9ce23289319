//! `shaders/linear.wgsl`: activation(W [x_0; x_1] + b).

use crate::backend::Activation;
use crate::gpu::weights::Weights;
use crate::gpu::{Gpu, GpuTensor};
use crate::{Error, Result};

kernel! {
    Linear = "linear" reads 3 then writes 1, 256 threads:
    rows: u32,
    quads: u32,
    inputs_0: u32,
    inputs_1: u32,
    bias: u32,
}

impl Gpu {
    pub(in crate::gpu) fn record_linear(
        &self,
        weights: &Weights,
        inputs: &[&GpuTensor],
        activation: Activation,
        out: &GpuTensor,
    ) -> Result<()> {
        Error::check("linear", "inputs", weights.inputs.len(), inputs.len())?;
        Error::check("linear", "out columns", weights.outputs, out.cols)?;
        for (input, quads) in inputs.iter().zip(&weights.inputs) {
            Error::check("linear", "input rows", out.rows, input.rows)?;
            Error::check("linear", "input quads", *quads, input.quads())?;
        }
        let inputs: Vec<_> = inputs.iter().map(|input| &input.memory).collect();
        self.record_product(weights, &weights.inputs, &inputs, activation, out)
    }

    /// The product of the first parts of the weights' inputs alone; the others count as zero.
    pub(in crate::gpu) fn record_product(
        &self,
        weights: &Weights,
        parts: &[usize],
        inputs: &[&std::sync::Arc<crate::gpu::memory::Memory>],
        activation: Activation,
        out: &GpuTensor,
    ) -> Result<()> {
        let (Some(&first), true) = (inputs.first(), parts.len() <= 2) else {
            return Err(Error::Shape { operation: "linear", what: "inputs", expected: 2, found: parts.len() });
        };
        if out.rows == 0 {
            return Ok(());
        }
        let second = inputs.get(1).copied().unwrap_or(first);
        let params = Linear {
            rows: out.rows as u32,
            quads: weights.quads as u32,
            inputs_0: parts[0] as u32,
            inputs_1: parts.get(1).copied().unwrap_or(0) as u32,
            bias: weights.bias() as u32,
        };
        let tiling = self.tiling(out.rows, weights.quads);
        let constants = [("ACTIVATION", activation.number()), ("K_SLICES", tiling.slices)];
        let buffers = vec![weights.memory.clone(), first.clone(), second.clone(), out.memory.clone()];
        self.record(params, &constants, buffers, tiling.workgroup_count)
    }
}
