//! A CPU with a fault, which the comparison must find.

mod training;

use seq2seq::backend::{
    Activation, AttendedStep, Attention, Counters, Coverage, Direction, Distribution, Input, RecurrentParameters,
    Search, SearchRules, Share, State,
};
use seq2seq::cpu::Cpu;
use seq2seq::{Array, Backend, Result};

type Inner = Cpu<f64>;
type Tensor = <Inner as Backend>::Tensor;
type Ids = <Inner as Backend>::Ids;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// Every sentence is taken to be as long as the longest.
    NoLengths,
    /// The weights of `linear` are read column by column.
    TransposedWeight,
    /// The first two gates of a cell are swapped.
    SwappedGates,
    /// The last number of everything read is NaN.
    Nan,
    /// The largest number of everything read is off by 1 %.
    OffByAHundredth,
}

/// The CPU in 64 bits, with a fault.
#[derive(Debug)]
pub struct Faulty {
    inner: Inner,
    fault: Fault,
}

impl Faulty {
    /// With this fault.
    pub fn new(fault: Fault) -> Self {
        Self { inner: Inner::new(), fault }
    }

    /// The lengths that an operation sees.
    fn lengths(&self, lengths: &Ids) -> Result<Ids> {
        let mut lengths = pollster::block_on(self.inner.read_ids(lengths))?;
        if self.fault == Fault::NoLengths {
            let longest = lengths.iter().copied().max().unwrap_or(0);
            lengths.fill(longest);
        }
        self.inner.upload_ids(&lengths)
    }

    fn spoil(&self, mut numbers: Vec<f64>) -> Vec<f64> {
        match self.fault {
            Fault::Nan => {
                if let Some(last) = numbers.last_mut() {
                    *last = f64::NAN;
                }
            }
            Fault::OffByAHundredth => {
                let finite = numbers.iter_mut().filter(|number| number.is_finite());
                if let Some(largest) = finite.max_by(|a, b| a.abs().total_cmp(&b.abs())) {
                    *largest *= 1.01;
                }
            }
            _ => {}
        }
        numbers
    }
}

/// A state of the CPU's like this one.
fn state(state: &State<Faulty>) -> State<Inner> {
    State { hidden: state.hidden.clone(), cell: state.cell.clone() }
}

/// Writes to a state of the CPU's, then moves that here.
fn written(into: &mut State<Faulty>, write: impl FnOnce(&mut State<Inner>) -> Result<()>) -> Result<()> {
    let mut inner = state(into);
    write(&mut inner)?;
    *into = State { hidden: inner.hidden, cell: inner.cell };
    Ok(())
}

/// Goes on with a search of the CPU's, then moves that here.
fn searched(into: &mut Search<Faulty>, go_on: impl FnOnce(&mut Search<Inner>) -> Result<()>) -> Result<()> {
    let mut inner = Search::<Inner> {
        frontier: into.frontier.clone(),
        log_prob: into.log_prob.clone(),
        status: into.status.clone(),
        limits: into.limits.clone(),
        finished: into.finished.clone(),
        trellis: into.trellis.clone(),
        coverage: into.coverage.as_ref().map(coverage),
        candidates: into.candidates.clone(),
    };
    go_on(&mut inner)?;
    let Search { frontier, log_prob, status, limits, finished, trellis, candidates, .. } = inner;
    let coverage = inner.coverage.as_ref().map(coverage);
    *into = Search { frontier, log_prob, status, limits, finished, trellis, coverage, candidates };
    Ok(())
}

/// The same coverage, of another backend with the same tensors.
fn coverage<A, B>(coverage: &Coverage<A>) -> Coverage<B>
where
    A: Backend<Tensor = Tensor, Ids = Ids>,
    B: Backend<Tensor = Tensor, Ids = Ids>,
{
    Coverage {
        sums: coverage.sums.clone(),
        previous: coverage.previous.clone(),
        penalty: coverage.penalty.clone(),
        lengths: coverage.lengths.clone(),
    }
}

