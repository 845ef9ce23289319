//! `recurrent_layer` and `recurrent_step`.

use std::fmt;

use super::operation::{Operation, Output, Work, count};
use crate::backend::{Backend, Direction, Input, RecurrentParameters, State, Training};
use crate::model::Cell;
use crate::verify::inputs::Inputs;
use crate::{Array, Result};

/// What a layer reads: its form and its size.
#[derive(Clone, Copy, Debug)]
pub enum Fed {
    /// Ids of an embedding.
    Ids {
        /// Rows of the embedding.
        vocab_size: usize,
        /// Columns of the embedding.
        embedding_size: usize,
    },
    /// Rows of this size.
    Rows(usize),
}

impl Fed {
    fn size(self) -> usize {
        match self {
            Self::Ids { embedding_size, .. } => embedding_size,
            Self::Rows(size) => size,
        }
    }

    fn upload<B: Backend>(self, backend: &B, inputs: &Inputs, rows: usize) -> Result<Given<B>> {
        Ok(match self {
            Self::Ids { vocab_size, .. } => Given::Ids(backend.upload_ids(&inputs.ids("input", rows, vocab_size))?),
            Self::Rows(size) => Given::Rows(backend.upload(&inputs.array("input", [rows, size], 1.0))?),
        })
    }
}

impl fmt::Display for Fed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ids { vocab_size, embedding_size } => write!(f, "ids of {vocab_size} × {embedding_size}"),
            Self::Rows(size) => write!(f, "rows of {size}"),
        }
    }
}

/// A layer's input on the device.
#[derive(Debug)]
enum Given<B: Backend> {
    Ids(B::Ids),
    Rows(B::Tensor),
}

impl<B: Backend> Given<B> {
    fn input(&self) -> Input<'_, B> {
        match self {
            Self::Ids(ids) => Input::Ids(ids),
            Self::Rows(rows) => Input::Rows(rows),
        }
    }
}

/// The gates of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gates {
    /// Between their ends.
    Ordinary,
    /// Two of three pushed by ±10⁴ to one end, where they must be 0 or 1 and never NaN.
    Saturated,
}

/// A layer's parameters on the host, in the order of [`Direction`].
struct HostWeights {
    directions: Vec<[Array; 4]>,
    embedding: Option<Array>,
}

impl HostWeights {
    fn new(inputs: &Inputs, cell: Cell, fed: Fed, feed: usize, hidden: usize, directions: usize, gates: Gates) -> Self {
        let (rows, size) = (cell.gates() * hidden, fed.size() + feed);
        let direction = |direction: usize| {
            let name = |part: &str| format!("{part} {direction}");
            let bias_ih = match gates {
                Gates::Ordinary => inputs.weights(&name("bias_ih"), [rows], 0.5),
                // Only one of the two biases: the sum of two that cancel would round away all the rest.
                Gates::Saturated => {
                    let steps = inputs.steps(&name("bias_ih"), [rows], 1.0);
                    Array::new(
                        [rows],
                        steps.data.iter().map(|step| step.signum() * f32::min(step.abs(), 1.0) * 1e4).collect(),
                    )
                }
            };
            [
                inputs.weights(&name("weight_ih"), [rows, size], 1.5 / (size as f32).sqrt()),
                inputs.weights(&name("weight_hh"), [rows, hidden], 1.5 / (hidden as f32).sqrt()),
                bias_ih,
                inputs.weights(&name("bias_hh"), [rows], 0.5),
            ]
            .map(|parameters| inputs.gates(parameters, cell.gates()))
        };
        let embedding = match fed {
            Fed::Ids { vocab_size, embedding_size } => {
                Some(inputs.weights("embedding", [vocab_size, embedding_size], 1.0))
            }
            Fed::Rows(_) => None,
        };
        Self { directions: (0..directions).map(direction).collect(), embedding }
    }

    fn prepare<'a, B: Backend>(&'a self, backend: &B, cell: Cell, feed_size: usize) -> Result<B::Recurrent> {
        let direction = |parameters: &'a [Array; 4]| {
            let [weight_ih, weight_hh, bias_ih, bias_hh] = parameters;
            Direction { weight_ih, weight_hh, bias_ih, bias_hh }
        };
        backend.recurrent_weights(&RecurrentParameters {
            cell,
            directions: self.directions.iter().map(direction).collect(),
            embedding: self.embedding.as_ref(),
            feed_size,
        })
    }
}

