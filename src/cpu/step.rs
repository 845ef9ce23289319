//! One step of a recurrent layer: the decoder's.

use std::ops::Range;

use super::folded::Folded;
use super::memory::Scratch;
use super::panels::Rows;
use super::parallel;
use super::processor::Cpu;
use super::product::Operand;
use super::recurrent::{Heirs, Recurrent, Step};
use super::simd::Lanes;
use super::strip::{Strip, by_columns};
use super::tensor::Matrix;
use crate::backend::{Input, State};
use crate::config::Cell;
use crate::{Error, Result};

impl<T: Lanes> Cpu<T> {
    /// See [`recurrent_step`](crate::Backend::recurrent_step).
    pub(in crate::cpu) fn recurrent_step(
        &self,
        layer: &Recurrent<T>,
        frontier: &[u32],
        below: Option<&Matrix<T>>,
        feed: Option<&Matrix<T>>,
        previous: &State<Cpu<T>>,
        next: &mut State<Cpu<T>>,
    ) -> Result<()> {
        check(layer, frontier, below, feed, previous, next)?;
        let (batch, size) = (next.hidden.rows, layer.hidden);
        let (symbols, continued) = frontier.split_at(batch);
        let folded = match (below, &layer.directions[0].folded, &layer.embedding) {
            (None, Some(folded), Some(table)) => {
                folded.learn(&layer.directions[0].weights, table, symbols.iter().copied());
                Some(folded)
            }
            _ => None,
        };
        let inputs = layer.feed_size + if folded.is_some() { 0 } else { layer.input_size };
        let split = layer.split(batch, inputs, parallel::threads());
        let groups = parallel::runs(batch, split.rows);
        let hidden = parallel::cut(&mut next.hidden.data, groups.clone(), size);
        // Without a cell there is nothing to cut: as many nothings.
        let mut cells = next.cell.as_mut().map(|cell| parallel::cut(&mut cell.data, groups.clone(), size));
        let parts: Vec<_> = groups.zip(hidden).map(|part| (part, cells.as_mut().and_then(Iterator::next))).collect();
        let call = Call { layer, symbols, continued, below, feed, previous, folded };
        parallel::for_each(parts, |((rows, hidden), cell)| {
            let (group, count, per_panel) = (Group::new(&call, rows.clone()), rows.len(), layer.per_panel());
            match cell {
                Some(cell) => {
                    by_columns([hidden, cell], count, size, per_panel, split.panels, |panels, [hidden, cell]| {
                        group.step(panels, hidden, Some(cell));
                    })
                }
                None => by_columns([hidden], count, size, per_panel, split.panels, |panels, [hidden]| {
                    group.step(panels, hidden, None);
                }),
            }
        });
        Ok(())
    }
}

/// What a step reads.
struct Call<'a, T: Lanes> {
    layer: &'a Recurrent<T>,
    /// The frontier's two halves.
    symbols: &'a [u32],
    continued: &'a [u32],
    below: Option<&'a Matrix<T>>,
    feed: Option<&'a Matrix<T>>,
    previous: &'a State<Cpu<T>>,
    /// W_ih x + b of the symbols, where x is their embedding alone and it is kept.
    folded: Option<&'a Folded<T>>,
}

impl<'a, T: Lanes> Call<'a, T> {
    /// What is multiplied by W_ih here, unless that is done.
    fn input(&self, row: usize) -> &'a [T] {
        match (self.below, &self.layer.embedding) {
            (Some(below), _) => below.row(row),
            (None, Some(table)) => table.row(self.symbols[row] as usize),
            (None, None) => &[],
        }
    }
}

/// Some rows of a step, packed for the products.
struct Group<'a, T: Lanes> {
    call: &'a Call<'a, T>,
    continued: &'a [u32],
    forebears: Forebears,
    /// Where rows share the products of the row that they continue: the rows of each.
    heirs: Option<Heirs>,
    /// h of the forebears.
    hidden: Rows<T>,
    /// h̃ of the forebears, where it is fed.
    feed: Option<Rows<T>>,
    /// x of the rows, where it is still to be multiplied.
    input: Option<Rows<T>>,
    /// What is added to the sums of each row.
    beside: Vec<&'a [T]>,
}

impl<'a, T: Lanes> Group<'a, T> {
    fn new(call: &'a Call<'a, T>, rows: Range<usize>) -> Self {
        let Call { layer, previous, folded, .. } = *call;
        let continued = &call.continued[rows.clone()];
        let forebears = Forebears::of(continued, previous.hidden.rows);
        let of_forebears = |matrix: &Matrix<T>| {
            let mut packed = Rows::new(layer.shape);
            packed.pack(forebears.rows.len(), matrix.cols, |row| matrix.row(forebears.rows[row]));
            packed
        };
        let (hidden, feed) = (of_forebears(&previous.hidden), call.feed.map(of_forebears));
        let input = folded.is_none().then(|| {
            let mut packed = Rows::new(layer.shape);
            packed.pack(rows.len(), layer.input_size, |row| call.input(rows.start + row));
            packed
        });
        let beside = match folded {
            Some(folded) => call.symbols[rows].iter().map(|&symbol| folded.get(symbol)).collect(),
            None => vec![&layer.directions[0].weights.bias[..]; rows.len()],
        };
        let shares = forebears.rows.len() < continued.len();
        let heirs = shares.then(|| Heirs::new(forebears.rows.len(), &forebears.of));
        Self { call, continued, forebears, heirs, hidden, feed, input, beside }
    }

