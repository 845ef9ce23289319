//! y = activation(W x + b)

use pulp::Simd;

use super::accumulate::{Four, Sums};
use super::instructions::Instructions;
use super::memory::Buffer;
use super::panels::{Panels, Rows};
use super::parallel::{self, Split};
use super::processor::Cpu;
use super::product::{Operand, Product, Tiles};
use super::simd::{Lanes, lanes};
use super::strip::{Strip, by_columns};
use super::tensor::Matrix;
use super::tile::{SUMS, Shape};
use crate::backend::Activation;
use crate::memory::require;
use crate::{Array, Error, Result};

/// Prepared weights.
#[derive(Debug)]
pub struct Linear<T> {
    pub(super) panels: Panels<T>,
    /// b in the order of the panels; −∞ where there is no output, so that it is never the largest.
    pub(super) bias: Buffer<T>,
    pub(super) outputs: usize,
}

impl<T: Lanes> Cpu<T> {
    pub(super) fn linear_weights(&self, weight: &Array, bias: Option<&Array>) -> Result<Linear<T>> {
        require::<T>(weight.data.len(), || format!("a layer of {} × {}", weight.rows(), weight.cols()))?;
        Linear::new(self.instructions(), weight, bias)
    }

    pub(super) fn linear(
        &self,
        weights: &Linear<T>,
        input: &Matrix<T>,
        activation: Activation,
        accumulate: bool,
        out: &mut Matrix<T>,
    ) -> Result<()> {
        weights.forward(input, activation, accumulate, out)
    }
}

impl<T: Lanes> Linear<T> {
    /// Prepares W (outputs, inputs) and b (outputs).
    pub(super) fn new(instructions: Instructions, weight: &Array, bias: Option<&Array>) -> Result<Self> {
        let outputs = weight.rows();
        if let Some(bias) = bias {
            Error::check("linear_weights", "bias", outputs, bias.data.len())?;
        }
        let per_panel = SUMS * Shape::of::<T>(instructions).lanes;
        let count = outputs.div_ceil(per_panel);
        let lanes = per_panel / SUMS;
        let panels = Panels::pack(instructions, count, weight.cols(), SUMS, |panel, column, lane| {
            let output = panel * per_panel + column * lanes + lane;
            (output < outputs).then(|| [weight.row(output), &[]])
        });
        let mut packed = Buffer::zeros(count * per_panel);
        for (output, packed) in packed.iter_mut().enumerate() {
            *packed = match bias {
                _ if output >= outputs => T::NEG_INFINITY,
                Some(bias) => T::from_f64(f64::from(bias.data[output])),
                None => T::ZERO,
            };
        }
        Ok(Self { panels, bias: packed, outputs })
    }

    /// Outputs of a panel.
    pub(super) fn per_panel(&self) -> usize {
        self.bias.len() / self.panels.count.max(1)
    }

    /// How a product with this many rows is divided.
    pub(super) fn split(&self, rows: usize) -> Split {
        Split::choose::<T>(rows, self.panels.count, self.outputs * self.panels.inputs, parallel::threads())
    }

    /// y for every row of the input; where it accumulates, what is in `out` is added before the activation.
    pub(super) fn forward(
        &self,
        input: &Matrix<T>,
        activation: Activation,
        accumulate: bool,
        out: &mut Matrix<T>,
    ) -> Result<()> {
        Error::check("linear", "input columns", self.panels.inputs, input.cols)?;
        Error::check("linear", "output rows", input.rows, out.rows)?;
        Error::check("linear", "output columns", self.outputs, out.cols)?;
        let split = self.split(out.rows);
        let groups = parallel::runs(out.rows, split.rows);
        let parts = groups.clone().zip(parallel::cut(&mut out.data, groups, self.outputs));
        parallel::for_each(parts, |(group, out)| {
            let mut x = Rows::new(self.panels.shape());
            x.pack(group.len(), input.cols, |row| input.row(group.start + row));
            by_columns([out], group.len(), self.outputs, self.per_panel(), split.panels, |panels, [out]| {
                let (weights, first) = (self.panels.view(), &[Operand { rows: &x, inputs: 0..x.cols }]);
                match activation {
                    Activation::Identity => {
                        let tiles = Affine::<T, IDENTITY> { bias: &self.bias, accumulate, out };
                        Product { weights, panels, backward: false, first, second: &[], tiles }.run();
                    }
                    Activation::Tanh => {
                        let tiles = Affine::<T, TANH> { bias: &self.bias, accumulate, out };
                        Product { weights, panels, backward: false, first, second: &[], tiles }.run();
                    }
                    Activation::Relu => {
                        let tiles = Affine::<T, RELU> { bias: &self.bias, accumulate, out };
                        Product { weights, panels, backward: false, first, second: &[], tiles }.run();
                    }
                }
            });
        });
        Ok(())
    }
}

/// The activations, as constants that the compiler makes a loop of its own for.
const IDENTITY: u8 = 0;
const TANH: u8 = 1;
const RELU: u8 = 2;

/// Begins with the bias; ends with what is there already if it accumulates, and with the activation.
struct Affine<'a, T, const ACTIVATION: u8> {
    bias: &'a [T],
    accumulate: bool,
    out: Strip<'a, T>,
}

impl<T: Lanes, const ACTIVATION: u8> Tiles<T> for Affine<'_, T, ACTIVATION> {
    type First = Four;
    type Second = Four;

    #[inline(always)]
    fn begin<S: Simd>(&self, _: S, _: usize, panel: usize) -> Sums<S, T> {
        sums::<S, T>(self.bias, panel)
    }

    #[inline(always)]
    fn end<S: Simd>(&mut self, simd: S, row: usize, panel: usize, mut sums: Sums<S, T>) {
        let col = panel * SUMS * lanes::<T, S>();
        if self.accumulate {
            self.out.add_to(simd, row, col, &mut sums);
        }
        for y in &mut sums {
            *y = match ACTIVATION {
                TANH => T::tanh_register(simd, *y),
                RELU => T::maximum(simd, *y, T::splat(simd, T::ZERO)),
                _ => *y,
            };
        }
        self.out.store(simd, row, col, sums);
    }
}

/// The four registers of a panel from numbers in the order of the panels.
#[inline(always)]
pub fn sums<S: Simd, T: Lanes>(numbers: &[T], panel: usize) -> Sums<S, T> {
    T::registers::<S>(numbers).as_chunks::<SUMS>().0[panel]
}