fn state<B: Backend>(backend: &B, inputs: &Inputs, cell: Cell, batch: usize, size: usize) -> Result<State<B>> {
    let array = |name| backend.upload(&inputs.array(name, [batch, size], 0.9));
    Ok(State { hidden: array("hidden")?, cell: if cell.has_cell() { Some(array("cell")?) } else { None } })
}

async fn state_outputs<B: Backend>(
    backend: &B,
    names: [&'static str; 2],
    shape: [usize; 2],
    state: &State<B>,
) -> Result<Vec<Output>> {
    let mut outputs = vec![Output::read(backend, names[0], shape, &state.hidden).await?];
    if let Some(cell) = &state.cell {
        outputs.push(Output::read(backend, names[1], shape, cell).await?);
    }
    Ok(outputs)
}

/// The cell's name, as `config.json` has it.
pub(super) fn cell_name(cell: Cell) -> &'static str {
    match cell {
        Cell::Tanh => "tanh",
        Cell::Gru => "gru",
        Cell::Lstm => "lstm",
    }
}

/// A recurrent layer over whole sequences.
#[derive(Clone, Copy, Debug)]
pub struct RecurrentLayerCase {
    /// Which cell.
    pub cell: Cell,
    /// 1 or 2.
    pub directions: usize,
    /// What it reads.
    pub fed: Fed,
    /// Hidden units of a direction.
    pub hidden: usize,
    /// Sentences.
    pub batch: usize,
    /// Positions of the longest sentence.
    pub len: usize,
    /// Whether the other sentences are shorter.
    pub ragged: bool,
    /// Whether there is a state before the first position.
    pub initial: bool,
    /// Where its gates stand.
    pub gates: Gates,
}

/// Inputs and outputs of [`RecurrentLayerCase`].
#[derive(Debug)]
pub struct RecurrentLayerReady<B: Backend> {
    weights: B::Recurrent,
    input: Given<B>,
    lengths: B::Ids,
    initial: Option<State<B>>,
    output: B::Tensor,
    last: State<B>,
}

impl fmt::Display for RecurrentLayerCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cell, directions, fed, hidden, batch, len, ragged, initial, gates } = self;
        let directions = if *directions == 2 { "both directions" } else { "one direction" };
        write!(f, "{}, {directions}, batch {batch}, length {len}, {fed}, hidden {hidden}", cell_name(*cell))?;
        for (said, word) in
            [(*ragged, "ragged"), (*initial, "initial state"), (*gates == Gates::Saturated, "saturated gates")]
        {
            if said {
                write!(f, ", {word}")?;
            }
        }
        Ok(())
    }
}

impl Operation for RecurrentLayerCase {
    type Ready<B: Training> = RecurrentLayerReady<B>;

    fn name(&self) -> &'static str {
        "recurrent_layer"
    }

    fn prepare<B: Training>(&self, backend: &B, inputs: &Inputs) -> Result<Self::Ready<B>> {
        let Self { cell, directions, fed, hidden, batch, len, .. } = *self;
        let weights = HostWeights::new(inputs, cell, fed, 0, hidden, directions, self.gates);
        let lengths = if self.ragged { inputs.lengths(batch, len) } else { vec![len as u32; batch] };
        let size = directions * hidden;
        Ok(RecurrentLayerReady {
            weights: weights.prepare(backend, cell, 0)?,
            input: fed.upload(backend, inputs, batch * len)?,
            lengths: backend.upload_ids(&inputs.told(lengths))?,
            initial: if self.initial { Some(state(backend, inputs, cell, batch, size)?) } else { None },
            output: backend.zeros(batch * len, size)?,
            last: State::zeros(backend, cell, batch, size)?,
        })
    }

    async fn run<B: Training>(&self, backend: &B, ready: &mut Self::Ready<B>) -> Result<()> {
        let RecurrentLayerReady { weights, input, lengths, initial, output, last } = ready;
        backend.recurrent_layer(weights, input.input(), lengths, initial.as_ref(), output, last)
    }

    async fn outputs<B: Training>(&self, backend: &B, ready: &Self::Ready<B>) -> Result<Vec<Output>> {
        let size = self.directions * self.hidden;
        let mut outputs = vec![Output::read(backend, "output", [self.batch, self.len, size], &ready.output).await?];
        outputs.extend(state_outputs(backend, ["last hidden", "last cell"], [self.batch, size], &ready.last).await?);
        Ok(outputs)
    }

    fn work(&self) -> Work {
        let Self { cell, directions, hidden, batch, len, .. } = *self;
        let (size, gate_rows) = (self.fed.size(), directions * cell.gates() * hidden);
        let read = match self.fed {
            Fed::Ids { .. } => count([batch, len]) * (1.0 + size as f64),
            Fed::Rows(size) => count([batch, len, size]),
        };
        Work {
            flops: 2.0 * count([batch, len, gate_rows, size + hidden]),
            weights: count([gate_rows, size + hidden + 2]),
            values: read + count([batch, len + 1, directions * hidden]),
        }
    }
}

