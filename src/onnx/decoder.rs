//! The graph of a step of the decoder: recurrent layers, attention, generator.

use super::graph::{Attribute, Axis, Element, Graph};
use super::linear::{activated, affine, product};
use super::recurrent::{Initial, Layer, run};
use crate::config::{Config, Score, Window};
use crate::model::Parameters;
use crate::{Array, Result};

/// Stands for −∞, which would make a number that is none of a window without positions.
const LOWEST: f32 = -1e30;

/// The graph of a step of a model's decoder.
pub fn graph(config: &Config, parameters: &Parameters) -> Result<Graph> {
    let mut graph = Graph::new("decoder");
    let (batch, len) = (Axis::Any("batch"), Axis::Any("src_len"));
    let hidden_size = config.decoder.hidden_size;
    let state = [batch, Axis::Is(hidden_size)];
    let symbol = graph.input("symbol", Element::Int64, &[batch]);
    let memory = graph.input("memory", Element::Float, &[batch, len, Axis::Is(config.memory_size())]);
    let keys = match config.attention.score {
        Score::General | Score::Concat => graph.input("keys", Element::Float, &[batch, len, Axis::Is(hidden_size)]),
        Score::Dot | Score::ScaledDot | Score::Location => memory.clone(),
    };
    let lengths = graph.input("source_lengths", Element::Int64, &[batch]);
    let position = (config.attention.window == Window::LocalM).then(|| graph.input("position", Element::Int64, &[]));
    let feed = config.decoder.input_feeding.then(|| graph.input("attentional", Element::Float, &state));

    let table = graph.weight("embedding", parameters.get("decoder.embedding.weight")?);
    let mut below = graph.node("Gather", &[&table, &symbol], &[]);
    if let Some(feed) = &feed {
        below = graph.node("Concat", &[&below, feed], &[("axis", Attribute::Int(1))]);
    }
    let first = graph.ints(&[0]);
    for number in 0..config.decoder.num_layers {
        let hidden = graph.input(format!("hidden.{number}"), Element::Float, &state);
        let cell = config.cell.has_cell().then(|| graph.input(format!("cell.{number}"), Element::Float, &state));
        // A sequence of one.
        let input = graph.node("Unsqueeze", &[&below, &first], &[]);
        let hidden = graph.node("Unsqueeze", &[&hidden, &first], &[]);
        let cell = cell.map(|cell| graph.node("Unsqueeze", &[&cell, &first], &[]));
        let initial = Initial { hidden: &hidden, cell: cell.as_deref() };
        let layer = Layer { parameters, cell: config.cell, side: "decoder", number, bidirectional: false };
        let run = run(&mut graph, &layer, &input, None, Some(initial))?;
        below = graph.node("Squeeze", &[&run.hidden, &first], &[]);
        graph.output(&below, format!("hidden.{number}.next"), Element::Float, &state);
        if let Some(cell) = run.cell {
            let cell = graph.node("Squeeze", &[&cell, &first], &[]);
            graph.output(&cell, format!("cell.{number}.next"), Element::Float, &state);
        }
    }

    let attention = Attention { config, parameters, query: &below, keys: &keys, lengths: &lengths };
    let weights = attention.weights(&mut graph, &memory, position.as_deref())?;
    let second = graph.ints(&[1]);
    let row = graph.node("Unsqueeze", &[&weights, &second], &[]);
    let context = graph.node("MatMul", &[&row, &memory], &[]);
    let context = graph.node("Squeeze", &[&context, &second], &[]);
    let both = graph.node("Concat", &[&context, &below], &[("axis", Attribute::Int(1))]);
    let weight = parameters.get("attention.linear_out.weight")?;
    let attentional = match config.attention.output.bias {
        true => affine(&mut graph, weight, parameters.get("attention.linear_out.bias")?, &both),
        false => product(&mut graph, weight, &both),
    };
    let attentional = activated(&mut graph, config.attention.output.activation, attentional);
    let (weight, bias) = (parameters.get("generator.weight")?, parameters.get("generator.bias")?);
    let logits = affine(&mut graph, weight, bias, &attentional);
    let log_probs = graph.node("LogSoftmax", &[&logits], &[("axis", Attribute::Int(1))]);
    graph.output(&log_probs, "log_probs", Element::Float, &[batch, Axis::Is(config.decoder.vocab_size)]);
    graph.output(&weights, "attention_weights", Element::Float, &[batch, len]);
    graph.output(&attentional, "attentional.next", Element::Float, &state);
    Ok(graph)
}

/// What attention reads.
struct Attention<'a> {
    config: &'a Config,
    parameters: &'a Parameters,
    /// (batch, H)
    query: &'a str,
    /// (batch, src_len, K)
    keys: &'a str,
    /// (batch)
    lengths: &'a str,
}

