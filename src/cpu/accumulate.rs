//! The innermost loops of products: sums of rows and weights, in registers.
//!
//! They are functions of their own that all products share, and are never inlined: what else a product has to remember
//! would take registers from the sums. Each is plain on the outside and has the processor's instructions below
//! `vectorize`, so that the compiler cannot inline one into the other.
//!
//! No closures and no iterator adapters around arithmetic here: the compiler gives those the processor's instructions
//! only if it happens to inline them.

#![expect(clippy::needless_range_loop, reason = "rows, columns and panels are counted, as in the equations")]

use pulp::{NullaryFnOnce, Simd};

use super::simd::Lanes;
use super::tile::{MOST_ROWS, STREAMS, SUMS, fits, tile_rows};

/// The sums of one row.
pub type Sums<S, T> = [<T as Lanes>::Register<S>; SUMS];

/// Which of a unit's sums the columns of a panel are added to.
pub trait Columns {
    /// sums\[row\] += Σ_k x\[k\]\[row\] · w\[k\], for as many rows as there are sums
    fn add<S: Simd, T: Lanes>(simd: S, tile: &mut Tile<'_, S, T>);

    /// sums\[panel\] += Σ_k x\[k\] · w\[panel\]\[k\], of one row
    fn add_to_panels<S: Simd, T: Lanes, const P: usize>(
        simd: S,
        sums: &mut [Sums<S, T>; P],
        x: &[T],
        weights: [&[T]; P],
    );
}

/// Four columns to four sums.
#[derive(Debug)]
pub struct Four;

/// Three columns to the sums 0, 1 and `THIRD`: the gates r, z, n of a GRU. Its input's part of n is the third sum, its
/// state's part is kept apart as the fourth.
#[derive(Debug)]
pub struct Three<const THIRD: usize>;

impl Columns for Four {
    #[inline(always)]
    fn add<S: Simd, T: Lanes>(simd: S, tile: &mut Tile<'_, S, T>) {
        add_to_rows::<S, T, 4, 2>(simd, tile);
    }

    #[inline(always)]
    fn add_to_panels<S: Simd, T: Lanes, const P: usize>(
        simd: S,
        sums: &mut [Sums<S, T>; P],
        x: &[T],
        weights: [&[T]; P],
    ) {
        add_to_panels::<S, T, P, 4, 2>(simd, sums, x, weights);
    }
}

impl<const THIRD: usize> Columns for Three<THIRD> {
    #[inline(always)]
    fn add<S: Simd, T: Lanes>(simd: S, tile: &mut Tile<'_, S, T>) {
        add_to_rows::<S, T, 3, THIRD>(simd, tile);
    }

    #[inline(always)]
    fn add_to_panels<S: Simd, T: Lanes, const P: usize>(
        simd: S,
        sums: &mut [Sums<S, T>; P],
        x: &[T],
        weights: [&[T]; P],
    ) {
        add_to_panels::<S, T, P, 3, THIRD>(simd, sums, x, weights);
    }
}

/// Inputs between two looks at what is ahead, and two tests for the end.
const UNROLLED: usize = 4;

/// Weights that will be wanted soon, looked at so that they come nearer while others are multiplied.
#[derive(Clone, Copy, Debug)]
pub struct Ahead<'a> {
    bytes: &'a [u8],
    /// Bytes from one look to the next.
    step: usize,
}

impl<'a> Ahead<'a> {
    /// All of `bytes`, in the course of so many inputs.
    #[inline(always)]
    pub fn new(bytes: &'a [u8], inputs: usize) -> Self {
        Self { bytes, step: bytes.len() * UNROLLED / inputs.max(1) }
    }

    /// What is left after some inputs.
    #[inline(always)]
    pub fn after(self, inputs: usize) -> Self {
        Self { bytes: self.bytes.get(inputs / UNROLLED * self.step..).unwrap_or_default(), ..self }
    }

    #[inline(always)]
    fn look(self, index: usize) -> u8 {
        self.bytes.get(index * self.step).copied().unwrap_or_default()
    }
}

/// The sum that a column is added to: the same, but for the third of three.
#[inline(always)]
const fn place<const W: usize, const THIRD: usize>(column: usize) -> usize {
    if W == 3 && column == 2 { THIRD } else { column }
}

/// Some rows times a panel.
#[derive(Debug)]
pub struct Tile<'a, S: Simd, T: Lanes> {
    /// Those of each row.
    pub sums: &'a mut [Sums<S, T>],
    /// x (inputs, rows)
    pub x: &'a [T],
    /// w (inputs, registers)
    pub weights: &'a [T],
    /// What to look at meanwhile.
    pub ahead: Ahead<'a>,
}

/// sums\[row\]\[place(column)\] += Σ_k x\[k\]\[row\] · w\[k\]\[column\]; meanwhile a look at what is `ahead`.
///
/// The tile is handed on where it is: what is copied waits until all numbers before it are written.
#[inline(never)]
fn add_to_rows<S: Simd, T: Lanes, const W: usize, const THIRD: usize>(simd: S, tile: &mut Tile<'_, S, T>) {
    const { assert!(fits::<S>(tile_rows::<S>()) && tile_rows::<S>() <= MOST_ROWS) };
    simd.vectorize(AddToRows::<S, T, W, THIRD> { simd, tile });
}