/// One step of a recurrent layer.
#[derive(Clone, Copy, Debug)]
pub struct RecurrentStepCase {
    /// Which cell.
    pub cell: Cell,
    /// What it reads.
    pub fed: Fed,
    /// The size of the second part of the input; 0 where there is none.
    pub feed: usize,
    /// Hidden units.
    pub hidden: usize,
    /// Rows before the step, each of which some of those after it continue, or none.
    pub earlier: usize,
    /// Rows.
    pub batch: usize,
    /// Where its gates stand.
    pub gates: Gates,
}

/// Inputs and outputs of [`RecurrentStepCase`].
#[derive(Debug)]
pub struct RecurrentStepReady<B: Backend> {
    weights: B::Recurrent,
    frontier: B::Ids,
    below: Option<B::Tensor>,
    feed: Option<B::Tensor>,
    previous: State<B>,
    next: State<B>,
}

impl fmt::Display for RecurrentStepCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cell, fed, feed, hidden, earlier, batch, gates } = self;
        write!(f, "{}, {earlier} rows → {batch}, {fed}, hidden {hidden}", cell_name(*cell))?;
        if *feed > 0 {
            write!(f, ", feed {feed}")?;
        }
        if *gates == Gates::Saturated {
            write!(f, ", saturated gates")?;
        }
        Ok(())
    }
}

impl Operation for RecurrentStepCase {
    type Ready<B: Training> = RecurrentStepReady<B>;

    fn name(&self) -> &'static str {
        "recurrent_step"
    }

    fn prepare<B: Training>(&self, backend: &B, inputs: &Inputs) -> Result<Self::Ready<B>> {
        let Self { cell, fed, feed, hidden, earlier, batch, gates } = *self;
        let weights = HostWeights::new(inputs, cell, fed, feed, hidden, 1, gates);
        let feed_rows = || backend.upload(&inputs.array("feed", [earlier, feed], 1.0));
        let (symbols, below) = match fed {
            Fed::Ids { vocab_size, .. } => (inputs.ids("input", batch, vocab_size), None),
            Fed::Rows(size) => (vec![0; batch], Some(backend.upload(&inputs.array("input", [batch, size], 1.0))?)),
        };
        let continued = inputs.ids("continued", batch, earlier);
        Ok(RecurrentStepReady {
            weights: weights.prepare(backend, cell, feed)?,
            frontier: backend.upload_ids(&[symbols, continued].concat())?,
            below,
            feed: if feed > 0 { Some(feed_rows()?) } else { None },
            previous: state(backend, inputs, cell, earlier, hidden)?,
            next: State::zeros(backend, cell, batch, hidden)?,
        })
    }

    async fn run<B: Training>(&self, backend: &B, ready: &mut Self::Ready<B>) -> Result<()> {
        let RecurrentStepReady { weights, frontier, below, feed, previous, next } = ready;
        backend.recurrent_step(weights, frontier, below.as_ref(), feed.as_ref(), previous, next)
    }

    async fn outputs<B: Training>(&self, backend: &B, ready: &Self::Ready<B>) -> Result<Vec<Output>> {
        state_outputs(backend, ["next hidden", "next cell"], [self.batch, self.hidden], &ready.next).await
    }

    fn work(&self) -> Work {
        let Self { cell, hidden, batch, .. } = *self;
        let (size, states) = (self.fed.size() + self.feed, if cell.has_cell() { 4 } else { 2 });
        Work {
            flops: 2.0 * count([batch, cell.gates(), hidden, size + hidden]),
            weights: count([cell.gates(), hidden, size + hidden + 2]),
            values: count([batch, size + states * hidden]),
        }
    }
}

