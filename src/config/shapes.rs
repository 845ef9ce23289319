//! Which parameters a model has, and how large they are.

use super::{Bridge, BridgeCell, Config, Score, Window};

/// The name and shape of every parameter of a model, in PyTorch's order.
///
/// G is the number of gates, H the decoder's hidden size, M the memory size, k a layer.
///
/// | name | shape | where |
/// |---|---|---|
/// | `encoder.embedding.weight` | (vocab, embedding) | |
/// | `encoder.rnn.weight_ih_l{k}` | (G · hidden, embedding), (G · hidden, M) above layer 0 | also with `_reverse` |
/// | `encoder.rnn.weight_hh_l{k}` | (G · hidden, hidden) | also with `_reverse` |
/// | `encoder.rnn.bias_{ih,hh}_l{k}` | (G · hidden) | also with `_reverse` |
/// | `decoder.embedding.weight` | (vocab, embedding) | |
/// | `decoder.rnn.weight_ih_l0` | (G · H, embedding) | + H columns with input feeding |
/// | `decoder.rnn.weight_ih_l{k}` | (G · H, H) | above layer 0 |
/// | `decoder.rnn.weight_hh_l{k}` | (G · H, H) | |
/// | `decoder.rnn.bias_{ih,hh}_l{k}` | (G · H) | |
/// | `bridge.hidden.{k}.{weight,bias}` | (H, M), (H) | `linear` bridge; M columns for each layer, where it reads all |
/// | `bridge.cell.{k}.{weight,bias}` | (H, M), (H) | the same for LSTM, unless the cell starts from hidden states |
/// | `attention.linear_in.weight` | (M, H) | `general` |
/// | `attention.query_proj.{weight,bias}` | (H, H), (H) | `concat` |
/// | `attention.memory_proj.weight` | (H, M) | `concat` |
/// | `attention.v` | (H) | `concat` |
/// | `attention.location.weight` | (max_source_length, H) | `location` |
/// | `attention.position_proj.weight` | (H, H) | `local_p` |
/// | `attention.position_v` | (H) | `local_p` |
/// | `attention.linear_out.weight` | (H, M + H) | |
/// | `attention.linear_out.bias` | (H) | `output.bias` |
/// | `generator.{weight,bias}` | (vocab, H), (vocab) | |
///
/// The configuration is taken to be one that [`Config::validate`] accepts.
pub fn parameter_shapes(config: &Config) -> Vec<(String, Vec<usize>)> {
    let Config { encoder, decoder, attention, .. } = config;
    let (hidden, memory) = (decoder.hidden_size, config.memory_size());
    let gates = config.cell.gates();
    let mut list = List::default();

    list.add("encoder.embedding.weight", [encoder.vocab_size, encoder.embedding_size]);
    for layer in 0..encoder.num_layers {
        let input = if layer == 0 { encoder.embedding_size } else { memory };
        list.recurrent(&format!("encoder.rnn.{{}}_l{layer}"), gates, input, encoder.hidden_size);
        if encoder.bidirectional {
            list.recurrent(&format!("encoder.rnn.{{}}_l{layer}_reverse"), gates, input, encoder.hidden_size);
        }
    }

    list.add("decoder.embedding.weight", [decoder.vocab_size, decoder.embedding_size]);
    let feed = if decoder.input_feeding { hidden } else { 0 };
    for layer in 0..decoder.num_layers {
        let input = if layer == 0 { decoder.embedding_size + feed } else { hidden };
        list.recurrent(&format!("decoder.rnn.{{}}_l{layer}"), gates, input, hidden);
    }

    if let Bridge::Linear(linear) = config.bridge {
        let has_cell = config.cell.has_cell() && linear.cell == BridgeCell::Cell;
        let states: &[&str] = if has_cell { &["hidden", "cell"] } else { &["hidden"] };
        for state in states {
            for layer in 0..decoder.num_layers {
                let inputs = linear.layers(layer, encoder.num_layers).len() * memory;
                list.add(format!("bridge.{state}.{layer}.weight"), [hidden, inputs]);
                list.add(format!("bridge.{state}.{layer}.bias"), [hidden]);
            }
        }
    }

    match attention.score {
        Score::Dot | Score::ScaledDot => {}
        Score::General => list.add("attention.linear_in.weight", [memory, hidden]),
        Score::Concat => {
            list.add("attention.query_proj.weight", [hidden, hidden]);
            list.add("attention.query_proj.bias", [hidden]);
            list.add("attention.memory_proj.weight", [hidden, memory]);
            list.add("attention.v", [hidden]);
        }
        Score::Location => {
            list.add("attention.location.weight", [attention.max_source_length.unwrap_or(0), hidden]);
        }
    }
    if attention.window == Window::LocalP {
        list.add("attention.position_proj.weight", [hidden, hidden]);
        list.add("attention.position_v", [hidden]);
    }
    list.add("attention.linear_out.weight", [hidden, memory + hidden]);
    if attention.output.bias {
        list.add("attention.linear_out.bias", [hidden]);
    }
    list.add("generator.weight", [decoder.vocab_size, hidden]);
    list.add("generator.bias", [decoder.vocab_size]);
    list.0
}

#[derive(Default)]
struct List(Vec<(String, Vec<usize>)>);

impl List {
    fn add(&mut self, name: impl Into<String>, shape: impl Into<Vec<usize>>) {
        self.0.push((name.into(), shape.into()));
    }

    /// The four parameters of one direction of a recurrent layer; `{}` in `name` stands for which of them.
    fn recurrent(&mut self, name: &str, gates: usize, input: usize, hidden: usize) {
        let rows = gates * hidden;
        let name = |part| name.replace("{}", part);
        self.add(name("weight_ih"), [rows, input]);
        self.add(name("weight_hh"), [rows, hidden]);
        self.add(name("bias_ih"), [rows]);
        self.add(name("bias_hh"), [rows]);
    }
}
