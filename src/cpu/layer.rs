//! A recurrent layer over whole sequences.
//!
//! Sentences are sorted by length, so that those still running at a step are the first rows. Every thread takes a
//! direction and some of the sentences through all steps; only where there are too few of both are the units divided.

use std::ops::Range;

use super::folded::Folded;
use super::memory::Scratch;
use super::panels::Rows;
use super::parallel;
use super::processor::Cpu;
use super::product::Operand;
use super::recurrent::{OneWay, Recurrent, Step};
use super::simd::Lanes;
use super::step::{check_input, check_state};
use super::strip::Strip;
use super::tensor::Matrix;
use super::weights::Weights;
use crate::backend::{Input, State};
use crate::config::Cell;
use crate::{Error, Result};

/// Bytes of input products that are computed at once: they are read again before they leave the cache.
const CHUNK: usize = 1 << 20;

impl<T: Lanes> Cpu<T> {
    /// See [`recurrent_layer`](crate::Backend::recurrent_layer).
    pub(in crate::cpu) fn recurrent_layer(
        &self,
        layer: &Recurrent<T>,
        input: Input<'_, Cpu<T>>,
        lengths: &[u32],
        initial: Option<&State<Cpu<T>>>,
        output: &mut Matrix<T>,
        last: &mut State<Cpu<T>>,
    ) -> Result<()> {
        check(layer, &input, lengths, initial, output, last)?;
        let (batch, directions, size) = (lengths.len(), layer.directions.len(), layer.hidden);
        if batch == 0 {
            return Ok(());
        }
        let len = output.rows / batch;
        let lengths: Vec<usize> = lengths.iter().map(|&length| (length as usize).min(len)).collect();
        let mut sorted: Vec<usize> = (0..batch).collect();
        sorted.sort_by_key(|&sentence| std::cmp::Reverse(lengths[sentence]));

        // Sentences are dealt out, so that every group has long and short ones.
        let work = lengths.iter().sum::<usize>().saturating_mul(directions * layer.cell.gates() * size * size);
        let threads = parallel::threads_for(parallel::threads(), work);
        let split = layer.split(batch, 0, threads.div_ceil(directions));
        let mut runs: Vec<Run<'_, T>> = Vec::with_capacity(directions * split.rows);
        for (direction, OneWay { weights, folded }) in layer.directions.iter().enumerate() {
            if let (Input::Ids(ids), Some(folded), Some(table)) = (&input, folded, &layer.embedding) {
                folded.learn(weights, table, ids.iter().copied());
            }
            for group in 0..split.rows {
                let sentences = sorted.iter().copied().skip(group).step_by(split.rows).collect();
                runs.push(Run {
                    layer,
                    weights,
                    folded: folded.as_ref(),
                    direction,
                    sentences,
                    lengths: &lengths,
                    len,
                    input: &input,
                    initial,
                });
            }
        }
        let mut results: Vec<(Run<'_, T>, Vec<Part<T>>)> = runs.into_iter().map(|run| (run, Vec::new())).collect();
        parallel::for_each_on(threads, &mut results, |(run, parts)| *parts = run.forward(split.panels));

        let cols = directions * size;
        for (run, part) in results.iter().flat_map(|(run, parts)| parts.iter().map(move |part| (run, part))) {
            let columns = run.direction * size + part.units.start..run.direction * size + part.units.end;
            let (rows, width) = (run.sentences.len(), part.units.len());
            for (row, &sentence) in run.sentences.iter().enumerate() {
                let state = part.hidden(rows, lengths[sentence], row);
                last.hidden.data[sentence * cols..][columns.clone()].copy_from_slice(state);
                if let (Some(last), Some(cell)) = (&mut last.cell, &part.cell) {
                    last.data[sentence * cols..][columns.clone()].copy_from_slice(&cell[row * width..][..width]);
                }
            }
        }

        // Every part has its columns of every position of its sentences, and writes them from the cache that they are
        // in.
        let mut group = vec![0; batch];
        for (place, &sentence) in sorted.iter().enumerate() {
            group[sentence] = place % split.rows;
        }
        let mut columns: Vec<Vec<Vec<&mut [T]>>> =
            results.iter().map(|(_, parts)| parts.iter().map(|_| Vec::new()).collect()).collect();
        for (index, mut row) in output.data.chunks_exact_mut(cols.max(1)).enumerate() {
            for direction in 0..directions {
                let run = direction * split.rows + group[index / len];
                for (part, columns) in results[run].1.iter().zip(&mut columns[run]) {
                    let (here, rest) = row.split_at_mut(part.units.len());
                    columns.push(here);
                    row = rest;
                }
            }
        }
        let parts = results.iter().zip(columns).flat_map(|((run, parts), columns)| {
            parts.iter().zip(columns).map(move |(part, columns)| (run, part, columns))
        });
        parallel::for_each_on(threads, parts, |(run, part, columns)| part.write(run, columns));
        Ok(())
    }
}

/// Some sentences in one direction.
struct Run<'a, T: Lanes> {
    layer: &'a Recurrent<T>,
    weights: &'a Weights<T>,
    folded: Option<&'a Folded<T>>,
    direction: usize,
    /// Longest first.
    sentences: Vec<usize>,
    lengths: &'a [usize],
    len: usize,
    input: &'a Input<'a, Cpu<T>>,
    initial: Option<&'a State<Cpu<T>>>,
}

