//! `attention`, and the three thirds of it.

use std::fmt;

use super::operation::{Operation, Output, Values, Work, count};
use crate::backend::{Attention, Backend, LOWEST, Positions, Training};
use crate::model::{Score, Window};
use crate::verify::inputs::Inputs;
use crate::{Array, Result};

/// Which operation of attention runs; what stands before it is prepared by the backend itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All in one.
    Whole,
    /// The scores.
    Scores,
    /// The weights, from scores.
    Softmax,
    /// The context, from weights.
    Context,
}

/// Attention of `tgt_len` queries a sentence.
#[derive(Clone, Copy, Debug)]
pub struct AttentionCase {
    /// What of it runs.
    pub part: Part,
    /// score(h_t, h̄_s)
    pub score: Score,
    /// Which positions may be attended to.
    pub window: Window,
    /// D of the local windows.
    pub half_width: usize,
    /// Sentences.
    pub batch: usize,
    /// Positions of the longest source.
    pub src_len: usize,
    /// Whether the other sources are shorter.
    pub ragged: bool,
    /// Queries a sentence.
    pub tgt_len: usize,
    /// Columns of the query.
    pub key_size: usize,
    /// Columns of the memory; with the `dot` scores it is the keys.
    pub memory_size: usize,
    /// Columns of W_p h_t, for the `local_p` window; with `concat`, of the query too.
    pub hidden: usize,
    /// Where the queries of a sentence stand.
    pub positions: Positions,
    /// Rows a sentence has in the weights, from `first_row` on.
    pub rows: usize,
    /// The row of the first query.
    pub first_row: usize,
    /// Whether scores reach ±10⁴.
    pub extreme: bool,
}

/// Inputs and outputs of [`AttentionCase`].
#[derive(Debug)]
pub struct AttentionReady<B: Backend> {
    pub(super) inputs: DeviceInputs<B>,
    scores: B::Tensor,
    pub(super) weights: B::Tensor,
    pub(super) context: B::Tensor,
}

#[derive(Debug)]
pub(super) struct DeviceInputs<B: Backend> {
    pub(super) vectors: Option<B::Tensor>,
    query: B::Tensor,
    pub(super) position: Option<B::Tensor>,
    pub(super) keys: Option<B::Tensor>,
    memory: B::Tensor,
    lengths: B::Ids,
}

impl AttentionCase {
    /// Whether the memory itself is what queries are compared with.
    fn keys_are_memory(&self) -> bool {
        matches!(self.score, Score::Dot | Score::ScaledDot | Score::Location)
    }

    pub(super) fn attention<'a, B: Backend>(&self, inputs: &'a DeviceInputs<B>) -> Attention<'a, B> {
        Attention {
            score: self.score,
            window: self.window,
            half_width: self.half_width,
            vectors: inputs.vectors.as_ref(),
            query: &inputs.query,
            position: inputs.position.as_ref(),
            keys: inputs.keys.as_ref().unwrap_or(&inputs.memory),
            memory: &inputs.memory,
            lengths: &inputs.lengths,
            positions: self.positions,
        }
    }

    /// Queries, and keys or memory, whose scores are of the size that softmax tells apart; or exact and up to ±10⁴.
    fn pair(&self, inputs: &Inputs, stream: &str, shape: [usize; 2]) -> Array {
        let query = stream == "query";
        match (self.extreme, self.score) {
            (false, Score::Location) => inputs.array(stream, shape, 2.0),
            (false, _) => inputs.array(stream, shape, 1.0),
            // Multiples of 200: what is not the same differs so much that rounding cannot matter.
            (true, Score::Dot | Score::ScaledDot | Score::General) if query => inputs.steps(stream, shape, 200.0),
            (true, Score::Location) if query => inputs.steps(stream, shape, 5000.0),
            // tanh of these is −1, 0 or 1.
            (true, Score::Concat) => inputs.steps(stream, shape, 100.0),
            (true, _) => inputs.steps(stream, shape, 1.0),
        }
    }

    /// v and v_p, zeros in place of one that is not used.
    fn vectors(&self, inputs: &Inputs) -> Option<Array> {
        let (concat, local_p) = (self.score == Score::Concat, self.window == Window::LocalP);
        let row = |used: bool, stream: &str| match (used, self.extreme) {
            (false, _) => vec![0.0; self.hidden],
            (true, true) => inputs.steps(stream, [self.hidden], 1000.0).data,
            (true, false) => inputs.weights(stream, [self.hidden], 1.0).data,
        };
        let rows = [row(concat, "v"), row(local_p, "position_v")];
        (concat || local_p).then(|| Array::new([2, self.hidden], rows.concat()))
    }

    fn memory(&self, inputs: &Inputs, lengths: &[u32]) -> Array {
        let mut memory = if self.keys_are_memory() && self.extreme {
            self.pair(inputs, "memory", [self.batch * self.src_len, self.memory_size])
        } else {
            inputs.array("memory", [self.batch * self.src_len, self.memory_size], 1.0)
        };
        for (sentence, &length) in memory.data.chunks_mut(self.src_len * self.memory_size).zip(lengths) {
            sentence[length as usize * self.memory_size..].fill(0.0);
        }
        memory
    }
}

