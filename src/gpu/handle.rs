//! A GPU as a value: what opens it, what is recorded on it, how long it takes.

use std::sync::Arc;
use std::time::Duration;

use bytemuck::NoUninit;
use serde::Serialize;

use super::adapters::{Adapter, Opened};
use super::choices::Choices;
use super::engine::{Engine, Grain};
use super::forms::{AttentionForm, ProductForm};
use super::kernel::Declared;
use super::memory::Memory;
use super::recording::{Dispatch, Kernel, PARAMS_SIZE};
use super::shader::{Sums, Variant};
use super::tensor::GpuTensor;
use super::tiling::{Products, Tiling, attention_form, examples};
use super::weights::RecurrentWeights;
use crate::backend::State;
use crate::clock::Instant;
use crate::config::Cell;
use crate::request::{DeviceRequest, Precision};
use crate::{Error, Result};

/// A GPU that computes.
///
/// Clones share the device. It can be used from several threads; their work is run in the order it was asked for.
#[derive(Clone, Debug)]
pub struct Gpu {
    pub(in crate::gpu) engine: Arc<Engine>,
    pub(in crate::gpu) variant: Variant,
    /// The first stands in for what a kernel does not read, the others for what it does not write.
    pub(in crate::gpu) unused: [Arc<Memory>; 3],
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
    /// For measuring, environment variables choose a form for all that has it: `SEQ2SEQ_PRODUCT` of products, `staged`, or
    /// `registers-N` by the threads that share a block of outputs, or with weights in half precision `cooperative`, the
    /// hardware's matrices; `SEQ2SEQ_RECURRENCE` of recurrent layers over sequences, `positions` or `sequence`;
    /// `SEQ2SEQ_ATTENTION` of attention, `near`, `far`, `split` or `products`; `SEQ2SEQ_STATE` of attentional states and
    /// `SEQ2SEQ_EXTENSION` of the steps of a search, `apart` or `together`; `SEQ2SEQ_GREEDY` of greedy search, `steps` or
    /// `resident`.
    pub async fn open(request: &DeviceRequest, precision: Precision) -> Result<Self> {
        Self::open_with(request, Choices::best(precision).as_asked_for()?).await
    }

