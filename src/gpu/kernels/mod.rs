//! The host side of every shader: `kernels/<stem>.rs` stands beside `shaders/<stem>.wgsl`.

macro_rules! kernel {
    (
        $(#[$attribute:meta])*
        $name:ident = $stem:literal reads $reads:literal then writes $writes:literal, $threads:literal threads:
        $($field:ident: $type:ident),* $(,)?
    ) => {
        $(#[$attribute])*
        #[repr(C)]
        #[derive(Clone, Copy, Debug, bytemuck::NoUninit)]
        pub(super) struct $name {
            $(pub $field: $type),*
        }

        impl $crate::gpu::kernels::Params for $name {
            const DECLARED: $crate::gpu::kernels::Declared = $crate::gpu::kernels::Declared {
                stem: $stem,
                reads: $reads,
                writes: $writes,
                threads: $threads,
                fields: &[$((stringify!($field), stringify!($type))),*],
            };
        }
    };
}

mod argmax;
pub(in crate::gpu) mod attention;
pub(in crate::gpu) mod attention_context;
mod attention_keys_backward;
mod attention_query_backward;
pub(in crate::gpu) mod attention_scores;
mod attention_scores_backward;
pub(in crate::gpu) mod attention_softmax;
mod attention_vectors_backward;
mod candidates;
mod cover;
mod cross_entropy;
mod dropout;
mod embedding;
mod embedding_backward;
pub(in crate::gpu) mod extend;
pub(in crate::gpu) mod generator;
mod linear;
mod log_softmax;
mod matmul_nn;
mod matmul_nt;
mod matmul_tn;
mod mix;
mod peak_copy;
mod peak_multiply_add;
mod put_position;
mod recurrent_backward;
mod recurrent_begin;
mod recurrent_forward;
mod recurrent_initial_backward;
mod recurrent_layer;
mod recurrent_step;
mod sum;
mod sum_of_squares;
mod take_position;
mod tanh_backward;
mod transpose;
pub(in crate::gpu) mod update;

use std::sync::Arc;

use super::memory::Memory;
use super::recording::{Dispatch, Kernel, PARAMS_SIZE};
use super::shader::Variant;
use super::{Gpu, ProductForm};
use crate::Result;

/// What the host takes a shader's interface to be; a test holds it against the shader's own.
#[derive(Clone, Copy, Debug)]
pub struct Declared {
    /// The shader's file stem.
    pub stem: &'static str,
    /// Group 0 begins with this many buffers that are only read.
    pub reads: usize,
    /// This many that are written follow.
    pub writes: usize,
    /// Threads of a workgroup.
    pub threads: u32,
    /// The fields of `Params`, by name and type.
    pub fields: &'static [(&'static str, &'static str)],
}

/// The `Params` of a shader.
pub(super) trait Params: bytemuck::NoUninit {
    const DECLARED: Declared;
}

/// Every kernel, as the host declares it.
pub const DECLARED: &[Declared] = &[
    argmax::Argmax::DECLARED,
    attention::DECLARED,
    attention_context::DECLARED,
    attention_keys_backward::AttentionKeysBackward::DECLARED,
    attention_query_backward::AttentionQueryBackward::DECLARED,
    attention_scores::DECLARED,
    attention_scores_backward::AttentionScoresBackward::DECLARED,
    attention_softmax::DECLARED,
    attention_vectors_backward::AttentionVectorsBackward::DECLARED,
    candidates::Candidates::DECLARED,
    cover::Cover::DECLARED,
    cross_entropy::CrossEntropy::DECLARED,
    dropout::Dropout::DECLARED,
    embedding::Embedding::DECLARED,
    embedding_backward::EmbeddingBackward::DECLARED,
    extend::Extend::DECLARED,
    generator::Generator::DECLARED,
    linear::Linear::DECLARED,
    log_softmax::LogSoftmax::DECLARED,
    matmul_nn::MatmulNn::DECLARED,
    matmul_nt::MatmulNt::DECLARED,
    matmul_tn::MatmulTn::DECLARED,
    mix::Mix::DECLARED,
    peak_copy::PeakCopy::DECLARED,
    peak_multiply_add::PeakMultiplyAdd::DECLARED,
    put_position::PutPosition::DECLARED,
    recurrent_backward::RecurrentBackward::DECLARED,
    recurrent_begin::RecurrentBegin::DECLARED,
    recurrent_forward::RecurrentForward::DECLARED,
    recurrent_initial_backward::RecurrentInitialBackward::DECLARED,
    recurrent_layer::RecurrentLayer::DECLARED,
    recurrent_step::RecurrentStep::DECLARED,
    sum::Sum::DECLARED,
    sum_of_squares::SumOfSquares::DECLARED,
    take_position::TakePosition::DECLARED,
    tanh_backward::TanhBackward::DECLARED,
    transpose::Transpose::DECLARED,
    update::Update::DECLARED,
];

/// Workgroups in the two dimensions of `shared/grid.wgsl`.
pub(super) fn grid(workgroups: usize) -> [u32; 3] {
    const GRID_WIDTH: usize = 32768;
    [workgroups.min(GRID_WIDTH) as u32, workgroups.div_ceil(GRID_WIDTH) as u32, 1]
}

/// Threads that keep a device busy, about: fewer are worth splitting products for.
const BUSY_THREADS: usize = 1 << 16;

/// How a product is computed, and how workgroups cover its rows × quads of outputs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tiling {
    form: ProductForm,
    /// Workgroups along outputs and rows.
    workgroups: [u32; 2],
}

impl Tiling {
    fn new(form: ProductForm, rows: usize, quads: usize) -> Self {
        // What a workgroup covers, as `shared/staged.wgsl` and `shared/registers.wgsl` say.
        let [rows_each, quads_each] = match form {
            ProductForm::Staged => [64, 32],
            ProductForm::Registers { slices } => [64 / slices as usize, 16],
        };
        Self { form, workgroups: [quads.div_ceil(quads_each) as u32, rows.div_ceil(rows_each) as u32] }
    }
}

impl Gpu {
    /// The form of a product, by its shape and the adapter.
    ///
    /// Staged products are the fastest where their workgroups, which are large, keep the device busy and are not empty
    /// for the most part; few rows are worth sharing every block of outputs among more threads.
    pub(super) fn tiling(&self, rows: usize, quads: usize) -> Tiling {
        /// Blocks of outputs of a workgroup.
        const STAGED_BLOCKS: usize = 16 * 32;
        if let Some(forced) = self.choices().product {
            return Tiling::new(forced, rows, quads);
        }
        let staged = Tiling::new(ProductForm::Staged, rows, quads);
        let blocks = staged.workgroups.iter().map(|&count| count as usize).product::<usize>() * STAGED_BLOCKS;
        // The rows that workgroups have beyond those that there are cost as much as these.
        let filled = rows * 8 >= rows.next_multiple_of(64) * 5;
        if self.is_hardware() && filled && blocks >= BUSY_THREADS {
            return staged;
        }
        self.tiling_in_registers(rows, quads)
    }

    /// The same for kernels that have no staged form: steps of recurrent layers, whose rows are a batch.
    pub(super) fn tiling_in_registers(&self, rows: usize, quads: usize) -> Tiling {
        /// Rows of blocks that a workgroup has, where none is shared.
        const BLOCK_ROWS: usize = 16;
        if let Some(forced @ ProductForm::Registers { .. }) = self.choices().product {
            return Tiling::new(forced, rows, quads);
        }
        let blocks = rows.div_ceil(4);
        let fills = |slices: &usize| {
            blocks * slices >= BLOCK_ROWS && (blocks * quads * slices >= BUSY_THREADS || !self.is_hardware())
        };
        let slices = [1, 4, 16].into_iter().find(fills).unwrap_or(16) as u32;
        Tiling::new(ProductForm::Registers { slices }, rows, quads)
    }

    /// Records a product, `count` times side by side.
    pub(super) fn record_tiled<P: Params>(
        &self,
        params: P,
        constants: &[(&'static str, u32)],
        buffers: Vec<Arc<Memory>>,
        tiling: Tiling,
        count: usize,
    ) -> Result<()> {
        let mut variant = self.variant;
        let mut constants = constants.to_vec();
        match tiling.form {
            ProductForm::Staged => variant.staged = true,
            ProductForm::Registers { slices } => constants.push(("K_SLICES", slices)),
        }
        let [x, y] = tiling.workgroups;
        self.record_variant(P::DECLARED, variant, params, &constants, buffers, [x, y, count as u32])
    }

    /// Records one dispatch.
    pub(super) fn record<P: Params>(
        &self,
        params: P,
        constants: &[(&'static str, u32)],
        buffers: Vec<Arc<Memory>>,
        workgroup_count: [u32; 3],
    ) -> Result<()> {
        self.record_as(P::DECLARED, params, constants, buffers, workgroup_count)
    }

    /// Records one dispatch of a shader that shares its `Params` with others.
    pub(super) fn record_as<P: bytemuck::NoUninit>(
        &self,
        declared: Declared,
        params: P,
        constants: &[(&'static str, u32)],
        buffers: Vec<Arc<Memory>>,
        workgroup_count: [u32; 3],
    ) -> Result<()> {
        self.record_variant(declared, self.variant, params, constants, buffers, workgroup_count)
    }

    fn record_variant<P: bytemuck::NoUninit>(
        &self,
        declared: Declared,
        variant: Variant,
        params: P,
        constants: &[(&'static str, u32)],
        buffers: Vec<Arc<Memory>>,
        workgroup_count: [u32; 3],
    ) -> Result<()> {
        debug_assert_eq!(buffers.len(), declared.reads + declared.writes, "{}", declared.stem);
        let bytes = bytemuck::bytes_of(&params);
        let mut padded = [0; PARAMS_SIZE];
        padded[..bytes.len()].copy_from_slice(bytes);
        let constants = std::array::from_fn(|place| constants.get(place).copied());
        let kernel = Kernel { stem: declared.stem, variant, constants };
        self.engine.dispatch(Dispatch { kernel, buffers, params: (padded, bytes.len()), workgroup_count })
    }
}
