//! What training adds to the contract: products in all three forms, recurrences and attention with what backward
//! needs, the loss, the optimizer.
//!
//! Gradients accumulate: an operation adds to what a `d_` tensor holds, unless it says that it overwrites. Parameters
//! lie in an [`Arena`](Storage::Arena): one piece of memory, so that the optimizer is one pass over it. They are
//! matrices; how the parameters of a model are laid out in them is said once, in `nn::training`.

use std::ops::Range;

use super::{Activation, Attention, Backend, State, Storage};
use crate::batch::Batch;
use crate::config::Cell;
use crate::{Error, Result};

contract! {
    implemented by training_operations;

    /// The operations of training on one device.
    pub trait Training: Backend {
        // Products, named as BLAS names them: N as it is, T transposed

        /// activation(A Bᵀ + bias), or activation(A Bᵀ + bias + out) where it accumulates.
        ///
        /// `a` (rows, inner), `b` (cols, inner), `bias` (1, cols), `out` (rows, cols): a linear layer's forward.
        fn matmul_nt(
            &self,
            a: &Self::Tensor,
            b: &Self::Tensor,
            bias: Option<&Self::Tensor>,
            activation: Activation,
            accumulate: bool,
            out: &mut Self::Tensor,
        ) -> Result<()>;

        /// A B, or A B + out where it accumulates.
        ///
        /// `a` (rows, inner), `b` (inner, cols), `out` (rows, cols): the gradient of a linear layer's input.
        fn matmul_nn(&self, a: &Self::Tensor, b: &Self::Tensor, accumulate: bool, out: &mut Self::Tensor) -> Result<()>;

        /// out += Aᵀ B, and `sums` += the sums of A's columns: the gradients of a linear layer's weight and bias.
        ///
        /// `a` (inner, rows), `b` (inner, cols), `out` (rows, cols), `sums` (1, rows). Rows of `out` that are `skipped`
        /// stay as they are; `sums` has them all.
        fn matmul_tn(
            &self,
            a: &Self::Tensor,
            b: &Self::Tensor,
            skipped: Option<Skipped>,
            out: &mut Self::Tensor,
            sums: Option<&mut Self::Tensor>,
        ) -> Result<()>;

        // Elements and rows

        /// y ← y ⊙ mask / (1 − rate), where the mask depends on seed and place alone; the gradient is the same
        /// operation.
        ///
        /// Element i, counted row-major without padding, is kept where pcg(i + pcg(seed)) ≥ rate · 2³² ([`pcg`]).
        /// Nothing is stored, and every device draws the same.
        fn dropout(&self, dropout: Dropout, y: &mut Self::Tensor) -> Result<()>;

        /// From y = activation(x) to the gradient of x: d_y ← d_y ⊙ (1 − y²) of a tanh; d_y ← d_y where y > 0, else 0, of a
        /// ReLU; d_y stays as it is where there is no activation.
        fn activation_backward(&self, activation: Activation, y: &Self::Tensor, d_y: &mut Self::Tensor) -> Result<()>;

        /// Row b · len + `position` of `sequence` (batch · len, cols) becomes row b of `out` (batch, cols).
        fn take_position(&self, sequence: &Self::Tensor, position: usize, out: &mut Self::Tensor) -> Result<()>;

        /// Row b of `rows` (batch, cols) becomes row b · len + `position` of `sequence` (batch · len, cols).
        fn put_position(&self, rows: &Self::Tensor, position: usize, sequence: &mut Self::Tensor) -> Result<()>;

        /// d_table\[id\] += Σ d_out\[row\] over the rows of each id, in their order.
        ///
        /// `d_out` (rows, embedding), `d_table` (vocab, embedding)
        fn embedding_backward(
            &self,
            occurrences: &Occurrences<Self>,
            d_out: &Self::Tensor,
            d_table: &mut Self::Tensor,
        ) -> Result<()>;

        // Recurrences

        /// Lets each direction begin with `initial` (batch, directions · H) in place of zeros.
        fn recurrent_begin(
            &self,
            layout: GateLayout,
            lengths: &Self::Ids,
            initial: &State<Self>,
            sequence: &mut Sequence<Self>,
        ) -> Result<()>;

        /// Steps `steps` of a recurrent layer, in all its directions; `weight_hh` (directions · width, H).
        ///
        /// Step s of the forward direction is position s, that of the reverse one length − 1 − s. `sequence.gates`
        /// holds W_ih x + b and then the gates: i, f, g, o after their activations; n, r, z and W_hn h + b_hn; h.
        /// Sentences that have ended are left alone.
        fn recurrent_forward(
            &self,
            layout: GateLayout,
            weight_hh: &Self::Tensor,
            lengths: &Self::Ids,
            steps: Range<usize>,
            sequence: &mut Sequence<Self>,
        ) -> Result<()>;

        /// The same steps backward, the last one first: the gates are replaced by the gradients of their sums.
        ///
        /// Beyond a sentence's end these gradients are zero.
        ///
        /// * `d_output` (batch · len, directions · H)
        /// * `d_last`: that of the last state's hidden (batch, directions · H), where it has one
        /// * `carry` (batch, directions · H): d_c of an LSTM, at first that of the last state; z ⊙ d_h of a GRU, at
        ///   first zero; unused by the tanh cell
        #[expect(clippy::too_many_arguments, reason = "as many as the equations have")]
        fn recurrent_backward(
            &self,
            layout: GateLayout,
            weight_hh: &Self::Tensor,
            lengths: &Self::Ids,
            steps: Range<usize>,
            d_output: &Self::Tensor,
            d_last: Option<&Self::Tensor>,
            sequence: &mut Sequence<Self>,
            carry: &mut Self::Tensor,
        ) -> Result<()>;

        /// The gradient of the initial hidden state (batch, directions · H), overwritten, once all steps went backward.
        ///
        /// d_gates W_hh of each direction's first position, and a GRU's carry. An LSTM's initial cell has the carry
        /// itself.
        fn recurrent_initial_backward(
            &self,
            layout: GateLayout,
            weight_hh: &Self::Tensor,
            lengths: &Self::Ids,
            sequence: &Sequence<Self>,
            carry: &Self::Tensor,
            d_initial: &mut Self::Tensor,
        ) -> Result<()>;

        /// d_W_hh += d_gatesᵀ h_{t−1} of each direction; the n_x rows of a GRU stay as they are.
        fn recurrent_weight_backward(
            &self,
            layout: GateLayout,
            sequence: &Sequence<Self>,
            d_weight_hh: &mut Self::Tensor,
        ) -> Result<()>;

        // Attention

        /// From d_c_t to the gradients of the scores, the query and W_p h_t.
        ///
        /// `weights` as [`attention`](Backend::attention) wrote them, their rows found by `first_row` as there;
        /// `d_context` (batch · tgt_len, M).
        fn attention_backward(
            &self,
            attention: &Attention<'_, Self>,
            weights: &Self::Tensor,
            first_row: usize,
            d_context: &Self::Tensor,
            gradients: AttentionGradients<'_, Self>,
        ) -> Result<()>;

        /// From the gradients of all scores and contexts to those of keys, memory and vectors.
        ///
        /// `attention` holds all queries, `weights` (batch · tgt_len, src_len), `d_scores` (batch · tgt_len, src_len +
        /// 1).
        ///
        /// * `d_keys` (batch · src_len, K); without it, the keys are the memory
        /// * `d_memory` (batch · src_len, M)
        /// * `d_vectors` (2, H): v of `concat`, v_p of `local_p`
        #[expect(clippy::too_many_arguments, reason = "as many as the equations have")]
        fn attention_memory_backward(
            &self,
            attention: &Attention<'_, Self>,
            weights: &Self::Tensor,
            d_scores: &Self::Tensor,
            d_context: &Self::Tensor,
            d_keys: Option<&mut Self::Tensor>,
            d_memory: &mut Self::Tensor,
            d_vectors: Option<&mut Self::Tensor>,
        ) -> Result<()>;

        // Loss and optimizer

        /// Generator and cross entropy, without ever holding all logits of a large vocabulary.
        ///
        /// −Σ_v q(v) ln p(v) with q = (1 − ε) at the target plus ε/V everywhere (Szegedy et al. 2016, §7), summed over
        /// the rows that have a target ([`NO_TARGET`](crate::batch::NO_TARGET) elsewhere) and added to `loss` (1, 1).
        /// The gradients are those of the sum times `options.scale`.
        ///
        /// `attentional` (rows, H), `weight` (V, H), `bias` (1, V), `targets` (rows)
        #[expect(clippy::too_many_arguments, reason = "as many as the equations have")]
        fn generator_loss(
            &self,
            attentional: &Self::Tensor,
            weight: &Self::Tensor,
            bias: &Self::Tensor,
            targets: &Self::Ids,
            options: LossOptions,
            loss: &mut Self::Tensor,
            gradients: Option<GeneratorGradients<'_, Self>>,
        ) -> Result<()>;

        /// ‖g‖₂ over all gradients, into `norm` (1, 1).
        fn gradient_norm(&self, gradients: &Self::Arena, norm: &mut Self::Tensor) -> Result<()>;

        /// One step of the optimizer over all parameters; the gradients are zero afterwards.
        ///
        /// g is first multiplied by min(1, clip / ‖g‖). Where ‖g‖ is not finite, nothing but the gradients changes.
        fn update(
            &self,
            update: &Update,
            norm: &Self::Tensor,
            values: &mut Self::Arena,
            gradients: &mut Self::Arena,
            moments: &mut [Self::Arena; 2],
            average: Option<&mut Self::Arena>,
        ) -> Result<()>;
    }
}