struct AddToRows<'t, 'a, S: Simd, T: Lanes, const W: usize, const THIRD: usize> {
    simd: S,
    tile: &'t mut Tile<'a, S, T>,
}

impl<S: Simd, T: Lanes, const W: usize, const THIRD: usize> NullaryFnOnce for AddToRows<'_, '_, S, T, W, THIRD> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        // Rows beyond those of a tile there are none: to say so spares the code for them.
        match self.tile.sums.len().min(tile_rows::<S>()) {
            1 => self.add::<1>(),
            2 => self.add::<2>(),
            3 => self.add::<3>(),
            4 => self.add::<4>(),
            5 => self.add::<5>(),
            6 => self.add::<6>(),
            _ => {}
        }
    }
}

impl<S: Simd, T: Lanes, const W: usize, const THIRD: usize> AddToRows<'_, '_, S, T, W, THIRD> {
    #[inline(always)]
    fn add<const R: usize>(self) {
        let Self { simd, tile } = self;
        let &mut Tile { ref mut sums, x, weights, ahead } = tile;
        let Some(kept) = sums.first_chunk_mut::<R>() else { return };
        let (x, _) = x.as_chunks::<R>();
        let weights = &T::registers::<S>(weights).as_chunks::<W>().0[..x.len()];
        let (x_runs, x_rest) = x.as_chunks::<UNROLLED>();
        let (weight_runs, weights_rest) = weights.as_chunks::<UNROLLED>();
        let (mut sums, mut touched) = ([[T::splat(simd, T::ZERO); W]; R], 0);
        for row in 0..R {
            for column in 0..W {
                sums[row][column] = kept[row][place::<W, THIRD>(column)];
            }
        }
        for (index, (x, weights)) in x_runs.iter().zip(weight_runs).enumerate() {
            touched ^= ahead.look(index);
            for k in 0..UNROLLED {
                sums = add_input::<S, T, R, W>(simd, sums, &x[k], &weights[k]);
            }
        }
        std::hint::black_box(touched);
        for (x, weights) in x_rest.iter().zip(weights_rest) {
            sums = add_input::<S, T, R, W>(simd, sums, x, weights);
        }
        for row in 0..R {
            for column in 0..W {
                kept[row][place::<W, THIRD>(column)] = sums[row][column];
            }
        }
    }
}

/// sums\[row\]\[column\] += x\[row\] · w\[column\]
///
/// Column by column: beside the sums there are the inputs of all rows, and one register of weights, in the registers.
#[inline(always)]
fn add_input<S: Simd, T: Lanes, const R: usize, const W: usize>(
    simd: S,
    mut sums: [[T::Register<S>; W]; R],
    x: &[T; R],
    weights: &[T::Register<S>; W],
) -> [[T::Register<S>; W]; R] {
    let mut inputs = [T::splat(simd, T::ZERO); R];
    for row in 0..R {
        inputs[row] = T::splat(simd, x[row]);
    }
    for column in 0..W {
        let weights = weights[column];
        for row in 0..R {
            sums[row][column] = T::times_plus(simd, inputs[row], weights, sums[row][column]);
        }
    }
    sums
}

/// sums\[panel\]\[place(column)\] += Σ_k x\[k\] · w\[panel\]\[k\]\[column\]: a single row times several panels, since
/// from far away weights come faster in several streams.
#[inline(never)]
fn add_to_panels<S: Simd, T: Lanes, const P: usize, const W: usize, const THIRD: usize>(
    simd: S,
    sums: &mut [Sums<S, T>; P],
    x: &[T],
    weights: [&[T]; P],
) {
    const { assert!(STREAMS * SUMS < S::REGISTER_COUNT) };
    simd.vectorize(&mut Streams::<S, T, P, W, THIRD> { simd, sums, x, weights });
}

/// A row times `P` panels of `W` registers.
struct Streams<'a, S: Simd, T: Lanes, const P: usize, const W: usize, const THIRD: usize> {
    simd: S,
    sums: &'a mut [Sums<S, T>; P],
    x: &'a [T],
    weights: [&'a [T]; P],
}

impl<S: Simd, T: Lanes, const P: usize, const W: usize, const THIRD: usize> NullaryFnOnce
    for &mut Streams<'_, S, T, P, W, THIRD>
{
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let &mut Streams { simd, x, weights, .. } = self;
        let mut panels: [&[[T::Register<S>; W]]; P] = [&[]; P];
        let mut sums = [[T::splat(simd, T::ZERO); W]; P];
        for panel in 0..P {
            panels[panel] = &T::registers::<S>(weights[panel]).as_chunks::<W>().0[..x.len()];
            for column in 0..W {
                sums[panel][column] = self.sums[panel][place::<W, THIRD>(column)];
            }
        }
        for (k, &x) in x.iter().enumerate() {
            let x = T::splat(simd, x);
            for panel in 0..P {
                for column in 0..W {
                    sums[panel][column] = T::times_plus(simd, x, panels[panel][k][column], sums[panel][column]);
                }
            }
        }
        for panel in 0..P {
            for column in 0..W {
                self.sums[panel][place::<W, THIRD>(column)] = sums[panel][column];
            }
        }
    }
}
