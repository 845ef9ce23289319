//! The encoder's graph: embedding, recurrent layers, the bridge, and what queries are compared with.

use super::graph::{Attribute, Axis, Element, Graph};
use super::linear::{activated, affine, product};
use super::recurrent::{Layer, run};
use crate::config::{Bridge, BridgeCell, Config, Score};
use crate::model::Parameters;
use crate::{Array, Result};

/// The graph of a model's encoder.
pub fn graph(config: &Config, parameters: &Parameters) -> Result<Graph> {
    let mut graph = Graph::new("encoder");
    let (batch, len) = (Axis::Any("batch"), Axis::Any("src_len"));
    let source = graph.input("source", Element::Int64, &[batch, len]);
    let lengths = graph.input("source_lengths", Element::Int64, &[batch]);
    let lengths = graph.node("Cast", &[&lengths], &[("to", Attribute::Int(Element::Int32 as i64))]);
    let table = graph.weight("embedding", parameters.get("encoder.embedding.weight")?);
    let embedded = graph.node("Gather", &[&table, &source], &[]);
    let mut below = graph.node("Transpose", &[&embedded], &perm(&[1, 0, 2]));
    let mut last = Vec::new();
    // (len, batch, M)
    let flat = graph.ints(&[0, 0, -1]);
    for number in 0..config.encoder.num_layers {
        let bidirectional = config.encoder.bidirectional;
        let layer = Layer { parameters, cell: config.cell, side: "encoder", number, bidirectional };
        let run = run(&mut graph, &layer, &below, Some(&lengths), None)?;
        let outputs = graph.node("Transpose", &[&run.outputs], &perm(&[0, 2, 1, 3]));
        below = graph.node("Reshape", &[&outputs, &flat], &[]);
        let hidden = side_by_side(&mut graph, &run.hidden);
        let cell = run.cell.map(|cell| side_by_side(&mut graph, &cell));
        last.push((hidden, cell));
    }
    let memory = graph.node("Transpose", &[&below], &perm(&[1, 0, 2]));
    let keys = match config.attention.score {
        // (W_a h)ᵀ h̄ = hᵀ (W_aᵀ h̄), once a sentence.
        Score::General => {
            let weight = graph.weight("weight", parameters.get("attention.linear_in.weight")?);
            Some(graph.node("MatMul", &[&memory, &weight], &[]))
        }
        Score::Concat => Some(product(&mut graph, parameters.get("attention.memory_proj.weight")?, &memory)),
        Score::Dot | Score::ScaledDot | Score::Location => None,
    };
    let hidden_size = config.decoder.hidden_size;
    graph.output(&memory, "memory", Element::Float, &[batch, len, Axis::Is(config.memory_size())]);
    if let Some(keys) = keys {
        graph.output(&keys, "keys", Element::Float, &[batch, len, Axis::Is(hidden_size)]);
    }
    for number in 0..config.decoder.num_layers {
        let (hidden, cell) = bridge(&mut graph, config, parameters, &last, number)?;
        let shape = [batch, Axis::Is(hidden_size)];
        graph.output(&hidden, format!("hidden.{number}"), Element::Float, &shape);
        if let Some(cell) = cell {
            graph.output(&cell, format!("cell.{number}"), Element::Float, &shape);
        }
    }
    Ok(graph)
}

/// An attribute that says which axis comes from where.
fn perm(axes: &[i64]) -> [(&'static str, Attribute); 1] {
    [("perm", Attribute::Ints(axes.to_vec()))]
}

/// (directions, batch, hidden) as (batch, M).
fn side_by_side(graph: &mut Graph, state: &str) -> String {
    let state = graph.node("Transpose", &[state], &perm(&[1, 0, 2]));
    let flat = graph.ints(&[0, -1]);
    graph.node("Reshape", &[&state, &flat], &[])
}

/// The first hidden state of a decoder layer (batch, H), and its cell.
fn bridge(
    graph: &mut Graph,
    config: &Config,
    parameters: &Parameters,
    last: &[(String, Option<String>)],
    layer: usize,
) -> Result<(String, Option<String>)> {
    match config.bridge {
        Bridge::Copy => Ok(last[layer].clone()),
        Bridge::Zeros => {
            // As many rows as the sentences have.
            let (hidden, memory) = (config.decoder.hidden_size, config.memory_size());
            let zeros = Array::new([hidden, memory], vec![0.0; hidden * memory]);
            let zeros = product(graph, &zeros, &last[0].0);
            Ok((zeros.clone(), config.cell.has_cell().then_some(zeros)))
        }
        Bridge::Linear(linear) => {
            let mut state = |name: &str, cells: bool| -> Result<String> {
                let read = &last[linear.layers(layer, last.len())];
                let read: Vec<&str> = read
                    .iter()
                    .map(|(hidden, cell)| cell.as_ref().filter(|_| cells).unwrap_or(hidden).as_str())
                    .collect();
                let read = graph.node("Concat", &read, &[("axis", Attribute::Int(1))]);
                let get = |part: &str| parameters.get(&format!("bridge.{name}.{layer}.{part}"));
                let y = affine(graph, get("weight")?, get("bias")?, &read);
                Ok(activated(graph, linear.activation, y))
            };
            let hidden = state("hidden", false)?;
            let cell = match linear.cell {
                _ if !config.cell.has_cell() => None,
                BridgeCell::Cell => Some(state("cell", true)?),
                BridgeCell::Hidden => Some(hidden.clone()),
            };
            Ok((hidden, cell))
        }
    }
}