/// Rows r with `first` ≤ r mod `period` < `first` + `count`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Rows from one run of skipped rows to the next.
    pub period: usize,
    /// Where a run begins.
    pub first: usize,
    /// How long it is.
    pub count: usize,
}

impl Skipped {
    /// Whether a row is skipped.
    pub fn contains(self, row: usize) -> bool {
        (self.first..self.first + self.count).contains(&(row % self.period))
    }
}

/// Which elements are dropped.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    /// The share that is dropped, 0 ≤ rate < 1.
    pub rate: f32,
    /// What the draw depends on.
    pub seed: u32,
}

impl Dropout {
    /// Elements whose draw is below this are dropped.
    pub fn threshold(self) -> u32 {
        (f64::from(self.rate) * 4_294_967_296.0) as u32
    }

    /// What the others are multiplied by.
    pub fn scale(self) -> f32 {
        1.0 / (1.0 - self.rate)
    }
}

/// A hash of 32 bits (Jarzynski and Olano 2020), the same in `shaders/training/dropout.wgsl`.
pub fn pcg(input: u32) -> u32 {
    let state = input.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
    let word = ((state >> ((state >> 28) + 4)) ^ state).wrapping_mul(277_803_737);
    (word >> 22) ^ word
}

/// Which rows each id of a batch stands in, so that a table's gradient needs no atomics and has one order.
#[derive(Debug)]
pub struct Occurrences<B: Storage> {
    /// The different ids.
    pub symbols: B::Ids,
    /// Where the rows of each begin, and where those of the last end (symbols + 1).
    pub starts: B::Ids,
    /// Rows, by id and then in ascending order.
    pub rows: B::Ids,
    /// How many different ids there are.
    pub count: usize,
}

