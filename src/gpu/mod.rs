//! The GPU backend: the operations as dispatches of `shaders/*.wgsl`, through wgpu.
//!
//! An operation adds to a recording what is to be run; nothing runs before something is read. Then all that was
//! recorded goes to the device in one pass of one submission. This is the only module that knows wgpu.

mod adapters;
mod engine;
pub mod kernels;
mod memory;
mod pipelines;
mod recording;
pub mod shader;
mod tensor;
mod training;
#[cfg(feature = "shader-languages")]
pub mod translate;
mod weights;

use std::sync::Arc;
use std::time::{Duration, Instant};

pub use adapters::{Adapter, AdapterKind, Choices, ProductForm, adapters};
use engine::{Engine, Grain};
use kernels::extend::ExtendedRows;
use kernels::generator::CandidateLayout;
use memory::Memory;
use shader::Variant;
pub use tensor::{GpuArena, GpuIds, GpuTensor};
pub use weights::{RecurrentWeights, Weights};

use serde::Serialize;

use crate::backend::{
    Activation, AttendedStep, Attention, Backend, Counters, Distribution, Input, RecurrentParameters, Search,
    SearchRules, Share, State,
};
use crate::device::{DeviceRequest, Precision};
use crate::model::Cell;
use crate::{Array, Error, Result};

/// A GPU that computes.
///
/// Clones share the device. It can be used from several threads; their work is run in the order it was asked for.
#[derive(Clone, Debug)]
pub struct Gpu {
    engine: Arc<Engine>,
    variant: Variant,
    /// The first stands in for what a kernel does not read, the others for what it does not write.
    unused: [Arc<Memory>; 3],
}

/// How long the device was busy with one kernel.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct KernelTime {
    /// The stem of its shader.
    pub kernel: &'static str,
    /// How often it ran.
    pub dispatches: u64,
    /// How long all of that took.
    pub seconds: f64,
}

impl Gpu {
    /// Opens the adapter that is asked for, with the best of what it has.
    ///
    /// For measuring, the environment variable `SEQ2SEQ_PRODUCT` chooses the form of every product that has it: `staged`,
    /// or `registers-1`, `registers-4`, `registers-16` by the threads that share a block of outputs.
    pub async fn open(request: &DeviceRequest, precision: Precision) -> Result<Self> {
        let product = std::env::var("SEQ2SEQ_PRODUCT").ok().map(|name| name.parse()).transpose()?;
        Self::open_with(request, Choices { product, ..Choices::best(precision) }).await
    }

    /// Opens the adapter that is asked for, with what it has of what may be used.
    pub async fn open_with(request: &DeviceRequest, allowed: Choices) -> Result<Self> {
        let engine = Arc::new(Engine::new(adapters::Opened::new(request, allowed).await?));
        let choices = engine.opened().choices;
        let variant = Variant { precision: choices.precision, subgroups: choices.subgroups, staged: false };
        let [one, two, three] = [0; 3].map(|_| engine.scratch(16, "nothing"));
        let unused = [one?, two?, three?];
        Ok(Self { engine, variant, unused })
    }

    /// The adapter behind it.
    pub fn adapter(&self) -> &Adapter {
        &self.engine.opened().adapter
    }

    /// How it is used.
    pub fn choices(&self) -> Choices {
        self.engine.opened().choices
    }

    /// How long the device is busy with what `work` records; `None` where it has no clock.
    pub fn device_time(&self, work: impl FnOnce() -> Result<()>) -> Result<Option<Duration>> {
        Ok(self.timed(Grain::Passes, work)?.map(|passes| passes.iter().map(|(_, time)| *time).sum()))
    }

    /// How long each kernel takes of what `work` records, the longest first; `None` where the device has no clock.
    ///
    /// Every dispatch is timed alone, so that together they take longer than in one pass.
    pub fn kernel_times(&self, work: impl FnOnce() -> Result<()>) -> Result<Option<Vec<KernelTime>>> {
        let Some(dispatches) = self.timed(Grain::Dispatches, work)? else { return Ok(None) };
        let mut kernels: Vec<KernelTime> = Vec::new();
        for (kernel, time) in dispatches {
            let found = kernels.iter().position(|known| known.kernel == kernel).unwrap_or_else(|| {
                kernels.push(KernelTime { kernel, dispatches: 0, seconds: 0.0 });
                kernels.len() - 1
            });
            kernels[found].dispatches += 1;
            kernels[found].seconds += time.as_secs_f64();
        }
        kernels.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
        Ok(Some(kernels))
    }

