//! Greedy search of small models: workgroups keep the states of their sentences through several steps.

use std::sync::Arc;

use super::forms::GreedyForm;
use super::handle::Gpu;
use super::memory::Memory;
use super::tensor::GpuTensor;
use super::tiling::greedy_form;
use super::weights::{Quads, bytes, gate_quads, linear_quads, recurrent_quads};
use crate::backend::{GreedyParameters, GreedySteps, LengthPenalty, Search, State};
use crate::config::{Activation, Cell, Score, Window};
use crate::request::Precision;
use crate::{Error, Result};

/// Units of a layer that a workgroup of `greedy_steps.wgsl` has room for.
pub(super) const MOST_HIDDEN: usize = 256;
/// Units of all layers.
pub(super) const MOST_UNITS: usize = 512;
/// Source positions.
pub(super) const MOST_POSITIONS: usize = 1024;
/// Numbers of the table of what symbols bring to the first layer's gates: 4 MiB.
const MOST_TABLE: usize = 1 << 20;

/// All weights of a decoder and its generator in one buffer, each piece as those of products lie. Places are
/// counted in quads as they are stored: four numbers, in 32 or in 16 bits.
#[derive(Debug)]
pub struct GreedyWeights {
    pub(super) memory: Arc<Memory>,
    pub(super) bytes: usize,
    pub(super) cell: Cell,
    pub(super) activation: Activation,
    pub(super) scale: f32,
    pub(super) layers: usize,
    pub(super) hidden: usize,
    pub(super) gate_quads: usize,
    /// Quads of the attentional state that is fed.
    pub(super) feed: usize,
    pub(super) symbols: usize,
    /// Where the second layer begins.
    pub(super) upper: usize,
    /// From one upper layer to the next.
    pub(super) upper_size: usize,
    /// Where W_ch begins.
    pub(super) projection: usize,
    /// Where W_s begins.
    pub(super) generator: usize,
    /// Where what symbols bring begins (vocab, gates): W_ih x + b of the first layer.
    pub(super) table: usize,
}

/// The states of sentences between two dispatches, and behind them the choices of the last one.
#[derive(Debug)]
pub struct GreedyState {
    pub(super) memory: Arc<Memory>,
    /// Of each part: sentences.
    pub(super) rows: usize,
}

impl GreedyWeights {
    /// Quads of the states of so many sentences: hidden states and cells of all layers, and the attentional state.
    pub(super) fn state_quads(&self, rows: usize) -> usize {
        (2 * self.layers + 1) * rows * self.hidden_quads()
    }

    pub(super) fn hidden_quads(&self) -> usize {
        self.hidden.div_ceil(4)
    }
}

/// What a search does without where there is no memory for it.
fn if_there_is_room(memory: Result<Arc<Memory>>) -> Result<Option<Arc<Memory>>> {
    match memory {
        Err(Error::OutOfMemory { .. }) => Ok(None),
        memory => memory.map(Some),
    }
}

/// Pieces of a buffer, one behind the other.
struct Pieces {
    bytes: Vec<u8>,
    precision: Precision,
}

impl Pieces {
    /// Where the next one begins.
    fn end(&self) -> usize {
        self.bytes.len() / bytes(self.precision, 1)
    }

    /// Where this one begins.
    fn push(&mut self, weights: &Quads) -> usize {
        let start = self.end();
        self.bytes.extend(weights.bytes(self.precision));
        start
    }

    /// Numbers that stay in 32 bits.
    fn push_numbers(&mut self, numbers: &[f32]) -> usize {
        let start = self.end();
        self.bytes.extend(bytemuck::cast_slice::<f32, u8>(numbers));
        start
    }
}

