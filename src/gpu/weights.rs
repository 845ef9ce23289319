//! Weights in the order that `shared/product.wgsl` reads them.
//!
//! Quad q of input k is W[4q … 4q + 3, k]. The inputs are concatenated from parts, each padded to whole quads; the
//! padding is zero, and so are the outputs behind the last. All biases follow.

use std::sync::Arc;

use half::f16;

use super::engine::Engine;
use super::memory::Memory;
use super::tensor::GpuTensor;
use crate::backend::RecurrentParameters;
use crate::config::Cell;
use crate::request::Precision;
use crate::{Array, Error, Result};

/// Bytes of so many quads of weights.
pub fn bytes(precision: Precision, quads: usize) -> usize {
    quads * if precision == Precision::F16 { 8 } else { 16 }
}

/// Weights on the device.
#[derive(Debug)]
pub struct Weights {
    pub(super) memory: Arc<Memory>,
    /// Quads of each part of the inputs.
    pub(super) inputs: Vec<usize>,
    /// Quads of outputs.
    pub(super) quads: usize,
    /// Outputs.
    pub(super) outputs: usize,
}

impl Weights {
    /// Quads of all parts of the inputs.
    pub(super) fn input_quads(&self) -> usize {
        self.inputs.iter().sum()
    }

    /// Where the biases begin, in quads.
    pub(super) fn bias(&self) -> usize {
        4 * self.input_quads() * self.quads
    }
}

/// Weights on the host while they are put in order.
pub(super) struct Quads {
    inputs: Vec<usize>, // elements of each part
    outputs: usize,
    quads: usize,
    weights: Vec<f32>, // (Σ padded inputs, 4 · quads)
    bias: Vec<f32>,    // (4 · quads)
}

impl Quads {
    fn zeros(inputs: &[usize], outputs: usize) -> Self {
        let quads = outputs.div_ceil(4);
        let padded: usize = inputs.iter().map(|part| part.next_multiple_of(4)).sum();
        let (weights, bias) = (vec![0.0; padded * 4 * quads], vec![0.0; 4 * quads]);
        Self { inputs: inputs.to_vec(), outputs, quads, weights, bias }
    }

    /// Puts `row`, the weights of one output for the parts from `first` on, into column `column`.
    fn set(&mut self, first: usize, column: usize, mut row: &[f32]) {
        let pitch = 4 * self.quads;
        let mut k: usize = self.inputs[..first].iter().map(|part| part.next_multiple_of(4)).sum();
        for &part in &self.inputs[first..] {
            let (here, rest) = row.split_at(part.min(row.len()));
            for (offset, weight) in here.iter().enumerate() {
                self.weights[(k + offset) * pitch + column] = *weight;
            }
            k += part.next_multiple_of(4);
            row = rest;
        }
    }

    /// Quads of each part of the inputs.
    pub(super) fn input_quads(&self) -> Vec<usize> {
        self.inputs.iter().map(|part| part.div_ceil(4)).collect()
    }

    /// As a device reads them.
    pub(super) fn bytes(&self, precision: Precision) -> Vec<u8> {
        match precision {
            Precision::F32 => bytemuck::cast_slice(&[&self.weights[..], &self.bias[..]].concat()).to_vec(),
            Precision::F16 => {
                let halves: Vec<u16> = self.weights.iter().map(|weight| f16::from_f32(*weight).to_bits()).collect();
                [bytemuck::cast_slice(&halves), bytemuck::cast_slice::<f32, u8>(&self.bias)].concat()
            }
        }
    }

    /// What each row of `table`, as the first part of the inputs, brings to the outputs, the biases with it (rows, 4 · quads);
    /// and the weights of the other parts, as a device stores them.
    pub(super) fn with_rows_folded(mut self, table: &Array, precision: Precision) -> (Vec<f32>, Self) {
        let pitch = 4 * self.quads;
        let behind = self.weights.split_off(self.inputs.remove(0).next_multiple_of(4) * pitch);
        let first = std::mem::replace(&mut self.weights, behind);
        let stored = |weight: f32| match precision {
            Precision::F32 => weight,
            Precision::F16 => f16::from_f32(weight).to_f32(),
        };
        let mut rows = Vec::with_capacity(table.rows() * pitch);
        for row in 0..table.rows() {
            let mut sums: Vec<f64> = self.bias.iter().copied().map(f64::from).collect();
            for (&x, weights) in table.row(row).iter().zip(first.chunks_exact(pitch)) {
                for (sum, &weight) in sums.iter_mut().zip(weights) {
                    *sum += f64::from(x) * f64::from(stored(weight));
                }
            }
            rows.extend(sums.into_iter().map(|sum| sum as f32));
        }
        (rows, self)
    }

    fn upload(&self, engine: &Engine, precision: Precision) -> Result<Weights> {
        let memory = engine.upload(&self.bytes(precision), "weights")?;
        Ok(Weights { memory, inputs: self.input_quads(), quads: self.quads, outputs: self.outputs })
    }
}