impl<B: Storage> Occurrences<B> {
    /// Of the positions within the sentences of a batch.
    pub fn new(backend: &B, batch: &Batch) -> Result<Self> {
        let pairs = positions(batch);
        let ids = distinct(&pairs);
        Self::of(backend, &ids, &pairs)
    }

    /// Every id of `symbols`, which lie in `pairs` of (id, row) in this order.
    fn of(backend: &B, symbols: &[u32], pairs: &[(u32, u32)]) -> Result<Self> {
        let first =
            |(place, pair): (usize, &(u32, u32))| (place == 0 || pairs[place - 1].0 != pair.0).then_some(place as u32);
        let mut starts: Vec<u32> = pairs.iter().enumerate().filter_map(first).collect();
        starts.push(pairs.len() as u32);
        let rows: Vec<u32> = pairs.iter().map(|&(_, row)| row).collect();
        Ok(Self {
            symbols: backend.upload_ids(symbols)?,
            starts: backend.upload_ids(&starts)?,
            rows: backend.upload_ids(&rows)?,
            count: symbols.len(),
        })
    }
}

/// The different ids of a batch, each worked on once in place of at every position.
#[derive(Debug)]
pub struct Symbols<B: Storage> {
    /// Where each of them stands among the rows, and in the table: row i of the symbols' own matrix is symbol i's.
    pub in_table: Occurrences<B>,
    /// Which positions each of them stands at, symbol i being called i.
    pub at_positions: Occurrences<B>,
    /// The number of the symbol at each position (batch · len); 0 beyond the sentences.
    pub places: B::Ids,
}