/// Some units of a [`Run`], which one thread computes.
struct Part<T: Lanes> {
    panels: Range<usize>,
    units: Range<usize>,
    /// The state before the first step and after every step (1 + steps, rows, units).
    states: Scratch<T>,
    /// The cell (rows, units).
    cell: Option<Scratch<T>>,
    before: Before<T>,
    /// The state that the next step begins with, for the product.
    next: Rows<T>,
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

    /// All steps, the units divided among `parts` threads.
    fn forward(&self, parts: usize) -> Vec<Part<T>> {
        let steps = self.sentences.first().map_or(0, |&sentence| self.lengths[sentence]);
        let panels = self.weights.panels.count;
        let mut parts: Vec<Part<T>> =
            parallel::runs(panels, parts).map(|panels| Part::new(self, panels, steps)).collect();
        // While a step reads the state of all units, each part packs what it has computed for the next step.
        let mut hidden: Vec<Rows<T>> = parts.iter().map(|_| Rows::new(self.layer.shape)).collect();
        for step in 0..steps {
            for (hidden, part) in hidden.iter_mut().zip(&mut parts) {
                std::mem::swap(hidden, &mut part.next);
            }
            let start = self.layer.hidden_range().start;
            let operands: Vec<Operand<'_, T>> = hidden
                .iter()
                .zip(&parts)
                .map(|(rows, part)| Operand { rows, inputs: start + part.units.start..start + part.units.end })
                .collect();
            parallel::for_each(&mut parts, |part| part.step(self, step, &operands));
        }
        parts
    }
}

impl<T: Lanes> Part<T> {
    fn new(run: &Run<'_, T>, panels: Range<usize>, steps: usize) -> Self {
        let (rows, size, per_panel) = (run.sentences.len(), run.layer.hidden, run.layer.per_panel());
        let units = panels.start * per_panel..(panels.end * per_panel).min(size);
        let mut states = Scratch::new((1 + steps) * rows * units.len());
        let mut cell = run.layer.cell.has_cell().then(|| Scratch::new(rows * units.len()));
        states[..rows * units.len()].fill(T::ZERO);
        if let Some(cell) = &mut cell {
            cell.fill(T::ZERO);
        }
        if let Some(initial) = run.initial {
            let columns = run.direction * size + units.start..run.direction * size + units.end;
            for (row, &sentence) in run.sentences.iter().enumerate() {
                let here = row * units.len()..(row + 1) * units.len();
                states[here.clone()].copy_from_slice(&initial.hidden.row(sentence)[columns.clone()]);
                if let (Some(cell), Some(initial)) = (&mut cell, &initial.cell) {
                    cell[here].copy_from_slice(&initial.row(sentence)[columns.clone()]);
                }
            }
        }
        let mut part =
            Self { panels, units, states, cell, before: Before::new(run.layer), next: Rows::new(run.layer.shape) };
        part.pack(rows, 0, run.running(0));
        part
    }

    /// The state of a row after `steps` steps, of `rows` rows.
    fn hidden(&self, rows: usize, steps: usize, row: usize) -> &[T] {
        &self.states[(steps * rows + row) * self.units.len()..][..self.units.len()]
    }