const CELLS: [Cell; 3] = [Cell::Tanh, Cell::Gru, Cell::Lstm];

pub(super) fn cases<C: From<RecurrentLayerCase> + From<RecurrentStepCase>>() -> Vec<C> {
    layer_cases().into_iter().chain(step_cases()).collect()
}

fn layer_cases<C: From<RecurrentLayerCase>>() -> Vec<C> {
    let few = Fed::Ids { vocab_size: 11, embedding_size: 5 };
    let plain = RecurrentLayerCase {
        cell: Cell::Tanh,
        directions: 1,
        fed: few,
        hidden: 13,
        batch: 6,
        len: 7,
        ragged: true,
        initial: false,
        gates: Gates::Ordinary,
    };
    let mut cases = Vec::new();
    for cell in CELLS {
        for directions in [1, 2] {
            for fed in [few, Fed::Rows(9)] {
                for initial in [false, true] {
                    cases.push(RecurrentLayerCase { cell, directions, fed, initial, ..plain }.into());
                }
            }
        }
        let both = RecurrentLayerCase { cell, directions: 2, ..plain };
        let wide = Fed::Ids { vocab_size: 70, embedding_size: 67 };
        cases.extend([
            RecurrentLayerCase { gates: Gates::Saturated, initial: true, ..both }.into(),
            // One sentence, one position, one unit.
            RecurrentLayerCase { batch: 1, len: 5, hidden: 3, ..both }.into(),
            RecurrentLayerCase { cell, batch: 1, len: 1, hidden: 1, fed: Fed::Rows(1), initial: true, ..plain }.into(),
            // The reverse direction begins at a quad's border, and in its middle.
            RecurrentLayerCase { batch: 5, hidden: 12, ..both }.into(),
            RecurrentLayerCase { batch: 5, hidden: 6, ..both }.into(),
            // Beyond one tile of sentences, of units and of inputs.
            RecurrentLayerCase { batch: 67, len: 3, hidden: 9, ..both }.into(),
            RecurrentLayerCase { batch: 3, len: 4, hidden: 69, fed: wide, ..both }.into(),
            RecurrentLayerCase { cell, batch: 5, len: 3, hidden: 131, fed: Fed::Rows(70), initial: true, ..plain }
                .into(),
        ]);
    }
    cases
}

fn step_cases<C: From<RecurrentStepCase>>() -> Vec<C> {
    let few = Fed::Ids { vocab_size: 11, embedding_size: 5 };
    let plain = RecurrentStepCase {
        cell: Cell::Tanh,
        fed: few,
        feed: 0,
        hidden: 13,
        earlier: 5,
        batch: 6,
        gates: Gates::Ordinary,
    };
    let mut cases = Vec::new();
    for cell in CELLS {
        for fed in [few, Fed::Rows(9)] {
            for feed in [0, 7] {
                cases.push(RecurrentStepCase { cell, fed, feed, ..plain }.into());
            }
        }
        let wide = Fed::Ids { vocab_size: 70, embedding_size: 67 };
        cases.extend([
            RecurrentStepCase { cell, feed: 7, gates: Gates::Saturated, ..plain }.into(),
            RecurrentStepCase { cell, earlier: 1, batch: 1, hidden: 3, feed: 2, ..plain }.into(),
            RecurrentStepCase { cell, earlier: 14, batch: 67, feed: 13, ..plain }.into(),
            RecurrentStepCase { cell, earlier: 9, batch: 5, fed: wide, feed: 69, hidden: 133, ..plain }.into(),
            RecurrentStepCase { cell, earlier: 70, batch: 70, fed: Fed::Rows(66), hidden: 67, ..plain }.into(),
        ]);
    }
    cases
}