fn input<'a>(input: &Input<'a, Faulty>) -> Input<'a, Inner> {
    match *input {
        Input::Ids(ids) => Input::Ids(ids),
        Input::Rows(rows) => Input::Rows(rows),
    }
}

fn attention<'a>(attention: &Attention<'a, Faulty>, lengths: &'a Ids) -> Attention<'a, Inner> {
    Attention {
        score: attention.score,
        window: attention.window,
        half_width: attention.half_width,
        vectors: attention.vectors,
        query: attention.query,
        position: attention.position,
        keys: attention.keys,
        memory: attention.memory,
        lengths,
        positions: attention.positions,
    }
}

/// The same numbers in the order of the transpose, in the same shape.
fn transposed(matrix: &Array) -> Array {
    let (rows, cols) = (matrix.rows(), matrix.cols());
    let data = (0..cols).flat_map(|col| (0..rows).map(move |row| matrix.data[row * cols + col])).collect();
    Array::new(matrix.shape.clone(), data)
}

/// The rows of the first two of `gates` gates swapped.
fn swapped(array: &Array, gates: usize) -> Array {
    let mut swapped = array.clone();
    let gate = array.data.len() / gates;
    if gates > 1 {
        let (first, second) = swapped.data.split_at_mut(gate);
        first.swap_with_slice(&mut second[..gate]);
    }
    swapped
}

impl Backend for Faulty {
    type Float = f64;
    type Tensor = Tensor;
    type Ids = Ids;
    type Linear = <Inner as Backend>::Linear;
    type Recurrent = <Inner as Backend>::Recurrent;

    fn zeros(&self, rows: usize, cols: usize) -> Result<Tensor> {
        self.inner.zeros(rows, cols)
    }

    fn upload(&self, array: &Array) -> Result<Tensor> {
        self.inner.upload(array)
    }

    fn upload_ids(&self, ids: &[u32]) -> Result<Ids> {
        self.inner.upload_ids(ids)
    }

    async fn read(&self, tensor: &Tensor) -> Result<Vec<f64>> {
        Ok(self.spoil(self.inner.read(tensor).await?))
    }

    async fn read_ids(&self, ids: &Ids) -> Result<Vec<u32>> {
        self.inner.read_ids(ids).await
    }

    async fn read_all(&self, tensors: &[&Tensor], ids: &[&Ids]) -> Result<(Vec<Vec<f64>>, Vec<Vec<u32>>)> {
        let (tensors, ids) = self.inner.read_all(tensors, ids).await?;
        Ok((tensors.into_iter().map(|numbers| self.spoil(numbers)).collect(), ids))
    }

    fn max_elements(&self) -> usize {
        self.inner.max_elements()
    }

    fn steps_per_read(&self) -> usize {
        self.inner.steps_per_read()
    }

    fn candidate_cols(&self, vocab_size: usize, beam: usize) -> usize {
        self.inner.candidate_cols(vocab_size, beam)
    }

    fn linear_weights(&self, weight: &Array, bias: Option<&Array>) -> Result<Self::Linear> {
        match self.fault {
            Fault::TransposedWeight => self.inner.linear_weights(&transposed(weight), bias),
            _ => self.inner.linear_weights(weight, bias),
        }
    }

    fn recurrent_weights(&self, parameters: &RecurrentParameters<'_>) -> Result<Self::Recurrent> {
        if self.fault != Fault::SwappedGates {
            return self.inner.recurrent_weights(parameters);
        }
        let gates = parameters.cell.gates();
        let arrays: Vec<[Array; 4]> = parameters
            .directions
            .iter()
            .map(|d| [d.weight_ih, d.weight_hh, d.bias_ih, d.bias_hh].map(|array| swapped(array, gates)))
            .collect();
        let directions = arrays
            .iter()
            .map(|[weight_ih, weight_hh, bias_ih, bias_hh]| Direction { weight_ih, weight_hh, bias_ih, bias_hh })
            .collect();
        self.inner.recurrent_weights(&RecurrentParameters { directions, ..*parameters })
    }

