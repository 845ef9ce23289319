//! y = activation(W x + b)

use std::ops::Range;

use pulp::Simd;

use super::memory::Buffer;
use super::panels::{Panels, Rows, SUMS};
use super::parallel::{self, Split};
use super::product::{Four, Operand, Product, Sums, Tiles};
use super::simd::{Lanes, Shape, lanes};
use super::strip::{Strip, by_columns};
use super::tensor::Matrix;
use crate::backend::Activation;
use crate::{Array, Error, Result};

/// Prepared weights.
#[derive(Debug)]
pub struct Linear<T> {
    pub(super) panels: Panels<T>,
    /// b in the order of the panels; −∞ where there is no output, so that it is never the largest.
    pub(super) bias: Buffer<T>,
    pub(super) outputs: usize,
    /// The sizes of the parts of x.
    inputs: Vec<usize>,
}

impl<T: Lanes> Linear<T> {
    /// Prepares W (outputs, inputs) and b (outputs).
    pub(super) fn new(weight: &Array, bias: Option<&Array>, inputs: &[usize]) -> Result<Self> {
        const OPERATION: &str = "linear_weights";
        let outputs = weight.rows();
        Error::check(OPERATION, "inputs", weight.cols(), inputs.iter().sum())?;
        if let Some(bias) = bias {
            Error::check(OPERATION, "bias", outputs, bias.data.len())?;
        }
        let per_panel = SUMS * Shape::of::<T>().lanes;
        let count = outputs.div_ceil(per_panel);
        let lanes = per_panel / SUMS;
        let panels = Panels::pack(count, weight.cols(), SUMS, |panel, column, lane| {
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
        Ok(Self { panels, bias: packed, outputs, inputs: inputs.to_vec() })
    }

    /// Outputs of a panel.
    pub(super) fn per_panel(&self) -> usize {
        self.bias.len() / self.panels.count.max(1)
    }

    /// How a product with this many rows is divided.
    pub(super) fn split(&self, rows: usize) -> Split {
        Split::choose::<T>(rows, self.panels.count, self.outputs * self.panels.inputs, parallel::threads())
    }

    /// Checks the parts of x, and tells how many rows they have.
    pub(super) fn check(&self, operation: &'static str, inputs: &[&Matrix<T>]) -> Result<usize> {
        Error::check(operation, "number of inputs", self.inputs.len(), inputs.len())?;
        let rows = inputs.first().map_or(0, |input| input.rows);
        for (input, &cols) in inputs.iter().zip(&self.inputs) {
            Error::check(operation, "input columns", cols, input.cols)?;
            Error::check(operation, "input rows", rows, input.rows)?;
        }
        Ok(rows)
    }

    /// The rows `rows` of x = [x_0; x_1; …], for the product.
    pub(super) fn pack(&self, inputs: &[&Matrix<T>], rows: Range<usize>) -> Rows<T> {
        let mut packed = Rows::default();
        packed.pack(rows.len(), &self.inputs, |part, row| inputs[part].row(rows.start + row));
        packed
    }

    /// y for every row of the inputs.
    pub(super) fn forward(&self, inputs: &[&Matrix<T>], activation: Activation, out: &mut Matrix<T>) -> Result<()> {
        let rows = self.check("linear", inputs)?;
        Error::check("linear", "output rows", rows, out.rows)?;
        Error::check("linear", "output columns", self.outputs, out.cols)?;
        let split = self.split(rows);
        let groups = parallel::runs(rows, split.rows);
        let parts = groups.clone().zip(parallel::cut(&mut out.data, groups, self.outputs));
        parallel::for_each(parts, |(group, out)| {
            let x = self.pack(inputs, group.clone());
            by_columns([out], group.len(), self.outputs, self.per_panel(), split.panels, |panels, [out]| {
                let (weights, first) = (self.panels.view(), &[Operand { rows: &x, inputs: 0..x.cols }]);
                match activation {
                    Activation::Identity => {
                        let tiles = Affine::<T, false> { bias: &self.bias, out };
                        Product { weights, panels, backward: false, first, second: &[], tiles }.run();
                    }
                    Activation::Tanh => {
                        let tiles = Affine::<T, true> { bias: &self.bias, out };
                        Product { weights, panels, backward: false, first, second: &[], tiles }.run();
                    }
                }
            });
        });
        Ok(())
    }
}

/// Begins with the bias, ends with tanh if asked to.
struct Affine<'a, T, const TANH: bool> {
    bias: &'a [T],
    out: Strip<'a, T>,
}

impl<T: Lanes, const TANH: bool> Tiles<T> for Affine<'_, T, TANH> {
    type First = Four;
    type Second = Four;

    #[inline(always)]
    fn begin<S: Simd>(&self, _: S, _: usize, panel: usize) -> Sums<S, T> {
        sums::<S, T>(self.bias, panel)
    }

    #[inline(always)]
    fn end<S: Simd>(&mut self, simd: S, row: usize, panel: usize, mut sums: Sums<S, T>) {
        if TANH {
            for y in &mut sums {
                *y = T::tanh_register(simd, *y);
            }
        }
        self.out.store(simd, row, panel * SUMS * lanes::<T, S>(), sums);
    }
}

/// The four registers of a panel from numbers in the order of the panels.
#[inline(always)]
pub fn sums<S: Simd, T: Lanes>(numbers: &[T], panel: usize) -> Sums<S, T> {
    T::registers::<S>(numbers).as_chunks::<SUMS>().0[panel]
}
