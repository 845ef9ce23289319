//! One step of a recurrent layer: the decoder's.

use std::ops::Range;

use super::Cpu;
use super::panels::Rows;
use super::parallel;
use super::product::Operand;
use super::recurrent::{Recurrent, Step};
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
    // What is multiplied by W_ih here: the input's row, unless that is done, then the feed's.
    let input_row = |row: usize| match (below, &layer.embedding) {
        (Some(below), _) => below.row(row),
        (None, Some(table)) => table.row(symbols[row] as usize),
        (None, None) => &[],
    };
    let (inputs, input_cols) = match folded {
        Some(_) => (layer.feed_range(), 0),
        None => (layer.input_range(), layer.input_size),
    };
    let split = layer.split(batch, inputs.len(), parallel::threads());
    let groups = parallel::runs(batch, split.rows);
    let hidden = parallel::cut(&mut next.hidden.data, groups.clone(), size);
    // Without a cell there is nothing to cut: as many nothings.
    let mut cells = next.cell.as_mut().map(|cell| parallel::cut(&mut cell.data, groups.clone(), size));
    let parts: Vec<_> = groups.zip(hidden).map(|part| (part, cells.as_mut().and_then(Iterator::next))).collect();
    parallel::for_each(parts, |((group, hidden), cell)| {
        let continued = &continued[group.clone()];
        let begin: Vec<&[T]> = match folded {
            Some(folded) => symbols[group.clone()].iter().map(|&symbol| folded.get(symbol)).collect(),
            None => vec![&weights.bias; group.len()],
        };
        let (mut x, mut h) = (Rows::default(), Rows::default());
        if !inputs.is_empty() {
            x.pack(group.len(), &[input_cols, layer.feed_size], |part, row| match (part, feed) {
                (1, Some(feed)) => feed.row(continued[row] as usize),
                (0, _) if input_cols > 0 => input_row(group.start + row),
                _ => &[],
            });
        }
        h.pack(group.len(), &[size], |_, row| previous.hidden.row(continued[row] as usize));
        let input = [Operand { rows: &x, inputs: inputs.clone() }];
        let step = |panels: Range<usize>, mut hidden: Strip<'_, T>, cell: Option<Strip<'_, T>>| {
            let skipped = weights.sums_len(&(0..panels.start));
            let begin: Vec<&[T]> = begin.iter().map(|sums| &sums[skipped..]).collect();
            if layer.cell == Cell::Gru {
                hidden.copy_rows(continued, |row| previous.hidden.row(row));
            }
            Step {
                layer,
                weights,
                panels,
                backward: false,
                begin: &begin,
                input: if inputs.is_empty() { &[] } else { &input },
                hidden: &[Operand { rows: &h, inputs: layer.hidden_range() }],
            }
            .run(hidden, cell);
        };
        let (rows, per_panel) = (group.len(), layer.per_panel());
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