impl<B: Storage> Symbols<B> {
    /// Of a batch; none where that would hardly be less work.
    pub fn new(backend: &B, batch: &Batch) -> Result<Option<Self>> {
        let pairs = positions(batch);
        let ids = distinct(&pairs);
        if 2 * ids.len() > pairs.len() {
            return Ok(None);
        }
        let mut places = vec![0; batch.ids().len()];
        let mut numbered = Vec::with_capacity(pairs.len());
        let mut number = 0;
        for (index, &(id, row)) in pairs.iter().enumerate() {
            number += u32::from(index > 0 && pairs[index - 1].0 != id);
            places[row as usize] = number;
            numbered.push((number, row));
        }
        let numbers: Vec<u32> = (0..ids.len() as u32).collect();
        let own: Vec<(u32, u32)> = ids.iter().copied().zip(numbers.iter().copied()).collect();
        Ok(Some(Self {
            in_table: Occurrences::of(backend, &ids, &own)?,
            at_positions: Occurrences::of(backend, &numbers, &numbered)?,
            places: backend.upload_ids(&places)?,
        }))
    }
}

/// (id, row) of every position within the sentences, by id and then in ascending order.
fn positions(batch: &Batch) -> Vec<(u32, u32)> {
    let len = batch.len();
    let rows = |(sentence, &length): (usize, &u32)| sentence * len..sentence * len + length as usize;
    let rows = batch.lengths().iter().enumerate().flat_map(rows);
    let mut pairs: Vec<(u32, u32)> = rows.map(|row| (batch.ids()[row], row as u32)).collect();
    pairs.sort_unstable();
    pairs
}

/// The different ids, in ascending order.
fn distinct(pairs: &[(u32, u32)]) -> Vec<u32> {
    let mut ids: Vec<u32> = pairs.iter().map(|&(id, _)| id).collect();
    ids.dedup();
    ids
}

/// How the sums of a recurrent layer's gates lie side by side.
///
/// Each direction has `blocks` of Hp columns, Hp the hidden size rounded up to quads: i, f, g, o of an LSTM; n_x, r, z,
/// n_h of a GRU, where n = tanh(n_x + r ⊙ n_h); the one of the tanh cell. The rows of W_ih for n_h and those of W_hh
/// for n_x are zero and stay so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GateLayout {
    /// Which cell.
    pub cell: Cell,
    /// H, units of a direction.
    pub hidden: usize,
    /// 1 or 2.
    pub directions: usize,
}

impl GateLayout {
    /// Hp
    pub fn padded(self) -> usize {
        self.hidden.next_multiple_of(4)
    }

    /// Blocks of a direction.
    pub fn blocks(self) -> usize {
        if self.cell == Cell::Tanh { 1 } else { 4 }
    }

    /// Columns of a direction.
    pub fn width(self) -> usize {
        self.blocks() * self.padded()
    }

    /// Columns of all directions.
    pub fn cols(self) -> usize {
        self.directions * self.width()
    }

    /// The rows of d_W_ih that stay zero: n_h of a GRU.
    pub fn skipped_of_input(self) -> Option<Skipped> {
        self.skipped(3)
    }

    /// The rows of d_W_hh that stay zero: n_x of a GRU.
    pub fn skipped_of_hidden(self) -> Option<Skipped> {
        self.skipped(0)
    }

    fn skipped(self, block: usize) -> Option<Skipped> {
        let (period, count) = (self.width(), self.padded());
        (self.cell == Cell::Gru).then_some(Skipped { period, first: block * count, count })
    }
}

/// What a recurrent layer keeps of a batch of sequences, for backward and for the layer above.
///
/// Rows are b · len + t. Hp stands for the hidden size rounded up to quads; columns behind the last unit are zero.
#[derive(Debug)]
pub struct Sequence<B: Storage> {
    /// (batch · len, [`GateLayout::cols`]): the sums of the inputs, then the gates, then their gradients.
    pub gates: B::Tensor,
    /// h before each position (batch · len, directions · Hp), zero beyond the sentences.
    pub previous: B::Tensor,
    /// An LSTM's c before each position (batch · len, directions · Hp).
    pub previous_cell: Option<B::Tensor>,
    /// h (batch · len, directions · H), zero beyond the sentences.
    pub output: B::Tensor,
    /// The state after each direction's last position (batch, directions · H).
    pub last: State<B>,
}