    fn embedding(&self, table: &Tensor, ids: &Ids, out: &mut Tensor) -> Result<()> {
        self.inner.embedding(table, ids, out)
    }

    fn linear(
        &self,
        weights: &Self::Linear,
        input: &Tensor,
        activation: Activation,
        accumulate: bool,
        out: &mut Tensor,
    ) -> Result<()> {
        self.inner.linear(weights, input, activation, accumulate, out)
    }

    fn recurrent_layer(
        &self,
        weights: &Self::Recurrent,
        given: Input<'_, Self>,
        lengths: &Ids,
        initial: Option<&State<Self>>,
        output: &mut Tensor,
        last: &mut State<Self>,
    ) -> Result<()> {
        let (lengths, initial) = (self.lengths(lengths)?, initial.map(state));
        written(last, |last| {
            self.inner.recurrent_layer(weights, input(&given), &lengths, initial.as_ref(), output, last)
        })
    }

    fn recurrent_step(
        &self,
        weights: &Self::Recurrent,
        frontier: &Ids,
        below: Option<&Tensor>,
        feed: Option<&Tensor>,
        previous: &State<Self>,
        next: &mut State<Self>,
    ) -> Result<()> {
        let previous = state(previous);
        written(next, |next| self.inner.recurrent_step(weights, frontier, below, feed, &previous, next))
    }

    fn attention(
        &self,
        given: &Attention<'_, Self>,
        weights: &mut Tensor,
        first_row: usize,
        context: &mut Tensor,
    ) -> Result<()> {
        let lengths = self.lengths(given.lengths)?;
        self.inner.attention(&attention(given, &lengths), weights, first_row, context)
    }

    fn attention_scores(&self, given: &Attention<'_, Self>, scores: &mut Tensor) -> Result<()> {
        let lengths = self.lengths(given.lengths)?;
        self.inner.attention_scores(&attention(given, &lengths), scores)
    }

    fn attention_softmax(&self, given: &Attention<'_, Self>, scores_to_weights: &mut Tensor) -> Result<()> {
        let lengths = self.lengths(given.lengths)?;
        self.inner.attention_softmax(&attention(given, &lengths), scores_to_weights)
    }

    fn attention_context(&self, given: &Attention<'_, Self>, weights: &Tensor, context: &mut Tensor) -> Result<()> {
        let lengths = self.lengths(given.lengths)?;
        self.inner.attention_context(&attention(given, &lengths), weights, context)
    }

    fn log_softmax(&self, logits: &Tensor, out: &mut Tensor) -> Result<()> {
        self.inner.log_softmax(logits, out)
    }

    fn argmax(&self, logits: &Tensor, out: &mut Ids) -> Result<()> {
        self.inner.argmax(logits, out)
    }

    fn mix(&self, logits: &Tensor, share: Share, probabilities: &mut Tensor) -> Result<()> {
        self.inner.mix(logits, share, probabilities)
    }

    fn extend(
        &self,
        rules: &SearchRules,
        symbols: Distribution<'_, Self>,
        step: usize,
        row: usize,
        search: &mut Search<Self>,
    ) -> Result<()> {
        let symbols = match symbols {
            Distribution::Generator { weights, attentional } => Distribution::Generator { weights, attentional },
            Distribution::Probabilities(rows) => Distribution::Probabilities(rows),
        };
        searched(search, |search| self.inner.extend(rules, symbols, step, row, search))
    }

    fn cover(
        &self,
        rules: &SearchRules,
        step: &AttendedStep<'_, Self>,
        share: Share,
        search: &mut Search<Self>,
    ) -> Result<()> {
        let AttendedStep { weights, first_row, width, step } = *step;
        let step = AttendedStep { weights, first_row, width, step };
        searched(search, |search| self.inner.cover(rules, &step, share, search))
    }

    fn counters(&self) -> Counters {
        self.inner.counters()
    }
}
