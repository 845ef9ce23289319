//! The contract: the operations of an attention model, each implemented by the CPU and by the GPU.
//!
//! The grain is that of the papers: a whole recurrent layer over a sequence, attention, a step of a search.
//! Outputs are arguments that the caller allocates once, so that a decoder loop allocates nothing.
//! Every tensor is a matrix, rows × cols; what has more axes is flattened into rows, the sentence outermost:
//! row b · len + t of a (batch, len, size) sequence is position t of sentence b.
//!
//! An operation checks that its arguments fit together ([`Error::Shape`](crate::Error::Shape)); the values of
//! ids and lengths are the caller's promise, kept by [`crate::text`].

#[macro_use]
mod contract;

mod search;
mod storage;
#[cfg(feature = "train")]
mod training;

use crate::config::{Cell, Score, Window};
use crate::{Array, Result};

pub use crate::config::Activation;
pub(crate) use search::ExtendSizes;
pub use search::{
    AttendedStep, Coverage, Distribution, LEAST_COVERAGE, LengthPenalty, MAX_BEAM, Search, SearchRules, Share, Status,
};
pub use storage::{Counters, Storage};
#[cfg(feature = "train")]
pub use training::{
    AttentionGradients, Dropout, GateLayout, GeneratorGradients, LossOptions, Occurrences, Rule, Sequence, Skipped,
    Symbols, Training, Update, pcg,
};
#[cfg(feature = "train")]
pub(crate) use training::{check_matmul, training_operations};

