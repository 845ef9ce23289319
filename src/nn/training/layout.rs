//! Where the parameters of a model lie in the matrices that training works on.
//!
//! A slot is one matrix of the arena; a piece says which block of a named parameter stands where in a slot. The two
//! directions of a recurrent layer share a slot, and gates lie as [`GateLayout`] has them. b_ih and b_hh are one
//! number to the model wherever they are added, and so they are one here: what is read back stands in b_ih.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::backend::GateLayout;
use crate::model::{Bridge, BridgeCell, Cell, Config, Score, Window, parameter_shapes};
use crate::{Array, Error, Float, Result};

/// A matrix of the arena, by its index.
pub type Slot = usize;

/// The slots of one recurrent layer.
#[derive(Clone, Copy, Debug)]
pub struct RecurrentSlots {
    pub gates: GateLayout,
    /// (cols, input)
    pub weight_ih: Slot,
    /// (cols, H): the part of W_ih for the attentional state, with input feeding.
    pub feed: Option<Slot>,
    /// (cols, hidden)
    pub weight_hh: Slot,
    /// (1, cols)
    pub bias: Slot,
}

/// The slots of a linear layer: weight (outputs, inputs) and bias (1, outputs).
pub type LinearSlots = [Slot; 2];

/// The slots of a bridge to one state.
#[derive(Clone, Debug)]
pub struct BridgeSlots {
    /// The encoder layers that it reads, and the part of W (H, M) for each.
    pub weights: Vec<(usize, Slot)>,
    /// b (1, H)
    pub bias: Slot,
}

/// The slots of all layers.
#[derive(Clone, Debug)]
pub struct Slots {
    pub source_embedding: Slot,
    pub encoder: Vec<RecurrentSlots>,
    pub target_embedding: Slot,
    pub decoder: Vec<RecurrentSlots>,
    /// Per decoder layer, for hidden and, where it has its own, for cell; empty but for the linear bridge.
    pub bridge: Vec<(BridgeSlots, Option<BridgeSlots>)>,
    /// W_a (M, H) of `general`.
    pub linear_in: Option<Slot>,
    /// W_q, b_q of `concat`.
    pub query_proj: Option<LinearSlots>,
    /// W_m (H, M) of `concat`.
    pub memory_proj: Option<Slot>,
    /// W_l (max_source_length, H) of `location`.
    pub location: Option<Slot>,
    /// W_p (H, H) of `local_p`.
    pub position_proj: Option<Slot>,
    /// v of `concat` above v_p of `local_p` (2, H).
    pub vectors: Option<Slot>,
    /// The two parts of W_c: for the context (H, M) and for the hidden state (H, H).
    pub out_context: Slot,
    pub out_hidden: Slot,
    /// b_c (1, H), where there is one.
    pub out_bias: Option<Slot>,
    pub generator: LinearSlots,
}

/// A block of a parameter and where it stands.
#[derive(Clone, Debug)]
struct Piece {
    name: String,
    /// Row and column of the block in the parameter, and in the slot.
    from: [usize; 2],
    to: [usize; 2],
    size: [usize; 2],
    slot: Slot,
    /// Whether another piece holds the sum of this one and itself.
    added: bool,
}

/// All slots with what stands in them.
#[derive(Clone, Debug)]
pub struct Layout {
    pub slots: Slots,
    /// (rows, cols) of every slot.
    pub shapes: Vec<[usize; 2]>,
    /// Name and shape of every parameter.
    parameters: Vec<(String, Vec<usize>)>,
    pieces: Vec<Piece>,
}

/// Whose numbers are read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// Parameters, or what goes with each: b_hh is zero wherever b_ih holds the sum.
    Values,
    /// Gradients: b_hh has the same as b_ih.
    Gradients,
}

