//! One step of a recurrent layer: the decoder's.

use std::ops::Range;

use super::Cpu;
use super::memory::Scratch;
use super::panels::Rows;
use super::parallel;
use super::product::Operand;
use super::recurrent::{Heirs, Recurrent, Step};
use super::simd::Lanes;
use super::strip::{Strip, by_columns};
use super::tensor::Matrix;
use crate::backend::{Input, State};
use crate::model::Cell;
use crate::{Error, Result};

/// See [`recurrent_step`](crate::Backend::recurrent_step).
pub fn recurrent_step<T: Lanes>(
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
    let weights = &layer.directions[0];
    let folded = match (below, &weights.folded, &layer.embedding) {
        (None, Some(folded), Some(table)) => {
            folded.learn(weights, table, symbols.iter().copied());
            Some(folded)
        }
        _ => None,
    };
    // What is multiplied by W_ih here, unless that is done.
    let input_row = |row: usize| match (below, &layer.embedding) {
        (Some(below), _) => below.row(row),
        (None, Some(table)) => table.row(symbols[row] as usize),
        (None, None) => &[],
    };
    let inputs = layer.feed_size + if folded.is_some() { 0 } else { layer.input_size };
    let split = layer.split(batch, inputs, parallel::threads());
    let groups = parallel::runs(batch, split.rows);
    let hidden = parallel::cut(&mut next.hidden.data, groups.clone(), size);
    // Without a cell there is nothing to cut: as many nothings.
    let mut cells = next.cell.as_mut().map(|cell| parallel::cut(&mut cell.data, groups.clone(), size));
    let parts: Vec<_> = groups.zip(hidden).map(|part| (part, cells.as_mut().and_then(Iterator::next))).collect();
    parallel::for_each(parts, |((group, hidden), cell)| {
        let (rows, continued) = (group.len(), &continued[group.clone()]);
        let beside: Vec<&[T]> = match folded {
            Some(folded) => symbols[group.clone()].iter().map(|&symbol| folded.get(symbol)).collect(),
            None => vec![&weights.bias; rows],
        };
        // Hypotheses that continue one row share its products.
        let forebears = Forebears::of(continued, previous.hidden.rows);
        let shares = forebears.rows.len() < rows;
        let (mut h, mut fed, mut x) = (Rows::default(), Rows::default(), Rows::default());
        h.pack(forebears.rows.len(), &[size], |_, row| previous.hidden.row(forebears.rows[row]));
        if let Some(feed) = feed {
            fed.pack(forebears.rows.len(), &[layer.feed_size], |_, row| feed.row(forebears.rows[row]));
        }
        if folded.is_none() {
            x.pack(rows, &[layer.input_size], |_, row| input_row(group.start + row));
        }
        let hidden_operand = [Operand { rows: &h, inputs: layer.hidden_range() }];
        let fed = feed.map(|_| Operand { rows: &fed, inputs: layer.feed_range() });
        let x = folded.is_none().then_some(Operand { rows: &x, inputs: 0..layer.input_size });
        let heirs = shares.then(|| Heirs::new(forebears.rows.len(), &forebears.of));
        let step = |panels: Range<usize>, mut hidden: Strip<'_, T>, cell: Option<Strip<'_, T>>| {
            let skipped = weights.sums_len(&(0..panels.start));
            let beside: Vec<&[T]> = beside.iter().map(|sums| &sums[skipped..]).collect();
            if layer.cell == Cell::Gru {
                hidden.copy_rows(continued, |row| previous.hidden.row(row));
            }
            let plain = Step {
                layer,
                weights,
                panels: panels.clone(),
                backward: false,
                begin: None,
                hidden: &hidden_operand,
                input: &[],
                heirs: heirs.as_ref(),
                beside: &beside,
            };
            match (&x, &heirs) {
                (None, _) => Step { input: fed.as_slice(), ..plain }.run(hidden, cell),
                (Some(x), None) => {
                    let input: Vec<Operand<'_, T>> = fed.iter().chain([x]).cloned().collect();
                    Step { input: &input, ..plain }.run(hidden, cell);
                }
                // The products of the rows before, then for each heir that of its own input.
                (Some(x), Some(_)) => {
                    let width = weights.sums_len(&panels);
                    let mut sums = Scratch::new(forebears.rows.len() * width);
                    weights.sums(&hidden_operand, fed.as_slice(), None, panels, &mut sums);
                    let begin: Vec<&[T]> = forebears.of.iter().map(|&row| &sums[row * width..][..width]).collect();
                    let input = std::slice::from_ref(x);
                    Step { begin: Some(&begin), hidden: &[], input, heirs: None, ..plain }.run(hidden, cell);
                }
            }
        };
        let per_panel = layer.per_panel();
        match (cell, &previous.cell) {
            (Some(cell), Some(old)) => {
                by_columns([hidden, cell], rows, size, per_panel, split.panels, |panels, [hidden, mut cell]| {
                    cell.copy_rows(continued, |row| old.row(row));
                    step(panels, hidden, Some(cell));
                });
            }
            _ => by_columns([hidden], rows, size, per_panel, split.panels, |panels, [hidden]| {
                step(panels, hidden, None);
            }),
        }
    });
    Ok(())
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
