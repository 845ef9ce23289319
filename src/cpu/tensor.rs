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

    /// Numbers that there is room for.
    fn capacity(&self) -> usize {
        self.data.len() - self.start
    }
}

impl<T: Lanes> Default for Buffer<T> {
    fn default() -> Self {
        Self::zeros(0)
    }
}

impl<T: Lanes> From<&[T]> for Buffer<T> {
    fn from(numbers: &[T]) -> Self {
        let mut buffer = Self::zeros(numbers.len());
        buffer.copy_from_slice(numbers);
        buffer
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

/// Numbers that are needed for a moment. What they are at first is not known.
///
/// The memory is kept for the next who needs some: fresh memory costs as much time as it takes to fill it twice.
#[derive(Debug)]
pub struct Scratch<T: Lanes>(Buffer<T>);

/// Pieces of memory that a thread keeps.
const KEPT: usize = 12;

/// Bytes of the largest piece that is kept.
const KEPT_BYTES: usize = 32 << 20;

impl<T: Lanes> Scratch<T> {
    /// Room for this many.
    pub fn new(len: usize) -> Self {
        if len == 0 {
            return Self::default();
        }
        let kept = T::kept().with_borrow_mut(|kept| {
            let fits = |buffer: &Buffer<T>| buffer.capacity() >= len;
            kept.iter().position(fits).map(|index| kept.swap_remove(index))
        });
        let mut buffer = kept.unwrap_or_else(|| Buffer::zeros(len));
        buffer.len = len;
        Self(buffer)
    }
}

impl<T: Lanes> Default for Scratch<T> {
    fn default() -> Self {
        Self(Buffer { data: Vec::new(), start: 0, len: 0 })
    }
}

impl<T: Lanes> Drop for Scratch<T> {
    fn drop(&mut self) {
        let buffer = std::mem::replace(&mut self.0, Buffer { data: Vec::new(), start: 0, len: 0 });
        if buffer.data.is_empty() || size_of_val(&buffer.data[..]) > KEPT_BYTES {
            return;
        }
        // A thread that is ending keeps nothing.
        let _ = T::kept().try_with(|kept| {
            if let Ok(mut kept) = kept.try_borrow_mut() {
                kept.push(buffer);
                if kept.len() > KEPT {
                    kept.remove(0);
                }
            }
        });
    }
}

impl<T: Lanes> Deref for Scratch<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: Lanes> DerefMut for Scratch<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.0
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
        Self { rows: self.rows, cols: self.cols, data: Buffer::from(&*self.data) }
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