impl Layout {
    /// The layout of a model.
    pub fn new(config: &Config) -> Self {
        let mut builder = Builder { shapes: Vec::new(), pieces: Vec::new() };
        let (encoder, decoder) = (&config.encoder, &config.decoder);
        let (hidden, memory) = (decoder.hidden_size, config.memory_size());

        let source_embedding = builder.whole("encoder.embedding.weight", [encoder.vocab_size, encoder.embedding_size]);
        let directions = if encoder.bidirectional { 2 } else { 1 };
        let gates = GateLayout { cell: config.cell, hidden: encoder.hidden_size, directions };
        let inputs = |layer: usize| if layer == 0 { encoder.embedding_size } else { memory };
        let encoder_layers =
            (0..encoder.num_layers).map(|layer| builder.recurrent("encoder", layer, gates, inputs(layer), 0)).collect();

        let target_embedding = builder.whole("decoder.embedding.weight", [decoder.vocab_size, decoder.embedding_size]);
        let gates = GateLayout { cell: config.cell, hidden, directions: 1 };
        let decoder_layers = (0..decoder.num_layers)
            .map(|layer| match layer {
                0 if decoder.input_feeding => builder.recurrent("decoder", 0, gates, decoder.embedding_size, hidden),
                0 => builder.recurrent("decoder", 0, gates, decoder.embedding_size, 0),
                _ => builder.recurrent("decoder", layer, gates, hidden, 0),
            })
            .collect();

        let mut bridge = Vec::new();
        if let Bridge::Linear(linear) = config.bridge {
            let has_own = config.cell.has_cell() && linear.cell == BridgeCell::Cell;
            for layer in 0..decoder.num_layers {
                let read = linear.layers(layer, encoder.num_layers);
                let mut state =
                    |name: &str| builder.bridge(&format!("bridge.{name}.{layer}"), read.clone(), [hidden, memory]);
                let hidden = state("hidden");
                bridge.push((hidden, has_own.then(|| state("cell"))));
            }
        }

        let (score, window) = (config.attention.score, config.attention.window);
        let general = score == Score::General;
        let linear_in = general.then(|| builder.whole("attention.linear_in.weight", [memory, hidden]));
        let concat = score == Score::Concat;
        let query_proj = concat.then(|| builder.linear("attention.query_proj", [hidden, hidden]));
        let memory_proj = concat.then(|| builder.whole("attention.memory_proj.weight", [hidden, memory]));
        let positions = config.attention.max_source_length.unwrap_or(0);
        let location =
            (score == Score::Location).then(|| builder.whole("attention.location.weight", [positions, hidden]));
        let local_p = window == Window::LocalP;
        let position_proj = local_p.then(|| builder.whole("attention.position_proj.weight", [hidden, hidden]));
        let vectors = (concat || local_p).then(|| builder.slot([2, hidden]));
        if let Some(slot) = vectors {
            for (row, name) in [concat.then_some("attention.v"), local_p.then_some("attention.position_v")]
                .into_iter()
                .enumerate()
                .filter_map(|(row, name)| Some((row, name?)))
            {
                builder.piece(name, [0, 0], slot, [row, 0], [1, hidden]);
            }
        }
        let [out_context, out_hidden] = [memory, hidden].map(|cols| builder.slot([hidden, cols]));
        builder.piece("attention.linear_out.weight", [0, 0], out_context, [0, 0], [hidden, memory]);
        builder.piece("attention.linear_out.weight", [0, memory], out_hidden, [0, 0], [hidden, hidden]);
        let has_bias = config.attention.output.bias;
        let out_bias = has_bias.then(|| builder.whole("attention.linear_out.bias", [1, hidden]));
        let generator = builder.linear("generator", [decoder.vocab_size, hidden]);

        let slots = Slots {
            source_embedding,
            encoder: encoder_layers,
            target_embedding,
            decoder: decoder_layers,
            bridge,
            linear_in,
            query_proj,
            memory_proj,
            location,
            position_proj,
            vectors,
            out_context,
            out_hidden,
            out_bias,
            generator,
        };
        let Builder { shapes, pieces } = builder;
        Self { slots, shapes, parameters: parameter_shapes(config), pieces }
    }

