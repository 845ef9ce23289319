//! Recurrent layers as ONNX has them: LSTM, GRU and RNN, whose gates stand in another order than PyTorch's.

use super::graph::{Attribute, Graph};
use crate::model::{Cell, Parameters};
use crate::{Array, Result};

/// The states that a layer ends with (directions, batch, hidden).
pub struct Run {
    /// (len, directions, batch, hidden)
    pub outputs: String,
    pub hidden: String,
    pub cell: Option<String>,
}

/// What a layer begins with (directions, batch, hidden).
pub struct Initial<'a> {
    pub hidden: &'a str,
    pub cell: Option<&'a str>,
}

/// A layer of a model.
pub struct Layer<'a> {
    pub parameters: &'a Parameters,
    pub cell: Cell,
    /// `encoder` or `decoder`
    pub side: &'a str,
    pub number: usize,
    pub bidirectional: bool,
}

/// The layer over `input` (len, batch, input size). Without `lengths` all rows are whole.
pub fn run(
    graph: &mut Graph,
    layer: &Layer<'_>,
    input: &str,
    lengths: Option<&str>,
    initial: Option<Initial<'_>>,
) -> Result<Run> {
    let Layer { parameters, cell, side, number, bidirectional } = *layer;
    let suffixes: &[&str] = if bidirectional { &["", "_reverse"] } else { &[""] };
    let get = |part: &str, suffix: &str| parameters.get(&format!("{side}.rnn.{part}_l{number}{suffix}"));
    let stacked = |part: &str| -> Result<Array> {
        let all = suffixes.iter().map(|suffix| Ok(reordered(cell, get(part, suffix)?))).collect::<Result<Vec<_>>>()?;
        let mut shape = vec![all.len()];
        shape.extend(&all[0].shape);
        Ok(Array::new(shape, all.into_iter().flat_map(|array| array.data).collect()))
    };
    let (weight_ih, weight_hh) = (stacked("weight_ih")?, stacked("weight_hh")?);
    // W's biases, then R's, of each direction.
    let mut biases = Vec::new();
    for suffix in suffixes {
        for part in ["bias_ih", "bias_hh"] {
            biases.extend(reordered(cell, get(part, suffix)?).data);
        }
    }
    let biases = Array::new([suffixes.len(), biases.len() / suffixes.len()], biases);
    let hidden_size = weight_hh.cols();
    let w = graph.weight("w", &weight_ih);
    let r = graph.weight("r", &weight_hh);
    let b = graph.weight("b", &biases);
    let (hidden, first_cell) = initial.map_or(("", ""), |initial| (initial.hidden, initial.cell.unwrap_or_default()));
    let mut inputs = vec![input, &w, &r, &b, lengths.unwrap_or_default(), hidden];
    if cell.has_cell() {
        inputs.push(first_cell);
    }
    while inputs.last().is_some_and(|input| input.is_empty()) {
        inputs.pop();
    }
    let direction = if bidirectional { "bidirectional" } else { "forward" };
    let mut attributes =
        vec![("hidden_size", Attribute::Int(hidden_size as i64)), ("direction", Attribute::Text(direction))];
    Ok(match cell {
        Cell::Lstm => {
            let [outputs, hidden, cell] = graph.nodes_of("LSTM", &inputs, &attributes);
            Run { outputs, hidden, cell: Some(cell) }
        }
        Cell::Gru => {
            // The reset gate stands behind the product, as in PyTorch.
            attributes.push(("linear_before_reset", Attribute::Int(1)));
            let [outputs, hidden] = graph.nodes_of("GRU", &inputs, &attributes);
            Run { outputs, hidden, cell: None }
        }
        Cell::Tanh => {
            let [outputs, hidden] = graph.nodes_of("RNN", &inputs, &attributes);
            Run { outputs, hidden, cell: None }
        }
    })
}

/// PyTorch's gates (i f g o; r z n) in ONNX's order (i o f g; z r n).
fn reordered(cell: Cell, array: &Array) -> Array {
    let order: &[usize] = match cell {
        Cell::Lstm => &[0, 3, 1, 2],
        Cell::Gru => &[1, 0, 2],
        Cell::Tanh => &[0],
    };
    let gate = array.data.len() / order.len();
    let data = order.iter().flat_map(|&from| &array.data[from * gate..(from + 1) * gate]).copied().collect();
    Array::new(array.shape.clone(), data)
}