    fn timed(&self, grain: Grain, work: impl FnOnce() -> Result<()>) -> Result<Option<Vec<(&'static str, Duration)>>> {
        self.engine.start_timing(grain)?;
        let worked = work();
        let times = self.engine.stop_timing()?;
        worked.map(|()| times)
    }

    /// The shortest of several runs of what `work` records, on the device's clock where it has one.
    fn best_seconds(&self, work: impl Fn() -> Result<()>) -> Result<f64> {
        const RUNS: usize = 6;
        let mut best = f64::INFINITY;
        for _ in 0..RUNS {
            self.finish()?;
            let start = Instant::now();
            let timed = || {
                work()?;
                self.finish()
            };
            let device = self.device_time(timed)?;
            best = best.min(device.unwrap_or_else(|| start.elapsed()).as_secs_f64());
        }
        Ok(best.max(1e-9))
    }

    /// Waits until everything asked for so far is done.
    pub fn finish(&self) -> Result<()> {
        self.engine.finish()
    }

    /// Gives the device back at once. Whatever is asked of it afterwards is an [`Error::Device`], as when it is lost.
    pub fn destroy(&self) {
        self.engine.opened().device.destroy();
    }

    /// Whether it is more than an implementation in software.
    fn is_hardware(&self) -> bool {
        self.adapter().kind != AdapterKind::Software
    }

    fn embedding_of<'a>(&self, operation: &'static str, weights: &'a RecurrentWeights) -> Result<&'a GpuTensor> {
        let missing = Error::Shape { operation, what: "embeddings for ids", expected: 1, found: 0 };
        weights.embedding.as_ref().ok_or(missing)
    }

    /// Checks a state of (batch, cols).
    fn check_state(operation: &'static str, cell: Cell, state: &State<Self>, batch: usize, cols: usize) -> Result<()> {
        let states = |has_cell: bool| 1 + usize::from(has_cell);
        Error::check(operation, "states", states(cell.has_cell()), states(state.cell.is_some()))?;
        for tensor in [Some(&state.hidden), state.cell.as_ref()].into_iter().flatten() {
            Error::check(operation, "state rows", batch, tensor.rows)?;
            Error::check(operation, "state columns", cols, tensor.cols)?;
        }
        Ok(())
    }

    fn cell_or_unused(&self, state: &State<Self>, unused: &Arc<Memory>) -> Arc<Memory> {
        state.cell.as_ref().map_or(unused, |cell| &cell.memory).clone()
    }
}

impl Backend for Gpu {
    type Float = f32;
    type Tensor = GpuTensor;
    type Ids = GpuIds;
    type Linear = Weights;
    type Recurrent = RecurrentWeights;

    fn zeros(&self, rows: usize, cols: usize) -> Result<GpuTensor> {
        GpuTensor::zeros(&self.engine, rows, cols)
    }

    fn scratch(&self, rows: usize, cols: usize) -> Result<GpuTensor> {
        // What is behind the columns of a row is never written, and must be zero.
        if cols.is_multiple_of(4) { GpuTensor::scratch(&self.engine, rows, cols) } else { self.zeros(rows, cols) }
    }

    fn upload(&self, array: &Array) -> Result<GpuTensor> {
        GpuTensor::upload(&self.engine, array)
    }

    fn upload_ids(&self, ids: &[u32]) -> Result<GpuIds> {
        GpuIds::upload(&self.engine, ids)
    }

    async fn read(&self, tensor: &GpuTensor) -> Result<Vec<f32>> {
        let bytes = self.engine.read(&[tensor.part()]).await?;
        Ok(tensor.unpad(&bytes[0]))
    }

    async fn read_ids(&self, ids: &GpuIds) -> Result<Vec<u32>> {
        let bytes = self.engine.read(&[ids.part()]).await?;
        Ok(bytemuck::pod_collect_to_vec(&bytes[0]))
    }

    async fn read_all(&self, tensors: &[&GpuTensor], ids: &[&GpuIds]) -> Result<(Vec<Vec<f32>>, Vec<Vec<u32>>)> {
        let parts: Vec<_> =
            tensors.iter().map(|tensor| tensor.part()).chain(ids.iter().map(|ids| ids.part())).collect();
        let bytes = self.engine.read(&parts).await?;
        let (numbers, ids) = bytes.split_at(tensors.len());
        let numbers = tensors.iter().zip(numbers).map(|(tensor, bytes)| tensor.unpad(bytes)).collect();
        Ok((numbers, ids.iter().map(|bytes| bytemuck::pod_collect_to_vec(bytes)).collect()))
    }