impl Gpu {
    /// `None` for scores and windows that the kernel lacks, and for what a workgroup cannot hold.
    pub(super) fn greedy_weights(&self, parameters: &GreedyParameters<'_>) -> Result<Option<GreedyWeights>> {
        let GreedyParameters { layers, score, window, projection, projection_bias, .. } = parameters;
        let Some((first, uppers)) = layers.split_first() else { return Ok(None) };
        let Some(table) = first.embedding else { return Ok(None) };
        let (hidden, symbols) = (projection.rows(), parameters.generator.rows());
        let (padded, gate_quads) = (hidden.next_multiple_of(4), gate_quads(first.cell, hidden));
        let fits = padded <= MOST_HIDDEN
            && layers.len() * padded <= MOST_UNITS
            && 4 * gate_quads * table.rows() <= MOST_TABLE
            && symbols.div_ceil(4) <= self.choices().threads() as usize;
        let is_product = !matches!(score, Score::Concat | Score::Location);
        if *window != Window::Global || !is_product || !fits {
            return Ok(None);
        }
        // A step reads them all, but of the table one row.
        let inputs = first.feed_size.next_multiple_of(4) + padded + uppers.len() * 2 * padded;
        let quads = inputs * gate_quads + padded * (padded + symbols).div_ceil(4);
        let bytes = bytes(self.variant.precision, quads);
        if greedy_form(self.choices(), self.is_hardware(), 1, bytes) == GreedyForm::Steps {
            return Ok(None);
        }
        let precision = self.variant.precision;
        let (table, first_weights) = recurrent_quads(first)?.with_rows_folded(table, precision);
        let mut pieces = Pieces { bytes: Vec::new(), precision };
        pieces.push(&first_weights);
        let upper = pieces.end();
        for layer in uppers {
            pieces.push(&recurrent_quads(layer)?);
        }
        let behind_layers = pieces.end();
        let projection = pieces.push(&linear_quads(projection, *projection_bias)?);
        let generator = pieces.push(&linear_quads(parameters.generator, Some(parameters.generator_bias))?);
        let table = pieces.push_numbers(&table);
        let Some(memory) = if_there_is_room(self.engine.upload(&pieces.bytes, "weights"))? else { return Ok(None) };
        Ok(Some(GreedyWeights {
            memory,
            bytes,
            cell: first.cell,
            activation: parameters.activation,
            scale: score.scale(hidden),
            layers: layers.len(),
            hidden,
            gate_quads,
            feed: first_weights.input_quads()[0],
            symbols,
            upper,
            upper_size: (behind_layers - upper) / uppers.len().max(1),
            projection,
            generator,
            table,
        }))
    }

    /// `None` where, for so many sentences, several dispatches a step are faster, and for sources that are too long.
    pub(super) fn greedy_state(
        &self,
        weights: &GreedyWeights,
        initial: &[State<Self>],
        src_len: usize,
    ) -> Result<Option<GreedyState>> {
        let operation = "greedy_state";
        Error::check(operation, "layers", weights.layers, initial.len())?;
        let rows = initial.first().map_or(0, |state| state.hidden.rows);
        let form = greedy_form(self.choices(), self.is_hardware(), rows, weights.bytes);
        if form == GreedyForm::Steps || rows == 0 || rows > 65535 || !(1..=MOST_POSITIONS).contains(&src_len) {
            return Ok(None);
        }
        let bytes = 16 * weights.state_quads(rows) as u64;
        let memory = if_there_is_room(self.engine.zeroed(bytes, "the states of a search"))?;
        let Some(memory) = memory else { return Ok(None) };
        let state = GreedyState { memory, rows };
        for (layer, first) in initial.iter().enumerate() {
            Self::check_state(operation, weights.cell, first, rows, weights.hidden)?;
            self.record_greedy_begin(weights, layer, first, &state)?;
        }
        Ok(Some(state))
    }

    /// Two dispatches for all steps: the steps themselves, and what comes of them in the search.
    pub(super) fn greedy_steps(
        &self,
        weights: &GreedyWeights,
        steps: &GreedySteps<'_, Self>,
        alignment: &GpuTensor,
        state: &mut GreedyState,
        search: &Search<Self>,
    ) -> Result<()> {
        let check = |what, expected, found| Error::check("greedy_steps", what, expected, found);
        let (batch, rules) = (steps.lengths.len, steps.rules);
        let src_len = alignment.cols;
        let frontier = steps.first_frontier.unwrap_or(&search.frontier);
        check("beam", 1, rules.beam)?;
        check("penalties", 0, usize::from(search.coverage.is_some() || rules.length_penalty != LengthPenalty::None))?;
        check("limits", batch, search.limits.rows)?;
        check("frontier", 2 * batch, frontier.len)?;
        check("weights rows", batch * (alignment.rows / batch.max(1)), alignment.rows)?;
        check("source positions", src_len.min(MOST_POSITIONS), src_len)?;
        let rows = alignment.rows / batch.max(1);
        check("weights rows of a sentence", if rows == 1 { 1 } else { steps.steps.max(rows) }, rows)?;
        check("steps", steps.steps.max(1), steps.steps)?;
        check("steps within the trellis", steps.steps.min(search.trellis.len / (2 * batch).max(1)), steps.steps)?;
        for tensor in [steps.keys, steps.values] {
            check("rows of keys and values", batch * src_len, tensor.rows)?;
            check("columns of keys and values", weights.hidden, tensor.cols)?;
        }
        if batch == 0 || alignment.rows == 0 {
            return Ok(());
        }
        let quads = weights.state_quads(batch) + batch * steps.steps;
        let memory = self.engine.scratch(16 * quads as u64, "the states of a search")?;
        let next = GreedyState { memory, rows: batch };
        self.record_greedy_steps(weights, steps, frontier, alignment, [state, &next])?;
        self.record_greedy_extend(weights, steps, &next, search)?;
        *state = next;
        Ok(())
    }
}