contract! {
    implemented by operations;

    /// The operations of an attention model on one device.
    pub trait Backend: Storage {
        /// Prepares y = W x + b for [`linear`](Self::linear).
        ///
        /// `weight` (outputs, inputs), `bias` (outputs).
        fn linear_weights(&self, weight: &Array, bias: Option<&Array>) -> Result<Self::Linear>;

        /// Prepares one recurrent layer.
        fn recurrent_weights(&self, parameters: &RecurrentParameters<'_>) -> Result<Self::Recurrent>;

        /// The row of `table` (vocab, embedding) for each id, into `out` (ids, embedding).
        fn embedding(&self, table: &Self::Tensor, ids: &Self::Ids, out: &mut Self::Tensor) -> Result<()>;

        /// activation(W x + b), or activation(W x + b + out) where it accumulates, for every row x of `input`
        /// (rows, inputs), into `out` (rows, outputs).
        fn linear(
            &self,
            weights: &Self::Linear,
            input: &Self::Tensor,
            activation: Activation,
            accumulate: bool,
            out: &mut Self::Tensor,
        ) -> Result<()>;

        /// A recurrent layer over whole sequences, in all its directions.
        ///
        /// Reads position 0 … lengths_b − 1 of each sentence; the reverse direction starts at lengths_b − 1. A state
        /// rests once its sentence has ended; `output` is zero from there on.
        ///
        /// * `input`: (batch · len) ids, or rows of (batch · len, input_size)
        /// * `lengths` (batch)
        /// * `initial` (batch, directions · hidden): the state before the first position; zeros without it
        /// * `output` (batch · len, directions · hidden): the forward half, then the backward half
        /// * `last` (batch, directions · hidden): the state after the last position of each direction
        fn recurrent_layer(
            &self,
            weights: &Self::Recurrent,
            input: Input<'_, Self>,
            lengths: &Self::Ids,
            initial: Option<&State<Self>>,
            output: &mut Self::Tensor,
            last: &mut State<Self>,
        ) -> Result<()>;

        /// One step of a recurrent layer of one direction, from `previous` (any rows, hidden) to `next` (batch,
        /// hidden).
        ///
        /// * `frontier` (2 · batch): the symbols read last, then the row of `previous` and of `feed` that each row
        ///   continues
        /// * `below` (batch, input_size): the layer below; without it the layer reads the symbols
        /// * `feed` (the rows of `previous`, feed_size): the second part of the input, where the weights have one
        ///   (input feeding)
        fn recurrent_step(
            &self,
            weights: &Self::Recurrent,
            frontier: &Self::Ids,
            below: Option<&Self::Tensor>,
            feed: Option<&Self::Tensor>,
            previous: &State<Self>,
            next: &mut State<Self>,
        ) -> Result<()>;

        /// Scores, softmax and context in one operation: Luong et al. 2015, eqs. 7–10.
        ///
        /// * `weights` (batch · rows, src_len): query t of sentence b goes to row b · rows + `first_row` + t, so that a
        ///   decoder can gather the alignment of all its steps in one tensor
        /// * `context` (batch · tgt_len, memory_size): Σ_s a_t(s) h̄_s
        ///
        /// A query whose window holds no position gets zero weights and a zero context.
        fn attention(
            &self,
            attention: &Attention<'_, Self>,
            weights: &mut Self::Tensor,
            first_row: usize,
            context: &mut Self::Tensor,
        ) -> Result<()>;

        /// [`attention`](Self::attention), whose context becomes the attentional state: Luong et al. 2015, eq. 5.
        ///
        /// With a memory that is multiplied by its part of W_c already, tanh(W_c [c_t; h_t]) is activation(c_t + W h_t + b):
        /// what [`linear`](Self::linear) accumulates into the context.
        ///
        /// * `attentional` (batch · tgt_len, memory_size)
        fn attentional_state(
            &self,
            attention: &Attention<'_, Self>,
            hidden: &HiddenPart<'_, Self>,
            weights: &mut Self::Tensor,
            first_row: usize,
            attentional: &mut Self::Tensor,
        ) -> Result<()>;

        /// The first third of [`attention`](Self::attention): score(h_t, h̄_s) into `scores` (batch · tgt_len,
        /// src_len).
        ///
        /// Positions outside the sentence or the window are −∞, or [`LOWEST`] on a device that has no infinities.
        fn attention_scores(&self, attention: &Attention<'_, Self>, scores: &mut Self::Tensor) -> Result<()>;

        /// The second third: the scores become weights (batch · tgt_len, src_len).
        ///
        /// softmax over the positions that are not −∞, times the Gaussian of the `local_p` window.
        fn attention_softmax(&self, attention: &Attention<'_, Self>, scores_to_weights: &mut Self::Tensor) -> Result<()>;

        /// The last third: Σ_s a_t(s) h̄_s into `context` (batch · tgt_len, memory_size).
        fn attention_context(
            &self,
            attention: &Attention<'_, Self>,
            weights: &Self::Tensor,
            context: &mut Self::Tensor,
        ) -> Result<()>;

        /// log softmax of every row of `logits` (rows, vocab), into `out` (rows, vocab).
        fn log_softmax(&self, logits: &Self::Tensor, out: &mut Self::Tensor) -> Result<()>;

        /// The column of the largest element of every row of `logits` (rows, vocab); ties go to the lower column.
        fn argmax(&self, logits: &Self::Tensor, out: &mut Self::Ids) -> Result<()>;

        /// The probabilities of an ensemble, a model at a time: its share of softmax(`logits`) (rows, vocab) is added
        /// to `probabilities` (rows, vocab), the first model's takes their place.
        fn mix(&self, logits: &Self::Tensor, share: Share, probabilities: &mut Self::Tensor) -> Result<()>;

        /// One step of beam search: every live hypothesis is extended by every symbol, and the K most probable of all
        /// extensions of a sentence are kept. Sentences whose search has ended stay as they are.
        ///
        /// 1. The candidates of sentence b are (k, v) for its live hypotheses k and symbols v, ordered by
        ///    L_k + ln p_k(v); ties go to the lower k, then to the lower v. The first K of them are taken. Symbols of
        ///    probability 0 are none, nor pad and bos where the rules want text only.
        /// 2. One that ends with eos is finished. Its score is (L_k + ln p_k(eos)) / lp(`step` + 1) + cp_k; the best N
        ///    of all finished so far stay, of equals those that came first.
        /// 3. The others live, in their order.
        /// 4. The search of b has ended if none lives, if `step` + 1 symbols are its limit, or if N are finished and no
        ///    live one can win: L_0 / lp(limit) ≤ the lowest score of the N.
        ///
        /// `symbols` have one row a sentence in the first step and K rows in the others; what they are where no
        /// hypothesis lives does not matter. `row` is the step's place in the trellis.
        fn extend(
            &self,
            rules: &SearchRules,
            symbols: Distribution<'_, Self>,
            step: usize,
            row: usize,
            search: &mut Search<Self>,
        ) -> Result<()>;

        /// What a step attended to counts as covered: Σ_t a_t(s), and from it the penalty, of the hypotheses that
        /// [`extend`](Self::extend) has left. Of an ensemble each model's share is added. Where the search keeps no
        /// coverage there is nothing to do.
        fn cover(
            &self,
            rules: &SearchRules,
            step: &AttendedStep<'_, Self>,
            share: Share,
            search: &mut Search<Self>,
        ) -> Result<()>;

        /// Prepares [`greedy_steps`](Self::greedy_steps); `None` on a device that takes one step at a time, or does so with
        /// such a decoder.
        fn greedy_weights(&self, parameters: &GreedyParameters<'_>) -> Result<Option<Self::Greedy>>;

        /// The state before the first of [`greedy_steps`](Self::greedy_steps), from those of the decoder's layers (batch,
        /// H); `None` if one step at a time is faster with so many sentences, or sources of `src_len` positions are too
        /// long.
        fn greedy_state(
            &self,
            weights: &Self::Greedy,
            initial: &[State<Self>],
            src_len: usize,
        ) -> Result<Option<Self::GreedyState>>;

        /// Several steps of a search with a beam of one, in each of them what else are
        /// [`recurrent_step`](Self::recurrent_step) of every layer, [`attention`](Self::attention), the attentional state
        /// and [`extend`](Self::extend).
        ///
        /// The steps take the first places of the trellis. `weights` (batch · rows, src_len) has a row for each of them, or
        /// one, which then is the last one's.
        fn greedy_steps(
            &self,
            greedy: &Self::Greedy,
            steps: &GreedySteps<'_, Self>,
            weights: &mut Self::Tensor,
            state: &mut Self::GreedyState,
            search: &mut Search<Self>,
        ) -> Result<()>;
    }
}

/// What stands for −∞ on a device that has no infinities: the number above the lowest of 32 bits, which itself loses its
/// last digits, and with them its place among those numbers, where a shader is written out in decimals.
pub const LOWEST: f32 = -3.402_823_3e38;

/// One direction of a recurrent layer, with PyTorch's shapes and gate order (G gates).
#[derive(Clone, Copy, Debug)]
pub struct Direction<'a> {
    /// W_ih (G · hidden, input_size)
    pub weight_ih: &'a Array,
    /// W_hh (G · hidden, hidden)
    pub weight_hh: &'a Array,
    /// b_ih (G · hidden)
    pub bias_ih: &'a Array,
    /// b_hh (G · hidden)
    pub bias_hh: &'a Array,
}

/// One recurrent layer on the host.
#[derive(Clone, Debug)]
pub struct RecurrentParameters<'a> {
    /// Which cell.
    pub cell: Cell,
    /// Forward, and backward where there are two.
    pub directions: Vec<Direction<'a>>,
    /// A layer that is fed ids: the table (vocab, embedding) whose rows begin its input.
    pub embedding: Option<&'a Array>,
    /// The size of the second part of the input; 0 where there is none.
    pub feed_size: usize,
}

/// What a recurrent layer reads.
#[derive(Debug)]
pub enum Input<'a, B: Storage> {
    /// Ids, looked up in the embedding that the layer's weights were made with.
    Ids(&'a B::Ids),
    /// Rows as they are.
    Rows(&'a B::Tensor),
}

/// The state of a recurrent layer.
#[derive(Debug)]
pub struct State<B: Storage> {
    /// h (batch, hidden)
    pub hidden: B::Tensor,
    /// The LSTM's cell (batch, hidden).
    pub cell: Option<B::Tensor>,
}

impl<B: Storage> State<B> {
    /// The state before anything was read.
    pub fn zeros(backend: &B, cell: Cell, batch: usize, hidden: usize) -> Result<Self> {
        Self::of(cell, || backend.zeros(batch, hidden))
    }

    /// Room for a state that is written in full before it is read.
    pub fn scratch(backend: &B, cell: Cell, batch: usize, hidden: usize) -> Result<Self> {
        Self::of(cell, || backend.scratch(batch, hidden))
    }

    fn of(cell: Cell, tensor: impl Fn() -> Result<B::Tensor>) -> Result<Self> {
        Ok(Self { hidden: tensor()?, cell: cell.has_cell().then(tensor).transpose()? })
    }
}

/// The inputs of attention, for `tgt_len` queries of every sentence.
#[derive(Debug)]
pub struct Attention<'a, B: Storage> {
    /// score(h_t, h̄_s)
    pub score: Score,
    /// Which positions may be attended to.
    pub window: Window,
    /// D of the local windows.
    pub half_width: usize,
    /// (2, hidden): v of the `concat` score and v_p of the `local_p` window; zeros in place of one that is not used.
    pub vectors: Option<&'a B::Tensor>,
    /// (batch · tgt_len, key_size): h_t itself; W_q h_t + b_q for `concat`; W_l h_t for `location`.
    pub query: &'a B::Tensor,
    /// (batch · tgt_len, hidden): W_p h_t, for the `local_p` window.
    pub position: Option<&'a B::Tensor>,
    /// (batch · src_len, key_size): memory itself; W_aᵀ h̄_s for `general`; W_m h̄_s for `concat`; unread for
    /// `location`.
    pub keys: &'a B::Tensor,
    /// h̄, or what a decoder has in its place (batch · src_len, memory_size), zero beyond each length.
    pub memory: &'a B::Tensor,
    /// Source lengths (batch).
    pub lengths: &'a B::Ids,
    /// Where the queries of a sentence stand.
    pub positions: Positions,
}

/// What an attentional state has beside the context: activation(c_t + W h_t + b).
#[derive(Debug)]
pub struct HiddenPart<'a, B: Storage> {
    /// W (memory_size, hidden) and b (memory_size)
    pub weights: &'a B::Linear,
    /// h_t (batch · tgt_len, hidden)
    pub states: &'a B::Tensor,
    /// What stands behind the sum.
    pub activation: Activation,
}

/// A decoder with its generator, on the host.
#[derive(Clone, Debug)]
pub struct GreedyParameters<'a> {
    /// The recurrent layers, the one that reads symbols first.
    pub layers: Vec<RecurrentParameters<'a>>,
    /// score(h_t, h̄_s)
    pub score: Score,
    /// Which positions may be attended to.
    pub window: Window,
    /// The columns of W_c for the hidden state (H, H).
    pub projection: &'a Array,
    /// b_c (H), where there is one.
    pub projection_bias: Option<&'a Array>,
    /// What is applied to W_c [c_t; h_t] + b_c.
    pub activation: Activation,
    /// W_s (vocab, H)
    pub generator: &'a Array,
    /// b_s (vocab)
    pub generator_bias: &'a Array,
}

/// Which steps of a search are taken, and what they read.
#[derive(Debug)]
pub struct GreedySteps<'a, B: Storage> {
    /// A beam of one, the log probability alone, nothing about coverage.
    pub rules: &'a SearchRules,
    /// What queries are compared with (batch · src_len, H).
    pub keys: &'a B::Tensor,
    /// W_cc h̄ (batch · src_len, H)
    pub values: &'a B::Tensor,
    /// Source lengths (batch).
    pub lengths: &'a B::Ids,
    /// What the first step of all reads in the place of the search's frontier (2 · batch).
    pub first_frontier: Option<&'a B::Ids>,
    /// Steps that were taken before.
    pub step: usize,
    /// Steps to take, at least one.
    pub steps: usize,
}

/// The target positions t of a sentence's queries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Positions {
    /// One behind the other from here on, as in a whole target.
    From(usize),
    /// All of them here, as the hypotheses of a beam.
    At(usize),
}

impl Positions {
    /// The position of query `query`.
    pub fn of(self, query: usize) -> usize {
        match self {
            Self::From(first) => first + query,
            Self::At(position) => position,
        }
    }
}
