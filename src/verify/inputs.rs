//! Pseudo-random inputs in closed form: number i of a named stream is a hash of seed, name and i.
//!
//! Nothing is drawn in an order, so every backend is given the same numbers and one case can be run alone.

use half::f16;

use crate::Array;
use crate::device::Precision;
use crate::hash::{fnv, split_mix};

/// What a device may do wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Every sentence is taken to be as long as the longest.
    NoLengths,
    /// The weights of linear layers are read column by column.
    TransposedWeight,
    /// The first two gates of a cell are swapped.
    SwappedGates,
}

/// The inputs of one case.
#[derive(Clone, Copy, Debug)]
pub struct Inputs {
    seed: u64,
    precision: Precision,
    /// Whether all numbers, and not the weights alone, are such as 16 bits can store.
    halves: bool,
    /// What the device that they are for does wrong: nothing, but in negative controls.
    pub(super) fault: Option<Fault>,
}

impl Inputs {
    /// Inputs that depend on `text` alone. Weights hold only what `precision` can store, so that a device which stores
    /// halves and an oracle which does not are given the same numbers.
    pub fn new(text: &str, precision: Precision) -> Self {
        Self { seed: fnv(text.bytes()), precision, halves: false, fault: None }
    }

    /// The same, rounded to what 16 bits can store: a device that rounds what it multiplies is given the same numbers too.
    pub fn halved(self) -> Self {
        Self { halves: true, ..self }
    }

    /// Number `index` of `stream`, uniform in [−1, 1) and exact in 32 bits.
    pub fn uniform(&self, stream: &str, index: usize) -> f32 {
        let stream = split_mix(fnv(stream.bytes()), 1);
        let bits = split_mix(self.seed ^ stream.wrapping_add(index as u64), 1);
        (bits >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    /// Uniform in ±`scale`.
    pub fn array(&self, stream: &str, shape: impl Into<Vec<usize>>, scale: f32) -> Array {
        self.fill(shape, |index| self.uniform(stream, index) * scale)
    }

    /// −2, −1, 0, 1 or 2 times `step`: sums of their products are exact in any order, whatever their size.
    pub fn steps(&self, stream: &str, shape: impl Into<Vec<usize>>, step: f32) -> Array {
        self.fill(shape, |index| (self.uniform(stream, index) * 2.5).round().clamp(-2.0, 2.0) * step)
    }

    /// Weights, uniform in ±`scale`.
    pub fn weights(&self, stream: &str, shape: impl Into<Vec<usize>>, scale: f32) -> Array {
        self.fill(shape, |index| self.stored(self.uniform(stream, index) * scale))
    }

    /// Ids below `vocab_size`.
    pub fn ids(&self, stream: &str, count: usize, vocab_size: usize) -> Vec<u32> {
        (0..count).map(|index| self.below(stream, index, vocab_size)).collect()
    }

    /// Sentence lengths up to `len`: the first fills it, the second is 1, the others are anything between.
    pub fn lengths(&self, batch: usize, len: usize) -> Vec<u32> {
        (0..batch)
            .map(|sentence| match sentence {
                0 => len as u32,
                1 => 1,
                _ => 1 + self.below("lengths", sentence, len),
            })
            .collect()
    }

    /// `value` as the precision stores it.
    pub fn stored(&self, value: f32) -> f32 {
        match self.precision {
            Precision::F32 => value,
            Precision::F16 => f16::from_f32(value).to_f32(),
        }
    }

    /// How weights are stored.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    fn below(&self, stream: &str, index: usize, limit: usize) -> u32 {
        let unit = f64::from(self.uniform(stream, index)) / 2.0 + 0.5;
        (unit * limit as f64) as u32
    }

    fn fill(&self, shape: impl Into<Vec<usize>>, number: impl Fn(usize) -> f32) -> Array {
        let shape = shape.into();
        let given = |number: f32| if self.halves { f16::from_f32(number).to_f32() } else { number };
        let data = (0..shape.iter().product()).map(|index| given(number(index))).collect();
        Array::new(shape, data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_depend_on_text_stream_and_index_alone() {
        let (a, b) = (Inputs::new("a", Precision::F32), Inputs::new("b", Precision::F32));
        assert_eq!(a.uniform("x", 7), a.uniform("x", 7));
        assert_ne!(a.uniform("x", 7), a.uniform("x", 8));
        assert_ne!(a.uniform("x", 7), a.uniform("y", 7));
        assert_ne!(a.uniform("x", 7), b.uniform("x", 7));
    }

    #[test]
    fn numbers_are_spread_evenly() {
        let inputs = Inputs::new("spread", Precision::F32);
        let numbers = inputs.array("x", [100, 100], 1.0).data;
        let mean = numbers.iter().map(|&x| f64::from(x)).sum::<f64>() / 1e4;
        let square = numbers.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / 1e4;
        assert!(mean.abs() < 0.02 && (square - 1.0 / 3.0).abs() < 0.02, "mean {mean}, mean square {square}");
        assert!(numbers.iter().all(|x| (-1.0..1.0).contains(x)));
    }

    #[test]
    fn halves_are_exact_in_sixteen_bits() {
        let inputs = Inputs::new("half", Precision::F16);
        assert!(inputs.weights("w", [50], 1.0).data.iter().all(|&w| f16::from_f32(w).to_f32() == w));
    }

    #[test]
    fn ragged_lengths_hold_the_longest_and_a_one() {
        let lengths = Inputs::new("lengths", Precision::F32).lengths(9, 6);
        assert_eq!(lengths[..2], [6, 1]);
        assert!(lengths.iter().all(|&length| (1..=6).contains(&length)));
    }
}
