//! The parameters that training begins with.

use super::random::Draws;
use super::{Cell, Config, Parameters};
use crate::{Array, Result};

/// Embeddings are drawn from −0.1 … 0.1 (Luong et al. 2015, §4.1).
const EMBEDDING: f32 = 0.1;

impl Parameters {
    /// Parameters to begin training with, drawn uniformly from −b … b.
    ///
    /// b is 1/√H for a recurrent layer of H units, 1/√n for a linear layer of n inputs and its bias, as in PyTorch, and
    /// 0.1 for embeddings. With `forget_bias` the forget gates of an LSTM begin with a bias of 1 (Jozefowicz et al.
    /// 2015). Counter-based as [`random`](Self::random): the same on every machine.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) if the configuration contradicts itself.
    pub fn initial(config: &Config, seed: u64, forget_bias: bool) -> Result<Self> {
        config.validate()?;
        let mut draws = Draws::new(seed);
        // Learning keeps four numbers for each: itself, its gradient, and two that the optimizer remembers.
        let shapes = Self::shapes_with_room::<[f32; 4]>(config)?;
        let tensors = shapes.iter().map(|(name, shape)| {
            let bound = bound(config, name, inputs(&shapes, name));
            let mut data: Vec<f32> = (0..shape.iter().product()).map(|_| draws.next(bound)).collect();
            if forget_bias && config.cell == Cell::Lstm && name.contains(".rnn.bias_") {
                let hidden = data.len() / 4; // the gates are i, f, g, o, and two biases are added
                data[hidden..2 * hidden].fill(if name.contains(".rnn.bias_ih") { 1.0 } else { 0.0 });
            }
            (name.clone(), Array::new(shape.clone(), data))
        });
        Self::new(config, tensors.collect())
    }
}

/// The inputs that one output of this parameter's layer adds up: those of its weight, for a bias.
fn inputs(shapes: &[(String, Vec<usize>)], name: &str) -> usize {
    let weight = name.strip_suffix("bias").map_or_else(|| name.to_owned(), |layer| format!("{layer}weight"));
    let shape = shapes.iter().find(|(name, _)| *name == weight).map(|(_, shape)| shape.as_slice());
    shape.and_then(<[usize]>::last).copied().unwrap_or(1)
}

fn bound(config: &Config, name: &str, inputs: usize) -> f32 {
    let size = match name {
        _ if name.ends_with("embedding.weight") => return EMBEDDING,
        _ if name.starts_with("encoder.rnn.") => config.encoder.hidden_size,
        _ if name.starts_with("decoder.rnn.") => config.decoder.hidden_size,
        _ => inputs,
    };
    1.0 / (size as f32).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Model;

    #[test]
    fn bounds_are_those_of_pytorch() -> Result<()> {
        let config = Model::load("models/g2p-en")?.config;
        let parameters = Parameters::initial(&config, 7, true)?;
        let largest = |name: &str| {
            let array = parameters.get(name).expect("a parameter");
            array.data.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()))
        };
        let (encoder, hidden) = (config.encoder.hidden_size as f32, config.decoder.hidden_size);
        let size = hidden as f32;
        for (name, bound) in [
            ("encoder.embedding.weight", 0.1),
            ("encoder.rnn.weight_ih_l0", 1.0 / encoder.sqrt()),
            ("decoder.rnn.weight_hh_l0", 1.0 / size.sqrt()),
            ("attention.linear_out.weight", 1.0 / (config.memory_size() as f32 + size).sqrt()),
            ("generator.weight", 1.0 / size.sqrt()),
        ] {
            assert!((0.95 * bound..=bound).contains(&largest(name)), "{name}: {}", largest(name));
        }
        assert!(largest("generator.bias") <= 1.0 / size.sqrt());
        let bias = &parameters.get("decoder.rnn.bias_ih_l0")?.data;
        assert!(bias[hidden..2 * hidden].iter().all(|&value| value == 1.0) && bias[2 * hidden] != 1.0);
        assert_eq!(parameters, Parameters::initial(&config, 7, true)?);
        assert_ne!(parameters, Parameters::initial(&config, 8, true)?);
        Ok(())
    }
}
