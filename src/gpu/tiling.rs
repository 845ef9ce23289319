//! Which form a product has, and how workgroups cover it.

use super::adapters::ProductForm;

/// Threads that keep a device busy, about: fewer are worth splitting products for.
const BUSY_THREADS: usize = 1 << 16;

/// How a product is computed, and how workgroups cover its rows × quads of outputs.
#[derive(Clone, Copy, Debug)]
pub struct Tiling {
    /// How it is computed.
    pub form: ProductForm,
    /// Workgroups along outputs and rows.
    pub workgroups: [u32; 2],
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

    /// The form of a product, by its shape and the kind of the device, unless it is `forced`.
    ///
    /// Staged products are the fastest where their workgroups, which are large, keep the device busy and are not empty
    /// for the most part; few rows are worth sharing every block of outputs among more threads.
    pub fn choose(forced: Option<ProductForm>, hardware: bool, rows: usize, quads: usize) -> Self {
        /// Blocks of outputs of a workgroup.
        const STAGED_BLOCKS: usize = 16 * 32;
        if let Some(forced) = forced {
            return Self::new(forced, rows, quads);
        }
        let staged = Self::new(ProductForm::Staged, rows, quads);
        let blocks = staged.workgroups.iter().map(|&count| count as usize).product::<usize>() * STAGED_BLOCKS;
        // The rows that workgroups have beyond those that there are cost as much as these.
        let filled = rows * 8 >= rows.next_multiple_of(64) * 5;
        if hardware && filled && blocks >= BUSY_THREADS {
            return staged;
        }
        Self::choose_registers(None, hardware, rows, quads)
    }

    /// The same for kernels that have no staged form: steps of recurrent layers, whose rows are a batch.
    pub fn choose_registers(forced: Option<ProductForm>, hardware: bool, rows: usize, quads: usize) -> Self {
        /// Rows of blocks that a workgroup has, where none is shared.
        const BLOCK_ROWS: usize = 16;
        if let Some(forced @ ProductForm::Registers { .. }) = forced {
            return Self::new(forced, rows, quads);
        }
        let blocks = rows.div_ceil(4);
        let fills =
            |slices: &usize| blocks * slices >= BLOCK_ROWS && (blocks * quads * slices >= BUSY_THREADS || !hardware);
        let slices = [1, 4, 16].into_iter().find(fills).unwrap_or(16) as u32;
        Self::new(ProductForm::Registers { slices }, rows, quads)
    }
}
