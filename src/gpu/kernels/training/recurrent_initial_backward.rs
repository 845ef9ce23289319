//! `shaders/training/recurrent_initial_backward.wgsl`: the gradient of the state that a recurrent layer began with.

use super::recurrent_backward::check_carry;
use super::recurrent_begin::check_sequence;
use super::recurrent_forward::check_weight;
use crate::backend::{GateLayout, Sequence};
use crate::gpu::tiling::Products;
use crate::gpu::{Gpu, GpuIds, GpuTensor};
use crate::{Error, Result};

kernel! {
    RecurrentInitialBackward = "training/recurrent_initial_backward" reads 4 then writes 1, 256 threads:
    batch: u32,
    len: u32,
    hidden: u32,
    quads: u32,
    directions: u32,
    pitch: u32,
}

impl Gpu {
    pub(in crate::gpu) fn recurrent_initial_backward(
        &self,
        layout: GateLayout,
        weight_hh: &GpuTensor,
        lengths: &GpuIds,
        sequence: &Sequence<Self>,
        carry: &GpuTensor,
        d_initial: &GpuTensor,
    ) -> Result<()> {
        let operation = "recurrent_initial_backward";
        let len = check_sequence(operation, layout, lengths, sequence)?;
        check_weight(operation, layout, weight_hh)?;
        check_carry(operation, layout, lengths, carry)?;
        Error::check(operation, "d_initial rows", lengths.len, d_initial.rows)?;
        Error::check(operation, "d_initial columns", layout.directions * layout.hidden, d_initial.cols)?;
        if len == 0 || layout.hidden == 0 {
            return Ok(());
        }
        let quads = layout.padded() / 4;
        let params = RecurrentInitialBackward {
            batch: lengths.len as u32,
            len: len as u32,
            hidden: layout.hidden as u32,
            quads: quads as u32,
            directions: layout.directions as u32,
            pitch: 4 * d_initial.quads() as u32,
        };
        let buffers = vec![
            weight_hh.memory.clone(),
            lengths.memory.clone(),
            sequence.gates.memory.clone(),
            carry.memory.clone(),
            d_initial.memory.clone(),
        ];
        let products = Products { rows: lengths.len, quads, inputs: layout.width() / 4, count: layout.directions };
        let tiling = self.tiling_in_registers(products);
        let constants = [("CELL", layout.cell.number())];
        self.record_tiled(DECLARED, params, &constants, buffers, tiling)
    }
}