    /// The new state of some panels of units.
    fn step(&self, panels: Range<usize>, mut hidden: Strip<'_, T>, mut cell: Option<Strip<'_, T>>) {
        let Call { layer, previous, .. } = *self.call;
        let weights = &layer.directions[0].weights;
        if layer.cell == Cell::Gru {
            hidden.copy_rows(self.continued, |row| previous.hidden.row(row));
        }
        if let (Some(cell), Some(previous)) = (&mut cell, &previous.cell) {
            cell.copy_rows(self.continued, |row| previous.row(row));
        }
        let skipped = weights.sums_len(&(0..panels.start));
        let beside: Vec<&[T]> = self.beside.iter().map(|sums| &sums[skipped..]).collect();
        let h = [Operand { rows: &self.hidden, inputs: layer.hidden_range() }];
        let fed = self.feed.as_ref().map(|rows| Operand { rows, inputs: layer.feed_range() });
        let x = self.input.as_ref().map(|rows| Operand { rows, inputs: 0..layer.input_size });
        let plain = Step {
            layer,
            weights,
            panels: panels.clone(),
            backward: false,
            begin: None,
            hidden: &h,
            input: &[],
            heirs: self.heirs.as_ref(),
            beside: &beside,
        };
        match (x, &self.heirs) {
            (None, _) => Step { input: fed.as_slice(), ..plain }.run(hidden, cell),
            (Some(x), None) => {
                let input: Vec<Operand<'_, T>> = fed.into_iter().chain([x]).collect();
                Step { input: &input, ..plain }.run(hidden, cell);
            }
            // The products of the forebears, then for each heir that of its own input.
            (Some(x), Some(_)) => {
                let width = weights.sums_len(&panels);
                let mut sums = Scratch::new(self.forebears.rows.len() * width);
                weights.sums(&h, fed.as_slice(), None, panels, &mut sums);
                let begin: Vec<&[T]> = self.forebears.of.iter().map(|&row| &sums[row * width..][..width]).collect();
                Step { begin: Some(&begin), hidden: &[], input: &[x], heirs: None, ..plain }.run(hidden, cell);
            }
        }
    }
}

/// The rows that some others continue, each once.
struct Forebears {
    rows: Vec<usize>,
    /// Which of them each of the others continues.
    of: Vec<usize>,
}

impl Forebears {
    /// Of rows that continue some of `earlier`.
    fn of(continued: &[u32], earlier: usize) -> Self {
        const NONE: usize = usize::MAX;
        let mut places = vec![NONE; earlier];
        let mut rows = Vec::with_capacity(continued.len());
        let place = |&row: &u32| {
            let place = &mut places[row as usize];
            if *place == NONE {
                *place = rows.len();
                rows.push(row as usize);
            }
            *place
        };
        let of = continued.iter().map(place).collect();
        Self { rows, of }
    }
}

fn check<T: Lanes>(
    layer: &Recurrent<T>,
    frontier: &[u32],
    below: Option<&Matrix<T>>,
    feed: Option<&Matrix<T>>,
    previous: &State<Cpu<T>>,
    next: &State<Cpu<T>>,
) -> Result<()> {
    const OPERATION: &str = "recurrent_step";
    let (batch, earlier, hidden) = (next.hidden.rows, previous.hidden.rows, layer.hidden);
    Error::check(OPERATION, "directions", 1, layer.directions.len())?;
    Error::check(OPERATION, "frontier", 2 * batch, frontier.len())?;
    match below {
        None => Error::check(OPERATION, "embedding of the ids", 1, usize::from(layer.embedding.is_some()))?,
        Some(below) => {
            Error::check(OPERATION, "rows below", batch, below.rows)?;
            Error::check(OPERATION, "columns below", layer.input_size, below.cols)?;
        }
    }
    Error::check(OPERATION, "feed columns", layer.feed_size, feed.map_or(0, |feed| feed.cols))?;
    Error::check(OPERATION, "feed rows", earlier, feed.map_or(earlier, |feed| feed.rows))?;
    check_state(OPERATION, layer, previous, earlier, hidden)?;
    check_state(OPERATION, layer, next, batch, hidden)
}

/// Checks what a recurrent layer reads.
pub fn check_input<T: Lanes>(
    operation: &'static str,
    layer: &Recurrent<T>,
    input: &Input<'_, Cpu<T>>,
    rows: usize,
) -> Result<()> {
    match input {
        Input::Ids(ids) => {
            Error::check(operation, "embedding of the ids", 1, usize::from(layer.embedding.is_some()))?;
            Error::check(operation, "ids", rows, ids.len())
        }
        Input::Rows(input) => {
            Error::check(operation, "input rows", rows, input.rows)?;
            Error::check(operation, "input columns", layer.input_size, input.cols)
        }
    }
}

/// Checks a state of a recurrent layer.
pub fn check_state<T: Lanes>(
    operation: &'static str,
    layer: &Recurrent<T>,
    state: &State<Cpu<T>>,
    rows: usize,
    cols: usize,
) -> Result<()> {
    Error::check(operation, "hidden rows", rows, state.hidden.rows)?;
    Error::check(operation, "hidden columns", cols, state.hidden.cols)?;
    Error::check(operation, "cells", usize::from(layer.cell.has_cell()), usize::from(state.cell.is_some()))?;
    if let Some(cell) = &state.cell {
        Error::check(operation, "cell rows", rows, cell.rows)?;
        Error::check(operation, "cell columns", cols, cell.cols)?;
    }
    Ok(())
}