    /// Writes the states to the output: `columns` are its columns of every position, sentence after sentence.
    fn write(&self, run: &Run<'_, T>, columns: Vec<&mut [T]>) {
        let rows = run.sentences.len();
        let mut sentences: Vec<(usize, usize)> = run.sentences.iter().copied().zip(0..).collect();
        sentences.sort_unstable();
        let mut columns = columns.into_iter();
        for (sentence, row) in sentences {
            let length = run.lengths[sentence];
            for (position, columns) in columns.by_ref().take(run.len).enumerate() {
                if position < length {
                    columns.copy_from_slice(self.hidden(rows, run.position(sentence, position) + 1, row));
                } else {
                    columns.fill(T::ZERO);
                }
            }
        }
    }

    /// Packs the state after `steps` steps of the first `running` of `rows` rows.
    fn pack(&mut self, rows: usize, steps: usize, running: usize) {
        let (states, width) = (&self.states, self.units.len());
        self.next.pack(running, width, |row| &states[(steps * rows + row) * width..][..width]);
    }

    /// One step; `hidden` is the state of all units before it.
    fn step(&mut self, run: &Run<'_, T>, step: usize, hidden: &[Operand<'_, T>]) {
        let (rows, width, running) = (run.sentences.len(), self.units.len(), run.running(step));
        let beside = self.before.step(run, &self.panels, step, running);
        let (earlier, later) = self.states.split_at_mut((step + 1) * rows * width);
        if run.layer.cell == Cell::Gru {
            later[..running * width].copy_from_slice(&earlier[step * rows * width..][..running * width]);
        }
        let strip = |data| Strip::new(data, self.units.clone());
        Step {
            layer: run.layer,
            weights: run.weights,
            panels: self.panels.clone(),
            backward: step % 2 == 1,
            begin: None,
            hidden,
            input: &[],
            heirs: None,
            beside: &beside,
        }
        .run(strip(&mut later[..rows * width]), self.cell.as_mut().map(|cell| strip(&mut *cell)));
        self.pack(rows, step + 1, run.running(step + 1));
    }
}

/// The input product of the steps to come.
struct Before<T: Lanes> {
    x: Rows<T>,
    /// bias + W_ih x, one row for every running sentence of every step of the chunk.
    sums: Scratch<T>,
    /// Where each step of the chunk begins among the rows.
    starts: Vec<usize>,
    first_step: usize,
}

impl<T: Lanes> Before<T> {
    fn new(layer: &Recurrent<T>) -> Self {
        Self { x: Rows::new(layer.shape), sums: Scratch::default(), starts: Vec::new(), first_step: 0 }
    }

    /// What stands beside W_hh h of every running sentence.
    fn step<'a>(&'a mut self, run: &'a Run<'_, T>, panels: &Range<usize>, step: usize, running: usize) -> Vec<&'a [T]> {
        if let (Input::Ids(ids), Some(folded)) = (run.input, run.folded) {
            let skipped = run.weights.sums_len(&(0..panels.start));
            let id = |&sentence: &usize| ids[sentence * run.len + run.position(sentence, step)];
            return run.sentences[..running].iter().map(|sentence| &folded.get(id(sentence))[skipped..]).collect();
        }
        if step == self.first_step + self.starts.len() {
            self.chunk(run, panels, step);
        }
        let start = self.starts[step - self.first_step];
        let width = run.weights.sums_len(panels);
        self.sums[start * width..].chunks_exact(width).take(running).collect()
    }

    /// Computes the products of as many steps as make up a chunk, `first_step` the first of them.
    fn chunk(&mut self, run: &Run<'_, T>, panels: &Range<usize>, first_step: usize) {
        let width = run.weights.sums_len(panels);
        let limit = (CHUNK / (width * size_of::<T>()).max(1)).max(64);
        self.first_step = first_step;
        self.starts.clear();
        let mut places = Vec::with_capacity(limit);
        for step in first_step.. {
            let running = run.running(step);
            if running == 0 || !self.starts.is_empty() && places.len() + running > limit {
                break;
            }
            self.starts.push(places.len());
            places.extend(run.sentences[..running].iter().map(|&sentence| (sentence, run.position(sentence, step))));
        }
        self.x.pack(places.len(), run.layer.input_size, |row| {
            let (sentence, position) = places[row];
            let row = sentence * run.len + position;
            match (run.input, &run.layer.embedding) {
                (Input::Rows(input), _) => input.row(row),
                (Input::Ids(ids), Some(table)) => table.row(ids[row] as usize),
                (Input::Ids(_), None) => &[],
            }
        });
        let sums = self.sums.room(places.len() * width);
        run.weights.input_product(&self.x, 0..run.layer.input_size, panels.clone(), sums);
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
