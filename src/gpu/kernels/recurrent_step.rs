//! `shaders/recurrent_step.wgsl`: one step of a recurrent layer of one direction.

use crate::backend::{Input, State};
use crate::gpu::weights::RecurrentWeights;
use crate::gpu::{Gpu, GpuTensor};
use crate::model::Cell;
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
    pub(in crate::gpu) fn record_recurrent_step(
        &self,
        weights: &RecurrentWeights,
        input: Input<'_, Self>,
        feed: Option<&GpuTensor>,
        previous: &State<Self>,
        next: &State<Self>,
    ) -> Result<()> {
        let operation = "recurrent_step";
        let batch = next.hidden.rows;
        Error::check(operation, "directions", 1, weights.directions)?;
        for state in [previous, next] {
            Self::check_state(operation, weights.cell, state, batch, weights.hidden)?;
        }
        let [inputs_0, inputs_1, inputs_2] = [0, 1, 2].map(|part| weights.weights.inputs[part]);
        Error::check(operation, "feed quads", inputs_1, feed.map_or(0, GpuTensor::quads))?;
        Error::check(operation, "feed rows", batch, feed.map_or(batch, |feed| feed.rows))?;
        let (rows, ids, look_up) = match input {
            Input::Rows(rows) => {
                Error::check(operation, "input rows", batch, rows.rows)?;
                (rows, &self.unused[0], 0)
            }
            Input::Ids(ids) => {
                Error::check(operation, "input ids", batch, ids.len)?;
                (self.embedding_of(operation, weights)?, &ids.memory, 1)
            }
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
            ids.clone(),
            feed.map_or(&self.unused[0], |feed| &feed.memory).clone(),
            previous.hidden.memory.clone(),
            self.cell_or_unused(previous, &self.unused[0]),
            next.hidden.memory.clone(),
            self.cell_or_unused(next, &self.unused[1]),
        ];
        let tiling = self.tiling(batch, weights.gate_quads);
        let constants = [("CELL", weights.cell.number()), ("LOOK_UP", look_up), ("K_SLICES", tiling.slices)];
        self.record(params, &constants, buffers, tiling.workgroup_count)
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
