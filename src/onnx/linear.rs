//! Linear layers, and what stands behind them.

use super::graph::Graph;
use crate::Array;
use crate::config::Activation;

/// W x for the last axis of `input`, with W (outputs, inputs).
pub fn product(graph: &mut Graph, weight: &Array, input: &str) -> String {
    let (rows, cols) = (weight.rows(), weight.cols());
    let data = (0..cols).flat_map(|col| (0..rows).map(move |row| weight.data[row * cols + col])).collect();
    let weight = graph.weight("weight", &Array::new([cols, rows], data));
    graph.node("MatMul", &[input, &weight], &[])
}

/// W x + b.
pub fn affine(graph: &mut Graph, weight: &Array, bias: &Array, input: &str) -> String {
    let product = product(graph, weight, input);
    let bias = graph.weight("bias", bias);
    graph.node("Add", &[&product, &bias], &[])
}

/// activation(y)
pub fn activated(graph: &mut Graph, activation: Activation, y: String) -> String {
    match activation {
        Activation::Identity => y,
        Activation::Tanh => graph.node("Tanh", &[&y], &[]),
        Activation::Relu => graph.node("Relu", &[&y], &[]),
    }
}
