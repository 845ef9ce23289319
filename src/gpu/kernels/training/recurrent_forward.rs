//! `shaders/training/recurrent_forward.wgsl`: steps of a recurrent layer that keep what backward needs.

use std::ops::Range;

use super::recurrent_begin::{check_sequence, check_steps};
use crate::backend::{GateLayout, Sequence};
use crate::config::Cell;
use crate::gpu::tiling::Products;
use crate::gpu::{Gpu, GpuIds, GpuTensor};
use crate::{Error, Result};

kernel! {
    RecurrentForward = "training/recurrent_forward" reads 2 then writes 6, 256 threads:
    batch: u32,
    len: u32,
    step: u32,
    hidden: u32,
    quads: u32,
    directions: u32,
    pitch: u32,
}

impl Gpu {
    /// One dispatch a step.
    pub(in crate::gpu) fn recurrent_forward(
        &self,
        layout: GateLayout,
        weight_hh: &GpuTensor,
        lengths: &GpuIds,
        steps: Range<usize>,
        sequence: &Sequence<Self>,
    ) -> Result<()> {
        let operation = "recurrent_forward";
        let len = check_sequence(operation, layout, lengths, sequence)?;
        check_weight(operation, layout, weight_hh)?;
        check_steps(operation, &steps, len)?;
        if layout.hidden == 0 {
            return Ok(());
        }
        let quads = layout.padded() / 4;
        // A quad of outputs is a unit's gates, but for the tanh cell.
        let outputs = if layout.cell == Cell::Tanh { quads } else { layout.hidden };
        let products = Products { rows: lengths.len, quads: outputs, inputs: quads, count: layout.directions };
        let tiling = self.tiling_in_registers(products);
        let constants = [("CELL", layout.cell.number())];
        for step in steps {
            let params = RecurrentForward {
                batch: lengths.len as u32,
                len: len as u32,
                step: step as u32,
                hidden: layout.hidden as u32,
                quads: quads as u32,
                directions: layout.directions as u32,
                pitch: 4 * sequence.output.quads() as u32,
            };
            let buffers = vec![
                weight_hh.memory.clone(),
                lengths.memory.clone(),
                sequence.gates.memory.clone(),
                sequence.previous.memory.clone(),
                sequence.previous_cell.as_ref().map_or(&self.unused[1], |cell| &cell.memory).clone(),
                sequence.output.memory.clone(),
                sequence.last.hidden.memory.clone(),
                self.cell_or_unused(&sequence.last, &self.unused[2]),
            ];
            self.record_tiled(DECLARED, params, &constants, buffers, tiling)?;
        }
        Ok(())
    }
}

pub(super) fn check_weight(operation: &'static str, layout: GateLayout, weight_hh: &GpuTensor) -> Result<()> {
    Error::check(operation, "weight_hh rows", layout.cols(), weight_hh.rows)?;
    Error::check(operation, "weight_hh columns", layout.hidden, weight_hh.cols)
}
