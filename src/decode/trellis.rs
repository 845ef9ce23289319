//! What the host keeps of a search: every step's symbols and back-pointers, and the way back through them.

use crate::Array;

/// The steps of a search so far.
#[derive(Debug)]
pub struct Trellis {
    /// K
    beam: usize,
    /// Steps of a part.
    steps: usize,
    parts: Vec<Part>,
}

/// Some steps that were read together, from the device that took them.
#[derive(Debug)]
pub struct Part {
    /// Which sentences of the batch they are of, in ascending order.
    pub sentences: Vec<usize>,
    /// Of each step the symbols, then the rows of their sentence that they continue (steps, 2, sentences, K).
    pub links: Vec<u32>,
    /// Attention weights (sentences, steps, K, src_len), where they are kept.
    pub weights: Option<Array>,
}

impl Trellis {
    /// No steps yet; all parts but the last will have `steps`.
    pub fn new(beam: usize, steps: usize) -> Self {
        Self { beam, steps, parts: Vec::new() }
    }

    /// Adds the steps behind those that are there.
    pub fn push(&mut self, part: Part) {
        self.parts.push(part);
    }

    /// The symbols of the hypothesis that was in row `row` of `sentence` after `steps` steps, and what it attended to
    /// (steps, length) with each of them.
    pub fn path(&self, sentence: usize, steps: usize, mut row: usize, length: usize) -> (Vec<u32>, Option<Array>) {
        let mut symbols = Vec::with_capacity(steps);
        let mut weights = Vec::new();
        for step in (0..steps).rev() {
            let part = &self.parts[step / self.steps];
            // A sentence is among those of a part as long as its search has not ended.
            let place = part.sentences.partition_point(|&other| other < sentence);
            let rows = part.sentences.len() * self.beam;
            let links = &part.links[step % self.steps * 2 * rows..][..2 * rows];
            symbols.push(links[place * self.beam + row]);
            row = links[rows + place * self.beam + row] as usize;
            if let Some(attended) = &part.weights {
                weights.push(&attended.row((place * self.steps + step % self.steps) * self.beam + row)[..length]);
            }
        }
        symbols.reverse();
        let kept = self.parts.first().is_some_and(|part| part.weights.is_some());
        let alignment = kept.then(|| {
            weights.reverse();
            Array::new([steps, length], weights.concat())
        });
        (symbols, alignment)
    }
}
