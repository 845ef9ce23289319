//! Matrices, and the aligned memory behind them.

use std::ops::{Deref, DerefMut};

use super::simd::Lanes;
use crate::Array;

/// Numbers that begin at a cache line, so that a register is never loaded from two.
#[derive(Debug)]
pub struct Buffer<T> {
    data: Vec<T>,
    start: usize,
    len: usize,
}

/// Bytes of a cache line, and of the largest register.
const LINE: usize = 64;

impl<T: Lanes> Buffer<T> {
    /// Zeros.
    pub fn zeros(len: usize) -> Self {
        let data = vec![T::ZERO; len + LINE / size_of::<T>()];
        // No offset is possible only where nothing is known of addresses; any start is right, this one fast.
        let start = data.as_ptr().align_offset(LINE).min(LINE / size_of::<T>());
        Self { data, start, len }
    }
}

impl<T: Lanes> Default for Buffer<T> {
    fn default() -> Self {
        Self::zeros(0)
    }
}

impl<T: Lanes> Clone for Buffer<T> {
    fn clone(&self) -> Self {
        let mut clone = Self::zeros(self.len);
        clone.copy_from_slice(self);
        clone
    }
}

impl<T> Deref for Buffer<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.data[self.start..][..self.len]
    }
}

impl<T> DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.data[self.start..][..self.len]
    }
}

/// A row-major matrix.
#[derive(Debug)]
pub struct Matrix<T> {
    pub(super) rows: usize,
    pub(super) cols: usize,
    pub(super) data: Buffer<T>,
}

impl<T: Lanes> Matrix<T> {
    /// Zeros.
    pub(super) fn zeros(rows: usize, cols: usize) -> Self {
        Self { rows, cols, data: Buffer::zeros(rows * cols) }
    }

    /// One row.
    pub(super) fn row(&self, row: usize) -> &[T] {
        &self.data[row * self.cols..][..self.cols]
    }
}

impl<T: Lanes> Clone for Matrix<T> {
    fn clone(&self) -> Self {
        Self { rows: self.rows, cols: self.cols, data: self.data.clone() }
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
