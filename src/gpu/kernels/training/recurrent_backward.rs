//! `shaders/training/recurrent_backward.wgsl`: steps of a recurrent layer backward.

use std::ops::Range;

use super::recurrent_begin::{check_sequence, check_steps};
use super::recurrent_forward::check_weight;
use crate::backend::{GateLayout, Sequence};
use crate::gpu::tiling::Products;
use crate::gpu::{Gpu, GpuIds, GpuTensor};
use crate::{Error, Result};

kernel! {
    RecurrentBackward = "training/recurrent_backward" reads 6 then writes 2, 256 threads:
    batch: u32,
    len: u32,
    step: u32,
    hidden: u32,
    quads: u32,
    directions: u32,
    pitch: u32,
    last: u32,
}

impl Gpu {
    /// One dispatch a step, the last step first.
    #[expect(clippy::too_many_arguments, reason = "as many as the equations have")]
    pub(in crate::gpu) fn recurrent_backward(
        &self,
        layout: GateLayout,
        weight_hh: &GpuTensor,
        lengths: &GpuIds,
        steps: Range<usize>,
        d_output: &GpuTensor,
        d_last: Option<&GpuTensor>,
        sequence: &Sequence<Self>,
        carry: &GpuTensor,
    ) -> Result<()> {
        let operation = "recurrent_backward";
        let len = check_sequence(operation, layout, lengths, sequence)?;
        check_weight(operation, layout, weight_hh)?;
        check_steps(operation, &steps, len)?;
        check_carry(operation, layout, lengths, carry)?;
        Error::check(operation, "d_output rows", sequence.output.rows, d_output.rows)?;
        Error::check(operation, "d_output columns", sequence.output.cols, d_output.cols)?;
        if let Some(d_last) = d_last {
            Error::check(operation, "d_last rows", lengths.len, d_last.rows)?;
            Error::check(operation, "d_last columns", sequence.output.cols, d_last.cols)?;
        }
        if layout.hidden == 0 {
            return Ok(());
        }
        let quads = layout.padded() / 4;
        let products = Products { rows: lengths.len, quads, inputs: layout.width() / 4, count: layout.directions };
        let tiling = self.tiling_in_registers(products);
        let constants = [("CELL", layout.cell.number())];
        for step in steps.rev() {
            let params = RecurrentBackward {
                batch: lengths.len as u32,
                len: len as u32,
                step: step as u32,
                hidden: layout.hidden as u32,
                quads: quads as u32,
                directions: layout.directions as u32,
                pitch: 4 * d_output.quads() as u32,
                last: d_last.is_some().into(),
            };
            let buffers = vec![
                weight_hh.memory.clone(),
                lengths.memory.clone(),
                d_output.memory.clone(),
                d_last.map_or(&self.unused[0], |d_last| &d_last.memory).clone(),
                sequence.previous.memory.clone(),
                sequence.previous_cell.as_ref().map_or(&self.unused[0], |cell| &cell.memory).clone(),
                sequence.gates.memory.clone(),
                carry.memory.clone(),
            ];
            self.record_tiled(DECLARED, params, &constants, buffers, tiling)?;
        }
        Ok(())
    }
}

pub(super) fn check_carry(
    operation: &'static str,
    layout: GateLayout,
    lengths: &GpuIds,
    carry: &GpuTensor,
) -> Result<()> {
    Error::check(operation, "carry rows", lengths.len, carry.rows)?;
    Error::check(operation, "carry columns", layout.directions * layout.hidden, carry.cols)
}