impl fmt::Display for AttentionCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let score = match self.score {
            Score::Dot => "dot",
            Score::ScaledDot => "scaled_dot",
            Score::General => "general",
            Score::Concat => "concat",
            Score::Location => "location",
        };
        let window = match self.window {
            Window::Global => "global".to_owned(),
            Window::LocalM => format!("local_m ± {}", self.half_width),
            Window::LocalP => format!("local_p ± {}", self.half_width),
        };
        let Self { batch, tgt_len, src_len, key_size, memory_size, positions, rows, first_row, .. } = self;
        write!(f, "{score}, {window}, batch {batch}, {tgt_len} × {src_len}, key {key_size}, memory {memory_size}")?;
        match positions {
            Positions::From(0) => {}
            Positions::From(first) => write!(f, ", from position {first}")?,
            Positions::At(position) => write!(f, ", all at position {position}")?,
        }
        if rows != tgt_len {
            write!(f, ", row {first_row} of {rows}")?;
        }
        for (said, word) in [(self.ragged, "ragged"), (self.extreme, "scores of ±10⁴")] {
            if said {
                write!(f, ", {word}")?;
            }
        }
        Ok(())
    }
}

impl Operation for AttentionCase {
    type Ready<B: Training> = AttentionReady<B>;

    fn name(&self) -> &'static str {
        match self.part {
            Part::Whole => "attention",
            Part::Scores => "attention_scores",
            Part::Softmax => "attention_softmax",
            Part::Context => "attention_context",
        }
    }

    fn prepare<B: Training>(&self, backend: &B, inputs: &Inputs) -> Result<Self::Ready<B>> {
        let Self { batch, src_len, tgt_len, key_size, hidden, .. } = *self;
        let queries = batch * tgt_len;
        let lengths = if self.ragged { inputs.lengths(batch, src_len) } else { vec![src_len as u32; batch] };
        let local_p = self.window == Window::LocalP;
        let position = || backend.upload(&inputs.array("position", [queries, hidden], 1.5));
        let keys = || backend.upload(&self.pair(inputs, "keys", [batch * src_len, key_size]));
        let vectors = self.vectors(inputs);
        let inputs = DeviceInputs {
            vectors: vectors.map(|vectors| backend.upload(&vectors)).transpose()?,
            query: backend.upload(&self.pair(inputs, "query", [queries, key_size]))?,
            position: if local_p { Some(position()?) } else { None },
            keys: if self.keys_are_memory() { None } else { Some(keys()?) },
            memory: backend.upload(&self.memory(inputs, &lengths))?,
            lengths: backend.upload_ids(&inputs.told(lengths))?,
        };
        let mut scores = backend.zeros(queries, src_len)?;
        if matches!(self.part, Part::Softmax | Part::Context) {
            backend.attention_scores(&self.attention(&inputs), &mut scores)?;
        }
        if self.part == Part::Context {
            backend.attention_softmax(&self.attention(&inputs), &mut scores)?;
        }
        let weights = backend.zeros(batch * self.rows, src_len)?;
        let context = backend.zeros(queries, self.memory_size)?;
        Ok(AttentionReady { inputs, scores, weights, context })
    }

    async fn run<B: Training>(&self, backend: &B, ready: &mut Self::Ready<B>) -> Result<()> {
        let AttentionReady { inputs, scores, weights, context } = ready;
        let attention = self.attention(inputs);
        match self.part {
            Part::Whole => backend.attention(&attention, weights, self.first_row, context),
            Part::Scores => backend.attention_scores(&attention, scores),
            Part::Softmax => backend.attention_softmax(&attention, scores),
            Part::Context => backend.attention_context(&attention, scores, context),
        }
    }

    async fn outputs<B: Training>(&self, backend: &B, ready: &Self::Ready<B>) -> Result<Vec<Output>> {
        let Self { batch, tgt_len, src_len, .. } = *self;
        let scores = async |name| Output::read(backend, name, [batch, tgt_len, src_len], &ready.scores).await;
        let context =
            async || Output::read(backend, "context", [batch, tgt_len, self.memory_size], &ready.context).await;
        Ok(match self.part {
            // All rows, so that one written where it does not belong is seen.
            Part::Whole => {
                let shape = [batch, self.rows, src_len];
                vec![Output::read(backend, "attention_weights", shape, &ready.weights).await?, context().await?]
            }
            Part::Scores => {
                let mut scores = scores("scores").await?;
                if let Values::Numbers(scores) = &mut scores.values {
                    // WGSL has no infinities: the lowest number stands for −∞, as the contract allows.
                    scores.data.iter_mut().filter(|score| **score == f64::from(LOWEST)).for_each(|score| {
                        *score = f64::NEG_INFINITY;
                    });
                }
                vec![scores]
            }
            Part::Softmax => vec![scores("attention_weights").await?],
            Part::Context => vec![context().await?],
        })
    }

    fn work(&self) -> Work {
        let Self { batch, src_len, tgt_len, key_size, memory_size, .. } = *self;
        let pairs = count([batch, tgt_len, src_len]);
        let scoring = if self.score == Score::Location { 0.0 } else { 2.0 * pairs * key_size as f64 };
        let context = 2.0 * pairs * memory_size as f64;
        let query = count([batch, tgt_len, key_size]);
        let keys = if self.score == Score::Location { 0.0 } else { count([batch, src_len, key_size]) };
        let (memory, out) = (count([batch, src_len, memory_size]), count([batch, tgt_len, memory_size]));
        let both = if self.keys_are_memory() { memory } else { keys + memory };
        let (flops, values) = match self.part {
            Part::Whole => (scoring + context, query + both + pairs + out),
            Part::Scores => (scoring, query + keys + pairs),
            Part::Softmax => (0.0, 2.0 * pairs),
            Part::Context => (context, pairs + memory + out),
        };
        Work { flops, weights: 0.0, values }
    }
}

