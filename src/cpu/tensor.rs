//! Matrices, and the aligned memory behind them.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, OnceLock};

use super::simd::Lanes;
use super::training::Packed;
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

    /// Bytes that it takes.
    fn bytes(&self) -> usize {
        size_of_val(&self.data[..])
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

/// Bytes that a thread keeps in all, and in the largest piece.
const KEPT_BYTES: usize = 512 << 20;
const LARGEST_KEPT: usize = 64 << 20;

/// A piece that is more than so many times too large is left for who needs it.
const WASTE: usize = 2;

impl<T: Lanes> Scratch<T> {
    /// Room for this many.
    pub fn new(len: usize) -> Self {
        if len == 0 {
            return Self::default();
        }
        let kept = T::kept().with_borrow_mut(|kept| {
            let fits = |buffer: &Buffer<T>| (len..=len.max(LINE) * WASTE).contains(&buffer.capacity());
            let candidates = kept.iter().enumerate().filter(|(_, buffer)| fits(buffer));
            let smallest = candidates.min_by_key(|(_, buffer)| buffer.capacity()).map(|(index, _)| index);
            smallest.map(|index| kept.remove(index))
        });
        let mut buffer = kept.unwrap_or_else(|| Buffer::zeros(len));
        buffer.len = len;
        Self(buffer)
    }

    /// Zeros.
    pub fn zeros(len: usize) -> Self {
        let mut scratch = Self::new(len);
        scratch.fill(T::ZERO);
        scratch
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
        if buffer.data.is_empty() || buffer.bytes() > LARGEST_KEPT {
            return;
        }
        // A thread that is ending keeps nothing.
        let _ = T::kept().try_with(|kept| {
            if let Ok(mut kept) = kept.try_borrow_mut() {
                let mut bytes: usize = kept.iter().map(Buffer::bytes).sum();
                while bytes + buffer.bytes() > KEPT_BYTES && !kept.is_empty() {
                    bytes -= kept.remove(0).bytes();
                }
                kept.push(buffer);
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
    /// What `make` gives, which depends on the numbers alone: kept from the first time on. All callers of one matrix ask
    /// for it in as many parts; whoever does not is given its own.
    pub fn packed(&self, packing: Packing, parts: usize, make: impl Fn(usize) -> Packed<T>) -> Arc<[Packed<T>]> {
        let all = || (0..parts).map(&make).collect();
        let kept = self.packed[packing as usize].get_or_init(all);
        if kept.len() == parts { Arc::clone(kept) } else { all() }
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