impl Attention<'_> {
    /// a_t (batch, src_len)
    fn weights(&self, graph: &mut Graph, memory: &str, position: Option<&str>) -> Result<String> {
        let shape = graph.node("Shape", &[memory], &[]);
        let second = graph.int(1);
        let len = graph.node("Gather", &[&shape, &second], &[]);
        let (zero, one) = (graph.int(0), graph.int(1));
        // s (src_len), and which of them belong to a sentence.
        let places = graph.node("Range", &[&zero, &len, &one], &[]);
        let column = graph.ints(&[1]);
        let lengths = graph.node("Unsqueeze", &[self.lengths, &column], &[]);
        let mut allowed = graph.node("Less", &[&places, &lengths], &[]);
        let scores = self.scores(graph, &len)?;
        let half_width = self.config.attention.half_width.unwrap_or(0);
        let mut gaussian = None;
        match (self.config.attention.window, position) {
            (Window::LocalM, Some(position)) => {
                let distance = graph.node("Sub", &[&places, position], &[]);
                let distance = graph.node("Abs", &[&distance], &[]);
                let beyond = graph.int(half_width as i64 + 1);
                let within = graph.node("Less", &[&distance, &beyond], &[]);
                allowed = graph.node("And", &[&allowed, &within], &[]);
            }
            (Window::LocalP, _) => {
                let distance = self.distance(graph, &places, &lengths)?;
                let reach = graph.number(half_width as f32);
                let within = graph.node("Abs", &[&distance], &[]);
                let within = graph.node("LessOrEqual", &[&within, &reach], &[]);
                allowed = graph.node("And", &[&allowed, &within], &[]);
                // exp(−(s − p_t)² / 2σ²), σ = D / 2
                let square = graph.node("Mul", &[&distance, &distance], &[]);
                let factor = graph.number(-2.0 / (half_width * half_width) as f32);
                let exponent = graph.node("Mul", &[&square, &factor], &[]);
                gaussian = Some(graph.node("Exp", &[&exponent], &[]));
            }
            (Window::Global | Window::LocalM, _) => {}
        }
        let lowest = graph.number(LOWEST);
        let scores = graph.node("Where", &[&allowed, &scores, &lowest], &[]);
        let weights = graph.node("Softmax", &[&scores], &[("axis", Attribute::Int(1))]);
        // Where nothing is allowed all weights are zero.
        let mask = graph.node("Cast", &[&allowed], &[("to", Attribute::Int(Element::Float as i64))]);
        let weights = graph.node("Mul", &[&weights, &mask], &[]);
        Ok(match gaussian {
            Some(gaussian) => graph.node("Mul", &[&weights, &gaussian], &[]),
            None => weights,
        })
    }

    /// score(h_t, h̄_s) (batch, src_len)
    fn scores(&self, graph: &mut Graph, len: &str) -> Result<String> {
        let get = |name: &str| self.parameters.get(&format!("attention.{name}"));
        let (second, third) = (graph.ints(&[1]), graph.ints(&[2]));
        Ok(match self.config.attention.score {
            Score::Dot | Score::ScaledDot | Score::General => {
                let query = graph.node("Unsqueeze", &[self.query, &third], &[]);
                let scores = graph.node("MatMul", &[self.keys, &query], &[]);
                let scores = graph.node("Squeeze", &[&scores, &third], &[]);
                if self.config.attention.score != Score::ScaledDot {
                    return Ok(scores);
                }
                let factor = graph.number(1.0 / (self.config.memory_size() as f32).sqrt());
                graph.node("Mul", &[&scores, &factor], &[])
            }
            Score::Concat => {
                let query = affine(graph, get("query_proj.weight")?, get("query_proj.bias")?, self.query);
                let query = graph.node("Unsqueeze", &[&query, &second], &[]);
                let compared = graph.node("Add", &[self.keys, &query], &[]);
                let compared = graph.node("Tanh", &[&compared], &[]);
                let v = get("v")?;
                let scores = product(graph, &Array::new([1, v.data.len()], v.data.clone()), &compared);
                graph.node("Squeeze", &[&scores, &third], &[])
            }
            Score::Location => {
                let scores = product(graph, get("location.weight")?, self.query);
                let (zero, flat) = (graph.ints(&[0]), graph.ints(&[1]));
                let end = graph.node("Reshape", &[len, &flat], &[]);
                graph.node("Slice", &[&scores, &zero, &end, &second], &[])
            }
        })
    }

    /// s − p_t, p_t = S_b · sigmoid(v_pᵀ tanh(W_p h_t)) (batch, src_len)
    fn distance(&self, graph: &mut Graph, places: &str, lengths: &str) -> Result<String> {
        let get = |name: &str| self.parameters.get(&format!("attention.{name}"));
        let float = [("to", Attribute::Int(Element::Float as i64))];
        let projected = product(graph, get("position_proj.weight")?, self.query);
        let projected = graph.node("Tanh", &[&projected], &[]);
        let v = get("position_v")?;
        let share = product(graph, &Array::new([1, v.data.len()], v.data.clone()), &projected);
        let share = graph.node("Sigmoid", &[&share], &[]);
        let lengths = graph.node("Cast", &[lengths], &float);
        let predicted = graph.node("Mul", &[&share, &lengths], &[]);
        let places = graph.node("Cast", &[places], &float);
        Ok(graph.node("Sub", &[&places, &predicted], &[]))
    }
}
