//! What a wrong device would make of its inputs: the negative controls of a comparison.
//!
//! An operation is a function of its inputs. One that reads them wrongly computes what a right one does of inputs that
//! were changed in the same way, so a fault needs no faulty device.

use super::inputs::{Fault, Inputs};
use crate::Array;

impl Inputs {
    /// The same inputs as a device with this fault reads them.
    pub fn misread(mut self, fault: Fault) -> Self {
        self.fault = Some(fault);
        self
    }

    /// The lengths that the device goes by.
    pub(super) fn told(&self, mut lengths: Vec<u32>) -> Vec<u32> {
        if self.fault == Some(Fault::NoLengths) {
            let longest = lengths.iter().copied().max().unwrap_or(0);
            lengths.fill(longest);
        }
        lengths
    }

    /// Sentences, with the padding behind them that the device takes for a part of them.
    pub(super) fn told_sentences(&self, mut sentences: Vec<Vec<u32>>, pad: u32) -> Vec<Vec<u32>> {
        let lengths = self.told(sentences.iter().map(|sentence| sentence.len() as u32).collect());
        for (sentence, length) in sentences.iter_mut().zip(lengths) {
            sentence.resize(length as usize, pad);
        }
        sentences
    }

    /// The weight of a linear layer (outputs, inputs).
    pub(super) fn linear(&self, weight: Array) -> Array {
        if self.fault != Some(Fault::TransposedWeight) {
            return weight;
        }
        let (rows, cols) = (weight.rows(), weight.cols());
        let data = (0..cols).flat_map(|col| (0..rows).map(move |row| row * cols + col)).map(|flat| weight.data[flat]);
        Array::new(weight.shape.clone(), data.collect())
    }

    /// Parameters of a cell with this many gates, one gate's rows behind the other's.
    pub(super) fn gates(&self, mut parameters: Array, gates: usize) -> Array {
        if self.fault == Some(Fault::SwappedGates) && gates > 1 {
            let gate = parameters.data.len() / gates;
            let (first, others) = parameters.data.split_at_mut(gate);
            first.swap_with_slice(&mut others[..gate]);
        }
        parameters
    }
}
