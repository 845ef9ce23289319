//! A recurrent layer over whole sequences.
//!
//! Sentences are sorted by length, so that those still running at a step are the first rows. Every thread takes a
//! direction and some of the sentences through all steps; only where there are too few of both are the units divided.

use super::Cpu;
use super::panels::Rows;
use super::parallel;
use super::recurrent::{Recurrent, Step, Weights};
use super::simd::Lanes;
use super::step::{check_input, check_state};
use super::tensor::{Buffer, Matrix};
use crate::backend::{Input, State};
use crate::{Error, Result};

/// Rows whose input product is computed at once: it is read again before it leaves the cache.
const CHUNK: usize = 192;

/// See [`recurrent_layer`](crate::Backend::recurrent_layer).
pub fn recurrent_layer<T: Lanes>(
    layer: &Recurrent<T>,
    input: &Input<'_, Cpu<T>>,
    lengths: &[u32],
    initial: Option<&State<Cpu<T>>>,
    output: &mut Matrix<T>,
    last: &mut State<Cpu<T>>,
) -> Result<()> {
    check(layer, input, lengths, initial, output, last)?;
    let (batch, directions, size) = (lengths.len(), layer.directions.len(), layer.hidden);
    if batch == 0 {
        return Ok(());
    }
    let len = output.rows / batch;
    let lengths: Vec<usize> = lengths.iter().map(|&length| (length as usize).min(len)).collect();
    let mut sorted: Vec<usize> = (0..batch).collect();
    sorted.sort_by_key(|&sentence| std::cmp::Reverse(lengths[sentence]));

    // Sentences are dealt out, so that every group has long and short ones.
    let split = layer.split(batch, 0, parallel::threads().div_ceil(directions));
    let mut runs: Vec<Run<'_, T>> = Vec::with_capacity(directions * split.rows);
    for (direction, weights) in layer.directions.iter().enumerate() {
        for group in 0..split.rows {
            let sentences = sorted.iter().copied().skip(group).step_by(split.rows).collect();
            runs.push(Run { layer, weights, direction, sentences, lengths: &lengths, len, input, initial });
        }
    }
    let mut results: Vec<(Run<'_, T>, Option<Outcome<T>>)> = runs.into_iter().map(|run| (run, None)).collect();
    parallel::for_each(&mut results, |(run, outcome)| *outcome = Some(run.forward(split.panels)));

    let cols = directions * size;
    for (run, outcome) in &results {
        let Some(outcome) = outcome else { continue };
        let columns = run.direction * size..(run.direction + 1) * size;
        for (row, &sentence) in run.sentences.iter().enumerate() {
            let length = lengths[sentence];
            let sentence_rows = &mut output.data[sentence * len * cols..][..len * cols];
            for (position, out) in sentence_rows.chunks_exact_mut(cols.max(1)).enumerate() {
                let out = &mut out[columns.clone()];
                if position < length {
                    let step = run.position(sentence, position);
                    out.copy_from_slice(outcome.hidden(step + 1, row));
                } else {
                    out.fill(T::ZERO);
                }
            }
            last.hidden.data[sentence * cols..][columns.clone()].copy_from_slice(outcome.hidden(length, row));
            if let (Some(last), Some(cell)) = (&mut last.cell, &outcome.cell) {
                last.data[sentence * cols..][columns.clone()].copy_from_slice(&cell[row * size..][..size]);
            }
        }
    }
    Ok(())
}

/// Some sentences in one direction.
struct Run<'a, T: Lanes> {
    layer: &'a Recurrent<T>,
    weights: &'a Weights<T>,
    direction: usize,
    /// Longest first.
    sentences: Vec<usize>,
    lengths: &'a [usize],
    len: usize,
    input: &'a Input<'a, Cpu<T>>,
    initial: Option<&'a State<Cpu<T>>>,
}

/// What a [`Run`] computed.
struct Outcome<T> {
    /// The state before the first step and after every step (1 + steps, rows, hidden).
    states: Buffer<T>,
    /// The last cell (rows, hidden).
    cell: Option<Buffer<T>>,
    rows: usize,
    size: usize,
}

impl<T> Outcome<T> {
    /// The state of a row after `steps` steps.
    fn hidden(&self, steps: usize, row: usize) -> &[T] {
        &self.states[(steps * self.rows + row) * self.size..][..self.size]
    }
}