    /// The elements of every slot, from the parameters of each name; sums of biases keep 64 bits.
    pub fn pack<'a>(&self, parameter: impl Fn(&str) -> Result<&'a Array>) -> Result<Vec<Vec<f64>>> {
        let mut slots: Vec<Vec<f64>> = self.shapes.iter().map(|[rows, cols]| vec![0.0; rows * cols]).collect();
        for (name, shape) in &self.parameters {
            let array = parameter(name)?;
            if array.shape != *shape {
                return Err(Error::Tensor {
                    name: name.clone(),
                    expected: format!("shape {shape:?}"),
                    found: format!("{:?}", array.shape),
                });
            }
        }
        for piece in &self.pieces {
            let array = parameter(&piece.name)?;
            piece.for_each(array.cols(), self.shapes[piece.slot][1], |from, to| {
                let slot = &mut slots[piece.slot][to];
                if !piece.added {
                    *slot = f64::from(array.data[from]);
                } else if array.data[from] != 0.0 {
                    // A zero is not added: −0 + 0 would be another number, and training goes on with the same ones.
                    *slot += f64::from(array.data[from]);
                }
            });
        }
        Ok(slots)
    }

    /// The parameters by name, from the elements of every slot.
    pub fn unpack<T: Float>(&self, slots: &[Vec<T>], read: Read) -> BTreeMap<String, Array<T>> {
        let zeros = |shape: &Vec<usize>| Array::new(shape.clone(), vec![T::ZERO; shape.iter().product()]);
        let mut parameters: BTreeMap<String, Array<T>> =
            self.parameters.iter().map(|(name, shape)| (name.clone(), zeros(shape))).collect();
        for piece in self.pieces.iter().filter(|piece| read == Read::Gradients || !piece.added) {
            let Some(array) = parameters.get_mut(&piece.name) else { continue };
            piece.for_each(array.cols(), self.shapes[piece.slot][1], |from, to| {
                array.data[from] = slots[piece.slot][to];
            });
        }
        parameters
    }
}

impl Piece {
    /// The places of every element in the parameter, which has `cols` columns, and in the slot.
    fn for_each(&self, cols: usize, slot_cols: usize, mut visit: impl FnMut(usize, usize)) {
        for row in 0..self.size[0] {
            for col in 0..self.size[1] {
                let from = (self.from[0] + row) * cols + self.from[1] + col;
                visit(from, (self.to[0] + row) * slot_cols + self.to[1] + col);
            }
        }
    }
}

struct Builder {
    shapes: Vec<[usize; 2]>,
    pieces: Vec<Piece>,
}

impl Builder {
    fn slot(&mut self, shape: [usize; 2]) -> Slot {
        self.shapes.push(shape);
        self.shapes.len() - 1
    }

    fn piece(&mut self, name: &str, from: [usize; 2], slot: Slot, to: [usize; 2], size: [usize; 2]) {
        self.pieces.push(Piece { name: name.to_owned(), from, to, size, slot, added: false });
    }

    /// A slot that is one parameter.
    fn whole(&mut self, name: &str, shape: [usize; 2]) -> Slot {
        let slot = self.slot(shape);
        self.piece(name, [0, 0], slot, [0, 0], shape);
        slot
    }

    fn linear(&mut self, name: &str, [outputs, inputs]: [usize; 2]) -> LinearSlots {
        [self.whole(&format!("{name}.weight"), [outputs, inputs]), self.whole(&format!("{name}.bias"), [1, outputs])]
    }

    /// A bridge from these layers' states of `size` numbers.
    fn bridge(&mut self, name: &str, layers: Range<usize>, [outputs, size]: [usize; 2]) -> BridgeSlots {
        let mut part = |(number, layer): (usize, usize)| {
            let slot = self.slot([outputs, size]);
            self.piece(&format!("{name}.weight"), [0, number * size], slot, [0, 0], [outputs, size]);
            (layer, slot)
        };
        let weights = layers.enumerate().map(&mut part).collect();
        BridgeSlots { weights, bias: self.whole(&format!("{name}.bias"), [1, outputs]) }
    }

