//! Matrices, and what products make of them.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, OnceLock};

use super::instructions::Instructions;
use super::memory::Scratch;
use super::panels::Packed;
use super::simd::Lanes;
use crate::{Array, Result};

/// The numbers of a matrix, and what products have made of them: once they are to be changed, that is forgotten.
#[derive(Debug)]
pub struct Numbers<T: Lanes> {
    numbers: Scratch<T>,
    packed: [OnceLock<Arc<[Packed<T>]>>; 2],
}

/// How a matrix is packed for products.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// As it is.
    Plain,
    /// Transposed.
    Transposed,
}

impl<T: Lanes> Numbers<T> {
    /// What `make` gives, which depends on the numbers alone: kept from the first time on. All callers of one matrix
    /// ask for it in as many parts and for the same instructions; whoever does not is given its own.
    pub fn packed(
        &self,
        instructions: Instructions,
        packing: Packing,
        parts: usize,
        make: impl Fn(usize) -> Packed<T>,
    ) -> Arc<[Packed<T>]> {
        let all = || (0..parts).map(&make).collect();
        let kept = self.packed[packing as usize].get_or_init(all);
        let same = kept.iter().all(|kept| kept.instructions.set() == instructions.set());
        if kept.len() == parts && same { Arc::clone(kept) } else { all() }
    }
}

impl<T: Lanes> From<Scratch<T>> for Numbers<T> {
    fn from(numbers: Scratch<T>) -> Self {
        Self { numbers, packed: [OnceLock::new(), OnceLock::new()] }
    }
}

impl<T: Lanes> Deref for Numbers<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.numbers
    }
}

impl<T: Lanes> DerefMut for Numbers<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        self.packed.iter_mut().for_each(|packed| drop(packed.take()));
        &mut self.numbers
    }
}

/// A row-major matrix.
#[derive(Debug)]
pub struct Matrix<T: Lanes> {
    pub(super) rows: usize,
    pub(super) cols: usize,
    pub(super) data: Numbers<T>,
}

impl<T: Lanes> Matrix<T> {
    /// Zeros.
    pub(super) fn zeros(rows: usize, cols: usize) -> Self {
        Self { rows, cols, data: Scratch::zeros(rows * cols).into() }
    }

    /// Zeros, if there is memory for them.
    pub(super) fn try_zeros(rows: usize, cols: usize) -> Result<Self> {
        let what = || format!("a matrix of {rows} × {cols}");
        let len = rows.saturating_mul(cols);
        Ok(Self { rows, cols, data: Scratch::try_new(len, what)?.cleared().into() })
    }

    /// One row.
    pub(super) fn row(&self, row: usize) -> &[T] {
        &self.data[row * self.cols..][..self.cols]
    }
}

impl<T: Lanes> Clone for Matrix<T> {
    fn clone(&self) -> Self {
        let mut data = Scratch::new(self.data.len());
        data.copy_from_slice(&self.data);
        Self { rows: self.rows, cols: self.cols, data: data.into() }
    }
}

impl<T: Lanes> From<&Array> for Matrix<T> {
    fn from(array: &Array) -> Self {
        let mut matrix = Self::zeros(array.rows(), array.cols());
        for (number, &value) in matrix.data.iter_mut().zip(&array.data) {
            *number = T::from_f64(f64::from(value));
        }
        matrix
    }
}
