//! Memory that begins at a cache line, and is used again: fresh memory costs as much time as it takes to fill it twice.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};
use std::thread::LocalKey;

use bytemuck::Pod;

use crate::memory::{Held, require};
use crate::{Float, Result};

/// Numbers that begin at a cache line, so that a register is never loaded from two.
#[derive(Debug)]
pub struct Buffer<T> {
    data: Vec<T>,
    start: usize,
    len: usize,
    /// All of it.
    _held: Held,
}

/// Bytes of a cache line, and of the largest register.
const LINE: usize = 64;

impl<T: Kept> Buffer<T> {
    /// Zeros.
    pub fn zeros(len: usize) -> Self {
        let data = vec![T::ZERO; len + LINE / size_of::<T>()];
        // No offset is possible only where nothing is known of addresses; any start is right, this one fast.
        let start = data.as_ptr().align_offset(LINE).min(LINE / size_of::<T>());
        let held = Held::new(size_of_val(&data[..]));
        Self { data, start, len, _held: held }
    }

    /// No memory at all.
    fn none() -> Self {
        Self { data: Vec::new(), start: 0, len: 0, _held: Held::default() }
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

impl<T: Kept> Default for Buffer<T> {
    fn default() -> Self {
        Self::zeros(0)
    }
}

impl<T: Kept> From<&[T]> for Buffer<T> {
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
/// The memory goes back to the thread that lets go of it, as long as that has not much, and is still in its cache when
/// it needs some again; otherwise it is there for all threads.
#[derive(Debug)]
pub struct Scratch<T: Kept>(Buffer<T>);

/// Numbers for which memory is kept.
pub trait Kept: Float + Pod {
    /// What this thread keeps.
    fn near() -> &'static LocalKey<RefCell<Vec<Buffer<Self>>>>;
    /// What is kept for all threads.
    fn far() -> &'static Mutex<Shelf<Self>>;
}

macro_rules! kept {
    ($type:ident) => {
        impl Kept for $type {
            fn near() -> &'static LocalKey<RefCell<Vec<Buffer<Self>>>> {
                thread_local! {
                    static NEAR: RefCell<Vec<Buffer<$type>>> = const { RefCell::new(Vec::new()) };
                }
                &NEAR
            }

            fn far() -> &'static Mutex<Shelf<Self>> {
                static FAR: Mutex<Shelf<$type>> = Mutex::new(Shelf::new());
                &FAR
            }
        }
    };
}

kept!(f32);
kept!(f64);

/// Pieces, and bytes, that a thread keeps for itself.
const NEAR_PIECES: usize = 32;
const NEAR_BYTES: usize = 64 << 20;

/// Bytes that are kept for all threads, and of the largest piece.
const FAR_BYTES: usize = 512 << 20;
const LARGEST_KEPT: usize = 64 << 20;

/// A piece that is more than so many times too large is left for who needs it.
const WASTE: usize = 8;

/// Pieces that no thread keeps, by what they can hold.
#[derive(Debug)]
pub struct Shelf<T> {
    pieces: BTreeMap<usize, Vec<Buffer<T>>>,
    bytes: usize,
}

impl<T> Shelf<T> {
    /// Nothing yet.
    pub const fn new() -> Self {
        Self { pieces: BTreeMap::new(), bytes: 0 }
    }
}

impl<T: Kept> Shelf<T> {
    fn take(&mut self, fits: std::ops::RangeInclusive<usize>) -> Option<Buffer<T>> {
        let (&capacity, _) = self.pieces.range(fits).next()?;
        let pieces = self.pieces.get_mut(&capacity)?;
        let piece = pieces.pop();
        if pieces.is_empty() {
            self.pieces.remove(&capacity);
        }
        self.bytes -= piece.as_ref().map_or(0, Buffer::bytes);
        piece
    }

    fn put(&mut self, piece: Buffer<T>) {
        if self.bytes + piece.bytes() <= FAR_BYTES {
            self.bytes += piece.bytes();
            self.pieces.entry(piece.capacity()).or_default().push(piece);
        }
    }
}

/// What a request is rounded up to, half a power of two: shapes that differ a little find each other's pieces.
fn size_class(len: usize) -> usize {
    len.checked_next_power_of_two().map_or(len, |power| len.next_multiple_of((power / 4).max(LINE)))
}

impl<T: Kept> Scratch<T> {
    /// Room for this many.
    pub fn new(len: usize) -> Self {
        Self::kept(len).unwrap_or_else(|| Self::fresh(len))
    }

    /// Room for this many, if there is memory for them.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfMemory`](crate::Error::OutOfMemory), where it is that of `what`.
    pub fn try_new(len: usize, what: impl FnOnce() -> String) -> Result<Self> {
        if let Some(kept) = Self::kept(len) {
            return Ok(kept);
        }
        require::<T>(size_class(len), what)?;
        Ok(Self::fresh(len))
    }

    /// Memory of its own.
    fn fresh(len: usize) -> Self {
        let mut buffer = Buffer::zeros(size_class(len));
        buffer.len = len;
        Self(buffer)
    }

    /// Memory that was kept, if some fits.
    fn kept(len: usize) -> Option<Self> {
        if len == 0 {
            return Some(Self::default());
        }
        let fits = len..=len.max(LINE).saturating_mul(WASTE);
        let near = T::near().with_borrow_mut(|near| {
            let candidates = near.iter().enumerate().filter(|(_, piece)| fits.contains(&piece.capacity()));
            let smallest = candidates.min_by_key(|(_, piece)| piece.capacity()).map(|(index, _)| index);
            smallest.map(|index| near.remove(index))
        });
        let far = || T::far().lock().unwrap_or_else(PoisonError::into_inner).take(fits);
        let mut buffer = near.or_else(far)?;
        buffer.len = len;
        Some(Self(buffer))
    }

    /// Room for this many: what it has, or more memory where that is less. What they are is not known.
    pub fn room(&mut self, len: usize) -> &mut [T] {
        if self.len() < len {
            *self = Self::new(len);
        }
        &mut self[..len]
    }

    /// Zeros.
    pub fn zeros(len: usize) -> Self {
        Self::new(len).cleared()
    }

    /// Zeros in place of what it holds.
    pub fn cleared(mut self) -> Self {
        self.fill(T::ZERO);
        self
    }
}

impl<T: Kept> Default for Scratch<T> {
    fn default() -> Self {
        Self(Buffer::none())
    }
}

impl<T: Kept> Drop for Scratch<T> {
    fn drop(&mut self) {
        let piece = std::mem::replace(&mut self.0, Buffer::none());
        if piece.data.is_empty() || piece.bytes() > LARGEST_KEPT {
            return;
        }
        // A thread that is ending keeps nothing.
        let _ = T::near().try_with(|near| {
            let Ok(mut near) = near.try_borrow_mut() else { return };
            near.push(piece);
            let mut bytes: usize = near.iter().map(Buffer::bytes).sum();
            while near.len() > NEAR_PIECES || bytes > NEAR_BYTES {
                let oldest = near.remove(0);
                bytes -= oldest.bytes();
                T::far().lock().unwrap_or_else(PoisonError::into_inner).put(oldest);
            }
        });
    }
}

impl<T: Kept> Deref for Scratch<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: Kept> DerefMut for Scratch<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.0
    }
}
