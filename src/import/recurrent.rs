//! The recurrent layers of a checkpoint, whose gates are PyTorch's everywhere.

use std::collections::BTreeMap;

use super::weights::{Weights, error};
use crate::model::Cell;
use crate::{Array, Result};

/// The four parts of a direction of a layer.
const PARTS: [&str; 4] = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"];

/// What a stack is, as the shapes of its tensors tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stack {
    pub cell: Cell,
    pub layers: usize,
    pub bidirectional: bool,
    /// Per direction.
    pub hidden_size: usize,
}

/// Takes all layers of a stack and puts them under our names: `theirs` makes their name of a part, a layer and whether it is
/// the backward direction; ours begin with `side`, `encoder` or `decoder`.
pub fn take_stack(
    weights: &mut Weights<'_>,
    theirs: impl Fn(&str, usize, bool) -> String,
    side: &str,
    parameters: &mut BTreeMap<String, Array>,
) -> Result<Stack> {
    let first = theirs("weight_hh", 0, false);
    let recurrent = weights.get(&first)?;
    let [rows, hidden_size] = *recurrent.shape else {
        return Err(error(&first, "a matrix", format!("{:?}", recurrent.shape)));
    };
    let cell = match rows.checked_div(hidden_size).filter(|gates| gates * hidden_size == rows) {
        Some(4) => Cell::Lstm,
        Some(3) => Cell::Gru,
        Some(1) => Cell::Tanh,
        _ => return Err(error(&first, "1, 3 or 4 gates of H rows and H columns", format!("{:?}", recurrent.shape))),
    };
    let bidirectional = weights.has(&theirs("weight_hh", 0, true));
    let mut layers = 0;
    while weights.has(&theirs("weight_hh", layers, false)) {
        for backward in [false, true].into_iter().take(1 + usize::from(bidirectional)) {
            let suffix = if backward { "_reverse" } else { "" };
            for part in PARTS {
                let name = theirs(part, layers, backward);
                let array = match part {
                    "weight_hh" => weights.shaped(&name, &[rows, hidden_size])?,
                    "weight_ih" => weights.matrix(&name)?,
                    _ => weights.bias(&name, rows)?,
                };
                parameters.insert(format!("{side}.rnn.{part}_l{layers}{suffix}"), array);
            }
        }
        layers += 1;
    }
    Ok(Stack { cell, layers, bidirectional, hidden_size })
}