    /// Opens the adapter that is asked for, with what it has of what may be used.
    pub async fn open_with(request: &DeviceRequest, allowed: Choices) -> Result<Self> {
        let engine = Arc::new(Engine::new(Opened::new(request, allowed).await?));
        let choices = engine.opened().choices;
        let near = attention_form(choices.attention, engine.opened().adapter.kind.is_hardware()) == AttentionForm::Near;
        let Choices { precision, subgroups, wide, .. } = choices;
        let variant = Variant { precision, subgroups, sums: Sums::Registers, near, wide };
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

    /// Shapes of computations, and the form that each has here.
    pub fn forms(&self) -> Vec<(String, String)> {
        examples(self.choices(), self.is_hardware())
    }

    /// How long the device is busy with what `work` records; `None` where it has no clock.
    pub async fn device_time(&self, work: impl AsyncFnOnce() -> Result<()>) -> Result<Option<Duration>> {
        Ok(self.timed(Grain::Passes, work).await?.map(|passes| passes.iter().map(|(_, time)| *time).sum()))
    }

    /// How long each kernel takes of what `work` records, the longest first; `None` where the device has no clock.
    ///
    /// Every dispatch is timed alone, so that together they take longer than in one pass.
    pub async fn kernel_times(&self, work: impl AsyncFnOnce() -> Result<()>) -> Result<Option<Vec<KernelTime>>> {
        let Some(dispatches) = self.timed(Grain::Dispatches, work).await? else { return Ok(None) };
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

    async fn timed(
        &self,
        grain: Grain,
        work: impl AsyncFnOnce() -> Result<()>,
    ) -> Result<Option<Vec<(&'static str, Duration)>>> {
        self.engine.start_timing(grain)?;
        let worked = work().await;
        let times = self.engine.stop_timing().await?;
        worked.map(|()| times)
    }

    /// How long `work`, which writes to a memory, takes at the least, on the device's clock where it has one.
    pub(in crate::gpu) async fn best_seconds(&self, written: &Memory, work: impl Fn() -> Result<()>) -> Result<f64> {
        /// The best of so many runs counts, each of as much work as takes so long: clocks may be coarse, and a wait long.
        const RUNS: usize = 6;
        const SECONDS: f64 = 0.02;
        // Reading waits for all that came before.
        let wait = async || self.engine.read(&[(written, 16)]).await.map(|_| ());
        let run = async |times: usize| {
            wait().await?;
            let start = Instant::now();
            let timed = async || {
                (0..times).try_for_each(|_| work())?;
                wait().await
            };
            let device = self.device_time(timed).await?;
            Ok(device.unwrap_or_else(|| start.elapsed()).as_secs_f64())
        };
        let (mut times, mut best, mut runs) = (1, f64::INFINITY, 0);
        while runs < RUNS {
            let seconds = run(times).await?;
            if seconds < SECONDS && times < 1024 {
                times *= 2;
            } else {
                runs += 1;
            }
            best = best.min(seconds / times as f64);
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
    pub(in crate::gpu) fn is_hardware(&self) -> bool {
        self.adapter().kind.is_hardware()
    }

    pub(in crate::gpu) fn embedding_of<'a>(
        &self,
        operation: &'static str,
        weights: &'a RecurrentWeights,
    ) -> Result<&'a GpuTensor> {
        let missing = Error::Shape { operation, what: "embeddings for ids", expected: 1, found: 0 };
        weights.embedding.as_ref().ok_or(missing)
    }

    /// Checks a state of (batch, cols).
    pub(in crate::gpu) fn check_state(
        operation: &'static str,
        cell: Cell,
        state: &State<Self>,
        batch: usize,
        cols: usize,
    ) -> Result<()> {
        let states = |has_cell: bool| 1 + usize::from(has_cell);
        Error::check(operation, "states", states(cell.has_cell()), states(state.cell.is_some()))?;
        for tensor in [Some(&state.hidden), state.cell.as_ref()].into_iter().flatten() {
            Error::check(operation, "state rows", batch, tensor.rows)?;
            Error::check(operation, "state columns", cols, tensor.cols)?;
        }
        Ok(())
    }

    pub(in crate::gpu) fn cell_or_unused(&self, state: &State<Self>, unused: &Arc<Memory>) -> Arc<Memory> {
        state.cell.as_ref().map_or(unused, |cell| &cell.memory).clone()
    }

    /// Records one dispatch.
    pub(in crate::gpu) fn record(
        &self,
        kernel: Declared,
        params: impl NoUninit,
        constants: &[(&'static str, u32)],
        buffers: Vec<Arc<Memory>>,
        workgroup_count: [u32; 3],
    ) -> Result<()> {
        self.record_variant(kernel, self.variant, params, constants, buffers, workgroup_count)
    }

    /// The form of products with weights.
    pub(in crate::gpu) fn tiling_of_weights(&self, products: Products) -> Tiling {
        Tiling::choose(self.choices().product, self.is_hardware(), products)
    }

    /// The same where outputs are told apart by tiles.
    pub(in crate::gpu) fn tiling_of_tiles(&self, products: Products) -> Tiling {
        Tiling::choose_of_tiles(self.choices().product, self.is_hardware(), products)
    }

    /// The form of products of two tensors, neither of which is stored in half precision.
    pub(in crate::gpu) fn tiling(&self, products: Products) -> Tiling {
        let forced = self.choices().product.filter(|form| !form.of_halves());
        Tiling::choose(forced, self.is_hardware(), products)
    }

    /// The form of products of a kernel that has no staged one.
    pub(in crate::gpu) fn tiling_in_registers(&self, products: Products) -> Tiling {
        Tiling::choose_registers(self.choices().product, self.is_hardware(), products)
    }

    /// Records products.
    pub(in crate::gpu) fn record_tiled(
        &self,
        kernel: Declared,
        params: impl NoUninit,
        constants: &[(&'static str, u32)],
        buffers: Vec<Arc<Memory>>,
        tiling: Tiling,
    ) -> Result<()> {
        let mut variant = self.variant;
        let mut constants = constants.to_vec();
        match tiling.form {
            ProductForm::Registers { slices } => constants.push(("K_SLICES", slices)),
            ProductForm::Staged => variant.sums = Sums::Staged,
            ProductForm::Cooperative => variant.sums = Sums::Cooperative,
            ProductForm::CooperativePlain => variant.sums = Sums::CooperativePlain,
        }
        self.record_variant(kernel, variant, params, &constants, buffers, tiling.workgroups)
    }

    fn record_variant(
        &self,
        kernel: Declared,
        variant: Variant,
        params: impl NoUninit,
        constants: &[(&'static str, u32)],
        buffers: Vec<Arc<Memory>>,
        workgroup_count: [u32; 3],
    ) -> Result<()> {
        let bytes = bytemuck::bytes_of(&params);
        debug_assert_eq!(buffers.len(), kernel.reads + kernel.writes, "{}", kernel.shader.stem);
        debug_assert_eq!(bytes.len(), 4 * kernel.fields.len(), "{}", kernel.shader.stem);
        let mut padded = [0; PARAMS_SIZE];
        padded[..bytes.len()].copy_from_slice(bytes);
        let constants = std::array::from_fn(|place| constants.get(place).copied());
        let kernel = Kernel { shader: kernel.shader, variant, constants };
        self.engine.dispatch(Dispatch { kernel, buffers, params: (padded, bytes.len()), workgroup_count })
    }
}
