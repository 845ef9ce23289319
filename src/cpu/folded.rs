//! Products of embeddings and W_ih, computed once for each symbol.
//!
//! What the first layer adds for a symbol depends on nothing else: bias + W_ih e. A small vocabulary's are computed
//! when the weights are prepared, a large one's when a symbol is first met: a few symbols make up most of every text.

use std::sync::OnceLock;

use super::memory::{Buffer, Scratch};
use super::panels::Rows;
use super::parallel;
use super::simd::Lanes;
use super::tensor::Matrix;
use super::weights::Weights;

/// The largest vocabulary that is computed beforehand.
const SMALL: usize = 512;

/// Bytes that the products of one direction may take.
const LIMIT: usize = 128 << 20;

/// Symbols that are computed at once.
const CHUNK: usize = 256;

/// The products of the symbols met so far.
#[derive(Debug)]
pub struct Folded<T: Lanes> {
    /// bias + W_ih e in the order of the sums.
    symbols: Vec<OnceLock<Buffer<T>>>,
}

impl<T: Lanes> Folded<T> {
    /// None yet; nothing where there would be too many for memory.
    pub fn new(weights: &Weights<T>, table: &Matrix<T>) -> Option<Self> {
        let bytes = table.rows * weights.bias.len() * size_of::<T>();
        if table.rows > SMALL && bytes > LIMIT {
            return None;
        }
        let folded = Self { symbols: (0..table.rows).map(|_| OnceLock::new()).collect() };
        if table.rows <= SMALL {
            folded.learn(weights, table, 0..table.rows as u32);
        }
        Some(folded)
    }

    /// Computes the products of those symbols that are new.
    pub fn learn(&self, weights: &Weights<T>, table: &Matrix<T>, ids: impl IntoIterator<Item = u32>) {
        let new = |id: &u32| self.symbols[*id as usize].get().is_none();
        let mut ids: Vec<u32> = ids.into_iter().filter(new).collect();
        if ids.is_empty() {
            return;
        }
        ids.sort_unstable();
        ids.dedup();
        let threads = if ids.len() * weights.panels.inputs < 20_000 { 1 } else { parallel::threads() };
        parallel::for_each(parallel::runs(ids.len(), threads), |run| {
            let mut x = Rows::new(weights.panels.shape());
            for ids in ids[run].chunks(CHUNK) {
                x.pack(ids.len(), table.cols, |row| table.row(ids[row] as usize));
                let mut sums = Scratch::new(ids.len() * weights.bias.len());
                weights.input_product(&x, 0..table.cols, 0..weights.panels.count, &mut sums);
                for (&id, sums) in ids.iter().zip(sums.chunks_exact(weights.bias.len().max(1))) {
                    // Another thread may have been as fast, with the same result.
                    self.symbols[id as usize].get_or_init(|| Buffer::from(sums));
                }
            }
        });
    }

    /// The product of a symbol that was learnt; nothing for one that was not.
    pub fn get(&self, id: u32) -> &[T] {
        self.symbols[id as usize].get().map_or(&[], |sums| sums)
    }
}