/// y = W x + b
pub fn linear(engine: &Engine, precision: Precision, weight: &Array, bias: Option<&Array>) -> Result<Weights> {
    linear_quads(weight, bias)?.upload(engine, precision)
}

/// The same on the host.
pub(super) fn linear_quads(weight: &Array, bias: Option<&Array>) -> Result<Quads> {
    let outputs = weight.rows();
    let mut quads = Quads::zeros(&[weight.cols()], outputs);
    for output in 0..outputs {
        quads.set(0, output, weight.row(output));
    }
    if let Some(bias) = bias {
        Error::check("linear_weights", "bias", outputs, bias.data.len())?;
        quads.bias[..outputs].copy_from_slice(&bias.data);
    }
    Ok(quads)
}

/// The weights of a recurrent layer: inputs [embedding or layer below; fed attentional state; hidden state], outputs
/// the gates of each direction's units, as `shared/cell.wgsl` orders them.
#[derive(Debug)]
pub struct RecurrentWeights {
    pub(super) cell: Cell,
    pub(super) hidden: usize,
    pub(super) directions: usize,
    /// Quads of one direction's gates.
    pub(super) gate_quads: usize,
    /// (vocab, embedding), where the layer is fed ids.
    pub(super) embedding: Option<GpuTensor>,
    /// (inputs, directions · gates)
    pub(super) weights: Weights,
}

/// Prepares a recurrent layer.
pub fn recurrent(
    engine: &Engine,
    precision: Precision,
    parameters: &RecurrentParameters<'_>,
) -> Result<RecurrentWeights> {
    let weights = recurrent_quads(parameters)?;
    let RecurrentParameters { cell, directions, embedding, .. } = parameters;
    let hidden = weights.inputs[2];
    Ok(RecurrentWeights {
        cell: *cell,
        hidden,
        directions: directions.len(),
        gate_quads: gate_quads(*cell, hidden),
        embedding: embedding.map(|table| GpuTensor::upload(engine, table)).transpose()?,
        weights: weights.upload(engine, precision)?,
    })
}

/// Quads of one direction's gates.
pub(super) fn gate_quads(cell: Cell, hidden: usize) -> usize {
    if cell == Cell::Tanh { hidden.div_ceil(4) } else { hidden }
}

/// The weights of a recurrent layer on the host.
pub(super) fn recurrent_quads(parameters: &RecurrentParameters<'_>) -> Result<Quads> {
    let RecurrentParameters { cell, directions, embedding, feed_size } = parameters;
    let Some(first) = directions.first() else {
        return Err(Error::Shape { operation: "recurrent_weights", what: "directions", expected: 1, found: 0 });
    };
    let (hidden, input_size) = (first.weight_hh.cols(), first.weight_ih.cols());
    let gate_quads = gate_quads(*cell, hidden);
    let below = input_size.saturating_sub(*feed_size);
    if let Some(table) = embedding {
        Error::check("recurrent_weights", "embedding", below, table.cols())?;
    }
    let mut quads = Quads::zeros(&[below, *feed_size, hidden], 4 * gate_quads * directions.len());
    for (place, direction) in directions.iter().enumerate() {
        let rows = cell.gates() * hidden;
        Error::check("recurrent_weights", "weight_ih rows", rows, direction.weight_ih.rows())?;
        Error::check("recurrent_weights", "weight_ih columns", input_size, direction.weight_ih.cols())?;
        Error::check("recurrent_weights", "weight_hh rows", rows, direction.weight_hh.rows())?;
        Error::check("recurrent_weights", "weight_hh columns", hidden, direction.weight_hh.cols())?;
        Error::check("recurrent_weights", "bias_ih", rows, direction.bias_ih.data.len())?;
        Error::check("recurrent_weights", "bias_hh", rows, direction.bias_hh.data.len())?;
        let start = 4 * place * gate_quads;
        for (row, (gate, unit)) in
            (0..cell.gates()).flat_map(|gate| (0..hidden).map(move |unit| (gate, unit))).enumerate()
        {
            let (input, recurrent) = match cell {
                Cell::Tanh => (unit, unit),
                Cell::Lstm => (4 * unit + gate, 4 * unit + gate),
                // The two halves of the candidate stay apart: the reset gate acts on one alone.
                Cell::Gru if gate == 2 => (4 * unit + 2, 4 * unit + 3),
                Cell::Gru => (4 * unit + gate, 4 * unit + gate),
            };
            quads.set(0, start + input, direction.weight_ih.row(row));
            quads.set(2, start + recurrent, direction.weight_hh.row(row));
            quads.bias[start + input] += direction.bias_ih.data[row];
            quads.bias[start + recurrent] += direction.bias_hh.data[row];
        }
    }
    Ok(quads)
}
