//! One step of a recurrent layer: the decoder's.

use std::ops::Range;

use super::Cpu;
use super::panels::Rows;
use super::parallel;
use super::product::Operand;
use super::recurrent::{Recurrent, Step};
use super::simd::Lanes;
use super::strip::{Strip, View, by_columns};
use super::tensor::Matrix;
use crate::backend::{Input, State};
use crate::{Error, Result};

/// See [`recurrent_step`](crate::Backend::recurrent_step).
pub fn recurrent_step<T: Lanes>(
    layer: &Recurrent<T>,
    input: &Input<'_, Cpu<T>>,
    feed: Option<&Matrix<T>>,
    previous: &State<Cpu<T>>,
    next: &mut State<Cpu<T>>,
) -> Result<()> {
    check(layer, input, feed, previous, next)?;
    let (batch, size) = (previous.hidden.rows, layer.hidden);
    let weights = &layer.directions[0];
    let folded = match (input, &weights.folded, &layer.embedding) {
        (Input::Ids(ids), Some(folded), Some(table)) => {
            folded.learn(weights, table, ids.iter().copied());
            Some((*ids, folded))
        }
        _ => None,
    };
    // What is multiplied by W_ih here: the input's row, unless that is done, then the feed's.
    let input_row = |row: usize| match (input, &layer.embedding) {
        (Input::Ids(ids), Some(table)) => table.row(ids[row] as usize),
        (Input::Rows(rows), _) => rows.row(row),
        (Input::Ids(_), None) => &[],
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
        let begin: Vec<&[T]> = match folded {
            Some((ids, folded)) => ids[group.clone()].iter().map(|&id| folded.get(id)).collect(),
            None => vec![&weights.bias; group.len()],
        };
        let (mut x, mut h) = (Rows::default(), Rows::default());
        if !inputs.is_empty() {
            x.pack(group.len(), &[input_cols, layer.feed_size], |part, row| match (part, feed) {
                (1, Some(feed)) => feed.row(group.start + row),
                (0, _) if input_cols > 0 => input_row(group.start + row),
                _ => &[],
            });
        }
        h.pack(group.len(), &[size], |_, row| previous.hidden.row(group.start + row));
        let input = [Operand { rows: &x, inputs: inputs.clone() }];
        let step = |panels: Range<usize>, hidden: Strip<'_, T>, cell: Option<Strip<'_, T>>| {
            let skipped = weights.sums_len(&(0..panels.start));
            let begin: Vec<&[T]> = begin.iter().map(|sums| &sums[skipped..]).collect();
            Step {
                layer,
                weights,
                panels,
                backward: false,
                begin: &begin,
                input: if inputs.is_empty() { &[] } else { &input },
                hidden: &[Operand { rows: &h, inputs: layer.hidden_range() }],
                previous: View { data: &previous.hidden.data[group.start * size..], stride: size, first: 0 },
            }
            .run(hidden, cell);
        };
        let (rows, per_panel) = (group.len(), layer.per_panel());
        match (cell, &previous.cell) {
            (Some(cell), Some(old)) => {
                by_columns([hidden, cell], rows, size, per_panel, split.panels, |panels, [hidden, mut cell]| {
                    cell.copy_from(&old.data[group.start * size..], rows, size);
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
    input: &Input<'_, Cpu<T>>,
    feed: Option<&Matrix<T>>,
    previous: &State<Cpu<T>>,
    next: &State<Cpu<T>>,
) -> Result<()> {
    const OPERATION: &str = "recurrent_step";
    let (batch, hidden) = (previous.hidden.rows, layer.hidden);
    Error::check(OPERATION, "directions", 1, layer.directions.len())?;
    check_input(OPERATION, layer, input, batch)?;
    Error::check(OPERATION, "feed columns", layer.feed_size, feed.map_or(0, |feed| feed.cols))?;
    Error::check(OPERATION, "feed rows", batch, feed.map_or(batch, |feed| feed.rows))?;
    check_state(OPERATION, layer, previous, batch, hidden)?;
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
