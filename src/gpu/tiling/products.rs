//! The forms of products, and of the workgroups that share them.

use crate::gpu::forms::ProductForm;

/// Threads that keep a device busy, about: fewer are worth splitting products for.
const BUSY_THREADS: usize = 1 << 16;

/// How a product is computed, and how workgroups cover its rows × quads of outputs.
#[derive(Clone, Copy, Debug)]
pub struct Tiling {
    /// How it is computed.
    pub form: ProductForm,
    /// Workgroups along outputs and rows, and products side by side.
    pub workgroups: [u32; 3],
}

/// Products of the same shape, side by side.
#[derive(Clone, Copy, Debug)]
pub struct Products {
    /// Of x and of y.
    pub rows: usize,
    /// Of outputs.
    pub quads: usize,
    /// Quads of inputs.
    pub inputs: usize,
    /// How many products.
    pub count: usize,
}

impl Products {
    /// One alone.
    pub fn one(rows: usize, quads: usize, inputs: usize) -> Self {
        Self { rows, quads, inputs, count: 1 }
    }

    /// Whether so many threads for each block of outputs keep the device busy.
    fn are_busy(self, slices: u32) -> bool {
        self.block_rows() * self.quads * self.count * slices as usize >= BUSY_THREADS
    }

    /// Rows of blocks of outputs.
    fn block_rows(self) -> usize {
        self.rows.div_ceil(4)
    }
}

impl Tiling {
    fn new(form: ProductForm, products: Products) -> Self {
        // What a workgroup covers, as `shared/fetched.wgsl` and `shared/registers.wgsl` say.
        let [rows_each, quads_each] = match form {
            ProductForm::Registers { slices } => {
                let columns = Self::columns(slices);
                [1024 / (slices as usize * columns), columns]
            }
            ProductForm::Staged | ProductForm::Cooperative | ProductForm::CooperativePlain => [64, 32],
        };
        let Products { rows, quads, count, .. } = products;
        Self {
            form,
            workgroups: [quads.div_ceil(quads_each), rows.div_ceil(rows_each), count].map(|count| count as u32),
        }
    }

    /// Quads side by side in a workgroup, where so many threads share a block in registers.
    const fn columns(slices: u32) -> usize {
        match slices {
            32 | 64 => 4,
            8 => 8,
            _ => 16,
        }
    }

    /// The form of products, by their shape and the kind of the device, unless it is `forced`.
    pub fn choose(forced: Option<ProductForm>, hardware: bool, products: Products) -> Self {
        Self::staged(forced, hardware, products).unwrap_or_else(|| Self::choose_registers(forced, hardware, products))
    }

    /// The same for kernels that have no staged form: steps of recurrent layers, whose rows are a batch.
    ///
    /// Threads share a block where there are few, as far as each has some of the inputs, but at least 16 the blocks of four
    /// rows alone. On hardware the workgroups of 8, 32 and 64 slices have about as many rows as columns, if there are so
    /// many: each reads its own, so all of them together read the least. In software it matters more that neighbours read
    /// what lies side by side.
    pub fn choose_registers(forced: Option<ProductForm>, hardware: bool, products: Products) -> Self {
        if let Some(forced @ ProductForm::Registers { .. }) = forced {
            return Self::new(forced, products);
        }
        if !hardware {
            return Self::registers_in_tiles(None, false, products);
        }
        let Products { inputs, .. } = products;
        let blocks = products.block_rows();
        let fits = |slices: &u32| *slices as usize <= inputs;
        // Half as many rows as a workgroup has.
        let fills = |slices: u32| blocks * slices as usize * Self::columns(slices) >= 128;
        let shared = match blocks {
            0 | 1 => Some(if fits(&64) { 64 } else { 16 }),
            _ => [1, 4, 8].into_iter().find(|slices| fits(slices) && fills(*slices) && products.are_busy(*slices)),
        };
        let slices = shared.or_else(|| [32, 8, 4].into_iter().find(fits)).unwrap_or(1);
        Self::new(ProductForm::Registers { slices }, products)
    }

    /// The same where outputs are told apart by tiles of sixteen quads: of the generator.
    pub fn choose_of_tiles(forced: Option<ProductForm>, hardware: bool, products: Products) -> Self {
        Self::staged(forced, hardware, products).unwrap_or_else(|| Self::registers_in_tiles(forced, hardware, products))
    }

