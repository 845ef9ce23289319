//! `shaders/recurrent_step.wgsl`: one step of a recurrent layer of one direction.

use crate::backend::State;
use crate::config::Cell;
use crate::gpu::tiling::Products;
use crate::gpu::weights::RecurrentWeights;
use crate::gpu::{Gpu, GpuIds, GpuTensor};
use crate::{Error, Result};

kernel! {
    RecurrentStep = "recurrent_step" reads 6 then writes 2, 256 threads:
    batch: u32,
    quads: u32,
    inputs_0: u32,
    inputs_1: u32,
    inputs_2: u32,
    bias: u32,
}

impl Gpu {
    pub(in crate::gpu) fn recurrent_step(
        &self,
        weights: &RecurrentWeights,
        frontier: &GpuIds,
        below: Option<&GpuTensor>,
        feed: Option<&GpuTensor>,
        previous: &State<Self>,
        next: &State<Self>,
    ) -> Result<()> {
        let operation = "recurrent_step";
        let (batch, earlier) = (next.hidden.rows, previous.hidden.rows);
        Error::check(operation, "directions", 1, weights.directions)?;
        Error::check(operation, "frontier", 2 * batch, frontier.len)?;
        for (state, rows) in [(previous, earlier), (next, batch)] {
            Self::check_state(operation, weights.cell, state, rows, weights.hidden)?;
        }
        let [inputs_0, inputs_1, inputs_2] = [0, 1, 2].map(|part| weights.weights.inputs[part]);
        Error::check(operation, "feed quads", inputs_1, feed.map_or(0, GpuTensor::quads))?;
        Error::check(operation, "feed rows", earlier, feed.map_or(earlier, |feed| feed.rows))?;
        let rows = match below {
            Some(below) => {
                Error::check(operation, "rows below", batch, below.rows)?;
                below
            }
            None => self.embedding_of(operation, weights)?,
        };
        Error::check(operation, "input quads", inputs_0, rows.quads())?;
        if batch == 0 {
            return Ok(());
        }
        let params = RecurrentStep {
            batch: batch as u32,
            quads: weights.gate_quads as u32,
            inputs_0: inputs_0 as u32,
            inputs_1: inputs_1 as u32,
            inputs_2: inputs_2 as u32,
            bias: weights.weights.bias() as u32,
        };
        let buffers = vec![
            weights.weights.memory.clone(),
            rows.memory.clone(),
            frontier.memory.clone(),
            feed.map_or(&self.unused[0], |feed| &feed.memory).clone(),
            previous.hidden.memory.clone(),
            self.cell_or_unused(previous, &self.unused[0]),
            next.hidden.memory.clone(),
            self.cell_or_unused(next, &self.unused[1]),
        ];
        let tiling = self.tiling_of_weights(Products::one(batch, weights.gate_quads, inputs_0 + inputs_1 + inputs_2));
        let look_up = u32::from(below.is_none());
        let constants = [("CELL", weights.cell.number()), ("LOOK_UP", look_up)];
        self.record_tiled(DECLARED, params, &constants, buffers, tiling)
    }
}

impl Cell {
    /// The cell as `shared/cell.wgsl` numbers it.
    pub(in crate::gpu) fn number(self) -> u32 {
        match self {
            Self::Tanh => 0,
            Self::Gru => 1,
            Self::Lstm => 2,
        }
    }
}