    fn recurrent(&mut self, side: &str, layer: usize, gates: GateLayout, input: usize, feed: usize) -> RecurrentSlots {
        let cols = gates.cols();
        let slots = RecurrentSlots {
            gates,
            weight_ih: self.slot([cols, input]),
            feed: (feed > 0).then(|| self.slot([cols, feed])),
            weight_hh: self.slot([cols, gates.hidden]),
            bias: self.slot([1, cols]),
        };
        let hidden = gates.hidden;
        for (direction, suffix) in ["", "_reverse"].into_iter().take(gates.directions).enumerate() {
            let name = |part: &str| format!("{side}.rnn.{part}_l{layer}{suffix}");
            for gate in 0..gates.cell.gates() {
                let [of_input, of_hidden] =
                    blocks(gates.cell, gate).map(|block| direction * gates.width() + block * gates.padded());
                let from = gate * hidden;
                self.piece(&name("weight_ih"), [from, 0], slots.weight_ih, [of_input, 0], [hidden, input]);
                if let Some(slot) = slots.feed {
                    self.piece(&name("weight_ih"), [from, input], slot, [of_input, 0], [hidden, feed]);
                }
                self.piece(&name("weight_hh"), [from, 0], slots.weight_hh, [of_hidden, 0], [hidden, hidden]);
                self.piece(&name("bias_ih"), [0, from], slots.bias, [0, of_input], [1, hidden]);
                self.piece(&name("bias_hh"), [0, from], slots.bias, [0, of_hidden], [1, hidden]);
                if let (true, Some(piece)) = (of_input == of_hidden, self.pieces.last_mut()) {
                    piece.added = true;
                }
            }
        }
        slots
    }
}

/// The blocks of [`GateLayout`] that PyTorch's gate number `gate` adds to, from the input and from the hidden state.
fn blocks(cell: Cell, gate: usize) -> [usize; 2] {
    match cell {
        // r, z, n to n_x, r, z, n_h
        Cell::Gru => [[1, 1], [2, 2], [0, 3]][gate],
        Cell::Lstm | Cell::Tanh => [gate, gate],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Parameters;

    fn config(cell: &str, score: &str, window: &str, bridge: &str) -> Config {
        let json = format!(
            r#"{{"format_version": 1, "cell": "{cell}",
            "encoder": {{"vocab_size": 7, "embedding_size": 3, "hidden_size": 5, "num_layers": 2, "bidirectional": true}},
            "decoder": {{"vocab_size": 9, "embedding_size": 6, "hidden_size": 10, "num_layers": 2, "input_feeding": true}},
            "bridge": "{bridge}",
            "attention": {{"score": "{score}", "window": "{window}", "half_width": 2, "max_source_length": 11}},
            "special_tokens": {{"pad": 0, "bos": 1, "eos": 2, "unk": 3}}}}"#
        );
        Config::from_json(json.as_bytes(), "config.json").expect("a configuration")
    }

    #[test]
    fn parameters_come_back_as_they_were_but_for_the_sums_of_biases() {
        for (cell, score, window, bridge) in [
            ("lstm", "dot", "global", "linear"),
            ("gru", "concat", "local_p", "copy"),
            ("tanh", "general", "local_m", "zeros"),
        ] {
            let config = config(cell, score, window, bridge);
            let layout = Layout::new(&config);
            let parameters = Parameters::random(&config, 1, 1.0).expect("parameters");
            let slots = layout.pack(|name| parameters.get(name)).expect("slots");
            let single: Vec<Vec<f32>> =
                slots.iter().map(|slot| slot.iter().map(|&number| number as f32).collect()).collect();
            let back = layout.unpack(&single, Read::Values);
            assert_eq!(back.len(), parameters.iter().len());
            for (name, array) in parameters.iter().filter(|(name, _)| !name.contains("bias_")) {
                assert_eq!(back[name], *array, "{name}");
            }
            // Once they are sums, they stay as they are.
            let again = layout.pack(|name| Ok(&back[name])).expect("slots");
            let widened = single.iter().map(|slot| slot.iter().map(|&number| f64::from(number)).collect());
            assert_eq!(again, widened.collect::<Vec<Vec<f64>>>());
        }
    }
}