impl<B: Storage> Sequence<B> {
    /// Before the first step; the gates are yet to be filled with W_ih x + b.
    pub fn zeros(backend: &B, layout: GateLayout, batch: usize, len: usize) -> Result<Self> {
        let (rows, units) = (batch * len, layout.directions * layout.hidden);
        let padded = layout.directions * layout.padded();
        Ok(Self {
            gates: backend.zeros(rows, layout.cols())?,
            previous: backend.zeros(rows, padded)?,
            previous_cell: if layout.cell.has_cell() { Some(backend.zeros(rows, padded)?) } else { None },
            output: backend.zeros(rows, units)?,
            last: State::zeros(backend, layout.cell, batch, units)?,
        })
    }
}

/// What [`Training::attention_backward`] writes.
#[derive(Debug)]
pub struct AttentionGradients<'a, B: Storage> {
    /// (batch · rows, src_len + 1), overwritten: of the scores, zero outside the window; in the last column, with the
    /// `local_p` window, of v_pᵀ tanh(W_p h_t). Rows as those of the weights.
    pub d_scores: &'a mut B::Tensor,
    /// (batch · tgt_len, K)
    pub d_query: &'a mut B::Tensor,
    /// (batch · tgt_len, H): of W_p h_t, for the `local_p` window.
    pub d_position: Option<&'a mut B::Tensor>,
}

/// How the loss is computed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LossOptions {
    /// ε of label smoothing.
    pub smoothing: f32,
    /// What the gradients are multiplied by: one over the target tokens of the whole batch.
    pub scale: f32,
}

/// What [`Training::generator_loss`] computes beside the loss.
#[derive(Debug)]
pub struct GeneratorGradients<'a, B: Storage> {
    /// (rows, H), overwritten
    pub d_attentional: &'a mut B::Tensor,
    /// (V, H)
    pub d_weight: &'a mut B::Tensor,
    /// (1, V)
    pub d_bias: &'a mut B::Tensor,
}

/// How parameters follow their gradients.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// Kingma and Ba 2015, algorithm 1; with decoupled decay Loshchilov and Hutter 2019, algorithm 2.
    Adam {
        /// β₁
        beta1: f32,
        /// β₂
        beta2: f32,
        /// ε
        epsilon: f32,
        /// λ
        weight_decay: f32,
        /// Whether the decay is apart from the gradient (AdamW) or part of it.
        decoupled: bool,
    },
    /// v ← μ v + g + λ w, w ← w − η v, as PyTorch has it; v is the first moment.
    Sgd {
        /// μ
        momentum: f32,
        /// λ
        weight_decay: f32,
    },
}

/// One step of the optimizer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Update {
    /// Its equations.
    pub rule: Rule,
    /// η
    pub learning_rate: f32,
    /// How many steps there were with this one: t of Adam's bias correction.
    pub step: u64,
    /// The largest norm that the gradients keep.
    pub clip: Option<f32>,
    /// The share that the average keeps of itself, where there is one: ā ← γ ā + (1 − γ) w.
    pub average: f32,
}

impl Update {
    /// 1 − β₁ᵗ and 1 − β₂ᵗ, by which Adam's moments are divided; 1 for other rules.
    pub fn bias_corrections(&self) -> [f32; 2] {
        let Rule::Adam { beta1, beta2, .. } = self.rule else { return [1.0; 2] };
        [beta1, beta2].map(|beta| (1.0 - f64::from(beta).powf(self.step as f64)) as f32)
    }
}

/// Checks the sizes of `out` = op(a) op(b).
pub(crate) fn check_matmul(
    operation: &'static str,
    [rows, cols]: [usize; 2],
    [inner, inner_of_b]: [usize; 2],
    out: [usize; 2],
) -> Result<()> {
    Error::check(operation, "inner size", inner, inner_of_b)?;
    Error::check(operation, "output rows", rows, out[0])?;
    Error::check(operation, "output columns", cols, out[1])
}
