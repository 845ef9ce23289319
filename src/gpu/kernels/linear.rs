//! `shaders/linear.wgsl`: activation(W x + b).

use crate::backend::Activation;
use crate::gpu::tiling::Products;
use crate::gpu::weights::Weights;
use crate::gpu::{Gpu, GpuTensor};
use crate::{Error, Result};

kernel! {
    Linear = "linear" reads 2 then writes 1, 256 threads:
    rows: u32,
    quads: u32,
    inputs: u32,
    bias: u32,
}

impl Gpu {
    pub(in crate::gpu) fn linear(
        &self,
        weights: &Weights,
        input: &GpuTensor,
        activation: Activation,
        accumulate: bool,
        out: &GpuTensor,
    ) -> Result<()> {
        Error::check("linear", "input quads", weights.input_quads(), input.quads())?;
        self.record_product(weights, input, activation, accumulate, out)
    }

    /// The product of the first part of the weights' inputs; the others count as zero.
    pub(in crate::gpu) fn record_product(
        &self,
        weights: &Weights,
        input: &GpuTensor,
        activation: Activation,
        accumulate: bool,
        out: &GpuTensor,
    ) -> Result<()> {
        Error::check("linear", "input rows", out.rows, input.rows)?;
        Error::check("linear", "out columns", weights.outputs, out.cols)?;
        if out.rows == 0 {
            return Ok(());
        }
        let params = Linear {
            rows: out.rows as u32,
            quads: weights.quads as u32,
            inputs: input.quads() as u32,
            bias: weights.bias() as u32,
        };
        let tiling = self.tiling_of_weights(Products::one(out.rows, weights.quads, weights.input_quads()));
        let constants = [("ACTIVATION", activation.number()), ("ACCUMULATE", accumulate.into())];
        let buffers = vec![weights.memory.clone(), input.memory.clone(), out.memory.clone()];
        self.record_tiled(DECLARED, params, &constants, buffers, tiling)
    }
}

impl Activation {
    /// The activation as `shared/activated.wgsl` numbers it.
    pub(in crate::gpu) fn number(self) -> u32 {
        match self {
            Self::Identity => 0,
            Self::Tanh => 1,
            Self::Relu => 2,
        }
    }
}