pub(super) const SCORES: [Score; 5] = [Score::Dot, Score::ScaledDot, Score::General, Score::Concat, Score::Location];
pub(super) const WINDOWS: [Window; 3] = [Window::Global, Window::LocalM, Window::LocalP];

/// The case with queries of the size that its score asks for.
pub(super) fn sized(case: AttentionCase) -> AttentionCase {
    let key_size = match case.score {
        Score::Dot | Score::ScaledDot => case.memory_size,
        // Columns for longer sources than there are.
        Score::Location => case.src_len + 3,
        Score::General => case.key_size,
        Score::Concat => case.hidden,
    };
    AttentionCase { key_size, ..case }
}

/// Several queries of sentences of all lengths; the other cases are changes of it.
pub(super) const TARGET: AttentionCase = AttentionCase {
    part: Part::Whole,
    score: Score::Dot,
    window: Window::Global,
    half_width: 2,
    batch: 5,
    src_len: 9,
    ragged: true,
    tgt_len: 7,
    key_size: 13,
    memory_size: 11,
    hidden: 14,
    positions: Positions::From(0),
    rows: 7,
    first_row: 0,
    extreme: false,
};

pub(super) fn cases<C: From<AttentionCase>>() -> Vec<C> {
    let target = TARGET;
    let step = AttentionCase { tgt_len: 1, positions: Positions::From(3), rows: 6, first_row: 2, ..target };
    // The hypotheses of a beam.
    let beam = AttentionCase { tgt_len: 3, positions: Positions::At(4), rows: 9, first_row: 3, ..target };
    // A window of nine positions over sources of at most five, and one of three over a source of nineteen.
    let wide = AttentionCase { batch: 4, src_len: 5, half_width: 4, memory_size: 3, ..target };
    let narrow = AttentionCase { batch: 1, src_len: 19, half_width: 1, ragged: false, memory_size: 21, ..step };
    // More positions than scores are kept near the processor, and more chunks of them than a workgroup has threads.
    let long = AttentionCase { batch: 2, src_len: 2081, memory_size: 5, ..step };
    // More columns than a workgroup has threads for.
    let deep = AttentionCase { batch: 2, src_len: 19, memory_size: 541, ..step };
    let mut cases = Vec::new();
    for part in [Part::Scores, Part::Softmax, Part::Context, Part::Whole] {
        for score in SCORES {
            for window in WINDOWS {
                for case in [target, step, beam] {
                    cases.push(sized(AttentionCase { part, score, window, ..case }));
                }
                if part == Part::Whole {
                    cases.extend([wide, narrow].map(|case| sized(AttentionCase { score, window, ..case })));
                }
            }
            if part == Part::Whole {
                cases.extend([long, deep].map(|case| sized(AttentionCase { score, ..case })));
            }
            cases.push(sized(AttentionCase { part, score, extreme: true, memory_size: 25, ..target }));
        }
        // Past the end of every source: windows that hold nothing.
        cases.push(AttentionCase {
            part,
            window: Window::LocalM,
            positions: Positions::From(12),
            key_size: 11,
            ..target
        });
        cases.push(AttentionCase {
            part,
            window: Window::LocalM,
            positions: Positions::From(12),
            key_size: 11,
            ..step
        });
    }
    for score in SCORES {
        // Beyond one tile of source positions, of queries and of columns.
        let large = AttentionCase {
            score,
            batch: 2,
            src_len: 71,
            tgt_len: 67,
            rows: 67,
            memory_size: 69,
            hidden: 77,
            ..target
        };
        cases.push(sized(AttentionCase { key_size: 75, ..large }));
        cases.push(sized(AttentionCase { batch: 3, src_len: 131, tgt_len: 1, rows: 1, memory_size: 133, ..large }));
    }
    cases.into_iter().map(C::from).collect()
}
