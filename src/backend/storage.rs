//! What a device keeps: matrices, ids, weights, and how they come and go.

use std::fmt::Debug;

use crate::{Array, Float, Result};

/// What a device keeps. The structures of the contract, such as the state of a layer, need to know no more of it.
#[expect(async_fn_in_trait, reason = "whether a future is Send is up to the device: on the web it is not")]
pub trait Storage: Sized + Debug + Send + Sync + 'static {
    /// What the device computes in.
    type Float: Float;
    /// A matrix on the device.
    type Tensor: Debug + Send + Sync;
    /// Matrices that lie one behind the other.
    type Arena: AsRef<[Self::Tensor]> + AsMut<[Self::Tensor]> + Debug + Send + Sync;
    /// Token ids, lengths, flags: unsigned 32-bit numbers on the device.
    type Ids: Debug + Send + Sync;
    /// The weights of [`linear`](super::Backend::linear), laid out as the device wants them.
    type Linear: Debug + Send + Sync;
    /// The weights of one recurrent layer, laid out as the device wants them.
    type Recurrent: Debug + Send + Sync;
    /// The weights of [`greedy_steps`](super::Backend::greedy_steps), on a device that takes several at a time.
    type Greedy: Debug + Send + Sync;
    /// What of a search is between two of [`greedy_steps`](super::Backend::greedy_steps).
    type GreedyState: Debug + Send + Sync;

    /// A matrix of zeros.
    fn zeros(&self, rows: usize, cols: usize) -> Result<Self::Tensor>;

    /// A matrix for what is written in full before it is read: until then it may hold anything.
    fn scratch(&self, rows: usize, cols: usize) -> Result<Self::Tensor> {
        self.zeros(rows, cols)
    }

    /// Matrices of zeros, (rows, cols) each.
    fn arena(&self, shapes: &[[usize; 2]]) -> Result<Self::Arena>;

    /// Replaces the elements of a matrix, row-major.
    fn write(&self, tensor: &mut Self::Tensor, data: &[Self::Float]) -> Result<()>;

    /// A copy of a host array; its outer axes become rows.
    fn upload(&self, array: &Array) -> Result<Self::Tensor>;

    /// A copy of ids.
    fn upload_ids(&self, ids: &[u32]) -> Result<Self::Ids>;

    /// The elements of a matrix, row-major, once everything asked for so far is done.
    async fn read(&self, tensor: &Self::Tensor) -> Result<Vec<Self::Float>>;

    /// The ids, once everything asked for so far is done.
    async fn read_ids(&self, ids: &Self::Ids) -> Result<Vec<u32>>;

    /// Several matrices and ids at once, as [`read`](Self::read) and [`read_ids`](Self::read_ids) give them.
    async fn read_all(
        &self,
        tensors: &[&Self::Tensor],
        ids: &[&Self::Ids],
    ) -> Result<(Vec<Vec<Self::Float>>, Vec<Vec<u32>>)>;

    /// Elements of the largest matrix that the device can hold; larger batches are to be split.
    fn max_elements(&self) -> usize;

    /// How many decoder steps are worth running before asking which sentences are finished.
    fn steps_per_read(&self) -> usize;

    /// Columns of [`Search::candidates`](super::Search::candidates): what the device keeps of each row between
    /// generator and choice, so as not to write the logits.
    fn candidate_cols(&self, vocab_size: usize, beam: usize) -> usize;

    /// What the device has been asked to do since it was made.
    fn counters(&self) -> Counters;
}

/// What a device has been asked to do. The CPU counts nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counters {
    /// Kernels run.
    pub dispatches: u64,
    /// Compute passes begun.
    pub passes: u64,
    /// Command buffers submitted.
    pub submits: u64,
    /// Bytes copied to the device.
    pub bytes_up: u64,
    /// Bytes copied from the device.
    pub bytes_down: u64,
    /// Buffers created, not taken from the pool.
    pub buffers: u64,
    /// Pipelines created, not found in the cache.
    pub pipelines: u64,
    /// Bind groups created, not found in the cache.
    pub bind_groups: u64,
}

impl std::ops::Sub for Counters {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            dispatches: self.dispatches - before.dispatches,
            passes: self.passes - before.passes,
            submits: self.submits - before.submits,
            bytes_up: self.bytes_up - before.bytes_up,
            bytes_down: self.bytes_down - before.bytes_down,
            buffers: self.buffers - before.buffers,
            pipelines: self.pipelines - before.pipelines,
            bind_groups: self.bind_groups - before.bind_groups,
        }
    }
}
