//! The shape of a tile: which numbers a product keeps in registers, and which in the nearest cache.
//!
//! A tile is some rows times one panel. For every input it reads a number of each row, puts it everywhere in a
//! register, and adds its products with the registers of weights, one of these after the other. So the registers hold
//!
//! > rows × [`SUMS`] sums, rows inputs, one register of weights
//!
//! | registers | processors | rows | sums | in all |
//! |---|---|---|---|---|
//! | 16 | AVX2 | 3 | 12 | 16 |
//! | 32 | AVX-512, NEON | 6 | 24 | 31 |
//!
//! Twelve sums are enough to hide that an addition takes four cycles where two begin in each, and loads are fewer than
//! multiplications: 7 for 12, or 10 for 24.
//!
//! A panel's weights are read again for every block of rows: at two multiplications a cycle 21 bytes in each. Where
//! there are 16 registers the second cache is often too slow for that, so of a panel only as many inputs are added for
//! all rows as stay in the first one, beside those that come next; between them the sums are put aside.

use pulp::{Simd, WithSimd};

use super::instructions::Instructions;
use super::simd::{Lanes, lanes};

/// Sums that a product keeps for each row of a panel: registers of them.
pub const SUMS: usize = 4;

/// Bytes of a panel's weights that are multiplied with all rows before the next ones: without a limit where the second
/// cache is fast enough.
#[inline(always)]
pub const fn nearest<S: Simd>() -> usize {
    if S::REGISTER_COUNT >= 32 { usize::MAX } else { 24 << 10 }
}

/// Rows of the largest tile there is.
pub const MOST_ROWS: usize = 6;

/// Rows of a tile.
#[inline(always)]
pub const fn tile_rows<S: Simd>() -> usize {
    if S::REGISTER_COUNT >= 32 { MOST_ROWS } else { 3 }
}

/// Whether the registers hold a tile of so many rows: sums, inputs and one register of weights.
pub const fn fits<S: Simd>(rows: usize) -> bool {
    rows * SUMS + rows < S::REGISTER_COUNT
}

/// Panels that a single row is multiplied with at once: from far away, weights come faster in several streams.
pub const STREAMS: usize = 3;

/// What the registers make of the layout of weights and rows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shape {
    /// Numbers in a register.
    pub lanes: usize,
    /// Rows of a tile.
    pub rows: usize,
}

impl Shape {
    /// That of some instructions.
    pub fn of<T: Lanes>(instructions: Instructions) -> Self {
        struct Ask<T>(std::marker::PhantomData<T>);
        impl<T: Lanes> WithSimd for Ask<T> {
            type Output = Shape;
            #[inline(always)]
            fn with_simd<S: Simd>(self, _: S) -> Shape {
                Shape { lanes: lanes::<T, S>(), rows: tile_rows::<S>() }
            }
        }
        instructions.dispatch(Ask::<T>(std::marker::PhantomData))
    }
}
