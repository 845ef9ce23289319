//! `shaders/recurrent_layer.wgsl`: one position of a recurrent layer over sequences, in all its directions.

use super::recurrent_sequence::{MOST_STEPS, RecurrentSequence};
use crate::backend::{Activation, Input, State};
use crate::gpu::tiling::Products;
use crate::gpu::weights::RecurrentWeights;
use crate::gpu::{Gpu, GpuIds, GpuTensor};
use crate::{Error, Result};

kernel! {
    RecurrentLayer = "recurrent_layer" reads 5 then writes 3, 256 threads:
    batch: u32,
    len: u32,
    step: u32,
    hidden: u32,
    quads: u32,
    inputs: u32,
    first: u32,
    directions: u32,
    pitch: u32,
}

impl Gpu {
    /// One product for the inputs of all positions, then one dispatch for many positions, or one for each.
    pub(in crate::gpu) fn recurrent_layer(
        &self,
        weights: &RecurrentWeights,
        input: Input<'_, Self>,
        lengths: &GpuIds,
        initial: Option<&State<Self>>,
        output: &GpuTensor,
        last: &mut State<Self>,
    ) -> Result<()> {
        let operation = "recurrent_layer";
        let (batch, cols) = (lengths.len, weights.directions * weights.hidden);
        if batch == 0 || output.rows == 0 {
            return Ok(());
        }
        let len = output.rows / batch;
        Error::check(operation, "output rows", batch * len, output.rows)?;
        Error::check(operation, "output columns", cols, output.cols)?;
        Error::check(operation, "feed size", 0, weights.weights.inputs[1])?;
        for state in initial.into_iter().chain([&*last]) {
            Self::check_state(operation, weights.cell, state, batch, cols)?;
        }

        let gates = GpuTensor::scratch(&self.engine, output.rows, weights.weights.outputs)?;
        let embedded;
        let rows = match input {
            Input::Rows(rows) => rows,
            Input::Ids(ids) => {
                let table = self.embedding_of(operation, weights)?;
                embedded = GpuTensor::scratch(&self.engine, ids.len, table.cols)?;
                self.embedding(table, ids, &embedded)?;
                &embedded
            }
        };
        Error::check(operation, "input rows", output.rows, rows.rows)?;
        Error::check(operation, "input quads", weights.weights.inputs[0], rows.quads())?;
        self.record_product(&weights.weights, rows, Activation::Identity, false, &gates)?;

        let zeros;
        let mut previous = match initial {
            Some(initial) => initial,
            None => {
                zeros = State::zeros(self, weights.cell, batch, cols)?;
                &zeros
            }
        };

        // The states alternate between two sets of buffers, so that the last dispatch writes `last`.
        let spare = State::scratch(self, weights.cell, batch, cols)?;
        let sequence = self.sequence_tiling(weights, batch);
        let products = Products {
            rows: batch,
            quads: weights.gate_quads,
            inputs: weights.weights.inputs[2],
            count: weights.directions,
        };
        let tiling = self.tiling_in_registers(products);
        let steps = if sequence.is_some() { MOST_STEPS } else { 1 };
        let is_aligned = weights.directions == 1 || weights.hidden.is_multiple_of(4);
        let constants = [("CELL", weights.cell.number()), ("ALIGNED", is_aligned.into())];
        for step in (0..len).step_by(steps) {
            let behind = (len - step).div_ceil(steps) - 1;
            let next = if behind.is_multiple_of(2) { &*last } else { &spare };
            let buffers = vec![
                weights.weights.memory.clone(),
                gates.memory.clone(),
                lengths.memory.clone(),
                previous.hidden.memory.clone(),
                self.cell_or_unused(previous, &self.unused[0]),
                next.hidden.memory.clone(),
                self.cell_or_unused(next, &self.unused[1]),
                output.memory.clone(),
            ];
            let params = RecurrentLayer {
                batch: batch as u32,
                len: len as u32,
                step: step as u32,
                hidden: weights.hidden as u32,
                quads: weights.gate_quads as u32,
                inputs: weights.weights.inputs[2] as u32,
                first: (4 * weights.weights.inputs[0] * weights.weights.quads) as u32,
                directions: weights.directions as u32,
                pitch: output.quads() as u32,
            };
            match sequence {
                None => self.record_tiled(DECLARED, params, &constants, buffers, tiling)?,
                Some(sequence) => {
                    let RecurrentLayer { batch, len, step, hidden, quads, inputs: _, first, directions, pitch } =
                        params;
                    let steps = (len - step).min(MOST_STEPS as u32);
                    let params = RecurrentSequence { batch, len, step, steps, hidden, quads, first, directions, pitch };
                    self.record_sequence(weights, params, sequence, buffers)?;
                }
            }
            previous = next;
        }
        Ok(())
    }
}