    fn max_elements(&self) -> usize {
        // Rows are padded to whole quads: three elements a row at most, a row being one element at least.
        (self.engine.opened().max_binding() / 16) as usize
    }

    fn steps_per_read(&self) -> usize {
        8
    }

    fn candidate_cols(&self, vocab_size: usize, beam: usize) -> usize {
        CandidateLayout::new(vocab_size, beam).cols()
    }

    fn linear_weights(&self, weight: &Array, bias: Option<&Array>) -> Result<Weights> {
        weights::linear(&self.engine, self.variant.precision, weight, bias)
    }

    fn recurrent_weights(&self, parameters: &RecurrentParameters<'_>) -> Result<RecurrentWeights> {
        weights::recurrent(&self.engine, self.variant.precision, parameters)
    }

    fn embedding(&self, table: &GpuTensor, ids: &GpuIds, out: &mut GpuTensor) -> Result<()> {
        self.record_embedding(table, ids, out)
    }

    fn linear(
        &self,
        weights: &Weights,
        input: &GpuTensor,
        activation: Activation,
        accumulate: bool,
        out: &mut GpuTensor,
    ) -> Result<()> {
        self.record_linear(weights, input, activation, accumulate, out)
    }

    fn recurrent_layer(
        &self,
        weights: &RecurrentWeights,
        input: Input<'_, Self>,
        lengths: &GpuIds,
        initial: Option<&State<Self>>,
        output: &mut GpuTensor,
        last: &mut State<Self>,
    ) -> Result<()> {
        self.record_recurrent_layer(weights, input, lengths, initial, output, last)
    }

    fn recurrent_step(
        &self,
        weights: &RecurrentWeights,
        frontier: &GpuIds,
        below: Option<&GpuTensor>,
        feed: Option<&GpuTensor>,
        previous: &State<Self>,
        next: &mut State<Self>,
    ) -> Result<()> {
        self.record_recurrent_step(weights, frontier, below, feed, previous, next)
    }

    fn attention(
        &self,
        attention: &Attention<'_, Self>,
        weights: &mut GpuTensor,
        first_row: usize,
        context: &mut GpuTensor,
    ) -> Result<()> {
        self.record_attention(kernels::attention::DECLARED, attention, weights, first_row, Some(context))
    }

    fn attention_scores(&self, attention: &Attention<'_, Self>, scores: &mut GpuTensor) -> Result<()> {
        self.record_attention(kernels::attention_scores::DECLARED, attention, scores, 0, None)
    }

    fn attention_softmax(&self, attention: &Attention<'_, Self>, scores_to_weights: &mut GpuTensor) -> Result<()> {
        self.record_attention(kernels::attention_softmax::DECLARED, attention, scores_to_weights, 0, None)
    }

    fn attention_context(
        &self,
        attention: &Attention<'_, Self>,
        weights: &GpuTensor,
        context: &mut GpuTensor,
    ) -> Result<()> {
        self.record_attention(kernels::attention_context::DECLARED, attention, weights, 0, Some(context))
    }

    fn log_softmax(&self, logits: &GpuTensor, out: &mut GpuTensor) -> Result<()> {
        self.record_log_softmax(logits, out)
    }

    fn argmax(&self, logits: &GpuTensor, out: &mut GpuIds) -> Result<()> {
        self.record_argmax(logits, out)
    }

    fn mix(&self, logits: &GpuTensor, share: Share, probabilities: &mut GpuTensor) -> Result<()> {
        self.record_mix(logits, share, probabilities)
    }

    fn extend(
        &self,
        rules: &SearchRules,
        symbols: Distribution<'_, Self>,
        step: usize,
        row: usize,
        search: &mut Search<Self>,
    ) -> Result<()> {
        let extended = match symbols {
            Distribution::Generator { weights, attentional } => {
                ExtendedRows { rows: attentional.rows, symbols: weights.outputs }
            }
            Distribution::Probabilities(rows) => ExtendedRows { rows: rows.rows, symbols: rows.cols },
        };
        if extended.rows == 0 {
            return Ok(());
        }
        match symbols {
            Distribution::Generator { weights, attentional } => {
                self.record_generator(rules, weights, attentional, &search.candidates)?;
            }
            Distribution::Probabilities(rows) => self.record_candidates(rules, rows, &search.candidates)?,
        }
        self.record_extend(rules, extended, step, row, search)
    }

    fn cover(
        &self,
        rules: &SearchRules,
        step: &AttendedStep<'_, Self>,
        share: Share,
        search: &mut Search<Self>,
    ) -> Result<()> {
        self.record_cover(rules, step, share, search)
    }

    fn counters(&self) -> Counters {
        self.engine.counters()
    }
}