impl<T: Lanes> Run<'_, T> {
    /// The position that a sentence is at in step `step`, and the step that it is at a position in.
    fn position(&self, sentence: usize, step: usize) -> usize {
        if self.direction == 0 { step } else { self.lengths[sentence] - 1 - step }
    }

    /// Sentences that have not ended before step `step`.
    fn running(&self, step: usize) -> usize {
        self.sentences.partition_point(|&sentence| self.lengths[sentence] > step)
    }

    /// All steps; `parts`: among how many threads the units of a step are divided.
    fn forward(&self, parts: usize) -> Outcome<T> {
        let (rows, size) = (self.sentences.len(), self.layer.hidden);
        let steps = self.sentences.first().map_or(0, |&sentence| self.lengths[sentence]);
        let mut states = Buffer::zeros((1 + steps) * rows * size);
        let mut cell = self.layer.cell.has_cell().then(|| Buffer::zeros(rows * size));
        if let Some(initial) = self.initial {
            let columns = self.direction * size..(self.direction + 1) * size;
            for (row, &sentence) in self.sentences.iter().enumerate() {
                states[row * size..][..size].copy_from_slice(&initial.hidden.row(sentence)[columns.clone()]);
                if let (Some(cell), Some(initial)) = (&mut cell, &initial.cell) {
                    cell[row * size..][..size].copy_from_slice(&initial.row(sentence)[columns.clone()]);
                }
            }
        }
        let mut before = Before::default();
        let mut packed = Rows::default();
        for step in 0..steps {
            let running = self.running(step);
            let (earlier, later) = states.split_at_mut((step + 1) * rows * size);
            let previous = &earlier[step * rows * size..];
            packed.pack(running, &[size], |_, row| &previous[row * size..][..size]);
            let begin = before.step(self, step, running);
            Step { layer: self.layer, weights: self.weights, begin: &begin, input: None, packed: &packed, previous }
                .run(&mut later[..running * size], cell.as_mut().map(|cell| &mut cell[..running * size]), parts);
        }
        Outcome { states, cell, rows, size }
    }
}

/// The input product of the steps to come.
#[derive(Default)]
struct Before<T: Lanes> {
    x: Rows<T>,
    /// bias + W_ih x, one row for every running sentence of every step of the chunk.
    sums: Buffer<T>,
    /// Where each step of the chunk begins among the rows.
    starts: Vec<usize>,
    first_step: usize,
}

impl<T: Lanes> Before<T> {
    /// What the sums of every running sentence begin with.
    fn step<'a>(&'a mut self, run: &'a Run<'_, T>, step: usize, running: usize) -> Vec<&'a [T]> {
        let width = run.weights.bias.len();
        if let (Input::Ids(ids), Some(folded)) = (run.input, &run.weights.folded) {
            return run.sentences[..running]
                .iter()
                .map(|&sentence| {
                    let id = ids[sentence * run.len + run.position(sentence, step)] as usize;
                    &folded[id * width..][..width]
                })
                .collect();
        }
        if step == self.first_step + self.starts.len() {
            self.chunk(run, step);
        }
        let start = self.starts[step - self.first_step];
        self.sums[start * width..].chunks_exact(width).take(running).collect()
    }

    /// Computes the products of as many steps as make up a chunk, `first_step` the first of them.
    fn chunk(&mut self, run: &Run<'_, T>, first_step: usize) {
        let width = run.weights.bias.len();
        self.first_step = first_step;
        self.starts.clear();
        let mut places = Vec::with_capacity(CHUNK);
        for step in first_step.. {
            let running = run.running(step);
            if running == 0 || !self.starts.is_empty() && places.len() + running > CHUNK {
                break;
            }
            self.starts.push(places.len());
            places.extend(run.sentences[..running].iter().map(|&sentence| (sentence, run.position(sentence, step))));
        }
        self.x.pack(places.len(), &[run.layer.input_size], |_, row| {
            let (sentence, position) = places[row];
            let row = sentence * run.len + position;
            match (run.input, &run.layer.embedding) {
                (Input::Rows(input), _) => input.row(row),
                (Input::Ids(ids), Some(table)) => table.row(ids[row] as usize),
                (Input::Ids(_), None) => &[],
            }
        });
        if self.sums.len() < places.len() * width {
            self.sums = Buffer::zeros(places.len() * width);
        }
        let sums = &mut self.sums[..places.len() * width];
        run.weights.input_product(&self.x, 0..run.layer.input_size, sums);
    }
}

fn check<T: Lanes>(
    layer: &Recurrent<T>,
    input: &Input<'_, Cpu<T>>,
    lengths: &[u32],
    initial: Option<&State<Cpu<T>>>,
    output: &Matrix<T>,
    last: &State<Cpu<T>>,
) -> Result<()> {
    const OPERATION: &str = "recurrent_layer";
    let (batch, cols) = (lengths.len(), layer.directions.len() * layer.hidden);
    Error::check(OPERATION, "feed_size", 0, layer.feed_size)?;
    Error::check(OPERATION, "output columns", cols, output.cols)?;
    Error::check(OPERATION, "output rows", output.rows / batch.max(1) * batch, output.rows)?;
    check_input(OPERATION, layer, input, output.rows)?;
    if let Some(initial) = initial {
        check_state(OPERATION, layer, initial, batch, cols)?;
    }
    check_state(OPERATION, layer, last, batch, cols)
}