    /// In registers, sixteen quads side by side.
    fn registers_in_tiles(forced: Option<ProductForm>, hardware: bool, products: Products) -> Self {
        let fills = |slices: &u32| products.block_rows() * *slices as usize >= 16;
        let slices = match forced {
            Some(ProductForm::Registers { slices }) => [16, 4, 1].into_iter().find(|&most| most <= slices),
            _ => [1, 4, 16].into_iter().find(|slices| fills(slices) && (!hardware || products.are_busy(*slices))),
        };
        Self::new(ProductForm::Registers { slices: slices.unwrap_or(16) }, products)
    }

    /// That of products through workgroup memory, where it is the fastest unless another form is `forced`.
    ///
    /// Its workgroups, which are large, have to keep the device busy and must not be empty for the most part; few rows are
    /// worth sharing every block of outputs among more threads. Matrices of halves are never chosen: no card has run them
    /// yet.
    fn staged(forced: Option<ProductForm>, hardware: bool, products: Products) -> Option<Self> {
        /// Blocks of outputs of a workgroup.
        const STAGED_BLOCKS: usize = 16 * 32;
        if let Some(forced) = forced {
            let registers = matches!(forced, ProductForm::Registers { .. });
            return (!registers).then(|| Self::new(forced, products));
        }
        let staged = Self::new(ProductForm::Staged, products);
        let blocks = staged.workgroups.iter().map(|&count| count as usize).product::<usize>() * STAGED_BLOCKS;
        // What workgroups have beyond the rows and quads that there are costs as much as these.
        let fills = |size: usize, each: usize| size * 8 >= size.next_multiple_of(each) * 5;
        let filled = fills(products.rows, 64) && fills(products.quads, 32);
        (hardware && filled && blocks >= BUSY_THREADS).then_some(staged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_share_blocks_where_there_are_few() {
        let registers = |hardware: bool, [rows, quads, inputs, count]: [usize; 4]| {
            let tiling = Tiling::choose_registers(None, hardware, Products { rows, quads, inputs, count });
            let ProductForm::Registers { slices } = tiling.form else {
                panic!("{:?} is not in registers", tiling.form)
            };
            (slices, tiling.workgroups)
        };
        assert_eq!(registers(true, [1, 512, 128, 1]), (64, [128, 1, 1]));
        assert_eq!(registers(true, [4, 9, 64, 1]), (64, [3, 1, 1]));
        assert_eq!(registers(true, [4, 9, 63, 1]), (16, [1, 1, 1]));
        assert_eq!(registers(true, [5, 512, 128, 1]), (32, [128, 1, 1]));
        assert_eq!(registers(true, [64, 128, 128, 1]), (32, [32, 8, 1]));
        assert_eq!(registers(true, [64, 512, 128, 1]), (8, [64, 4, 1]));
        assert_eq!(registers(true, [64, 512, 128, 2]), (4, [32, 4, 2]));
        assert_eq!(registers(true, [512, 512, 128, 1]), (1, [32, 8, 1]));
        assert_eq!(registers(true, [10, 128, 8, 64]), (4, [8, 1, 64]));
        assert_eq!(registers(true, [8, 64, 2, 512]), (1, [4, 1, 512]));
        assert_eq!(registers(true, [50, 8, 128, 128]), (8, [1, 4, 128]));
        assert_eq!(registers(true, [0, 8, 0, 1]), (16, [1, 0, 1]));
        assert_eq!(registers(false, [1, 512, 128, 1]), (16, [32, 1, 1]));
        assert_eq!(registers(false, [64, 512, 128, 1]), (1, [32, 1, 1]));
        let chosen = |[rows, quads, count]: [usize; 3]| {
            Tiling::choose(None, true, Products { rows, quads, inputs: 128, count }).form
        };
        assert_eq!(chosen([50, 128, 64]), ProductForm::Staged);
        assert_eq!(chosen([50, 8, 128]), ProductForm::Registers { slices: 8 });
        let of_tiles = |forced: Option<ProductForm>, rows: usize| {
            Tiling::choose_of_tiles(forced, true, Products::one(rows, 2500, 128)).form
        };
        assert_eq!(of_tiles(None, 1), ProductForm::Registers { slices: 16 });
        assert_eq!(of_tiles(None, 512), ProductForm::Staged);
        for (forced, slices) in [(1, 1), (8, 4), (64, 16)] {
            let forced = Some(ProductForm::Registers { slices: forced });
            assert_eq!(of_tiles(forced, 512), ProductForm::Registers { slices });
        }
    }
}
