//! `shaders/generator.wgsl`: what beam search needs of the logits.

use crate::backend::SearchRules;
use crate::gpu::tiling::Products;
use crate::gpu::weights::Weights;
use crate::gpu::{Gpu, GpuTensor};
use crate::{Error, Result};

kernel! {
    Generator = "generator" reads 2 then writes 1, 256 threads:
    rows: u32,
    quads: u32,
    inputs: u32,
    bias: u32,
    symbols: u32,
    keep: u32,
    pitch: u32,
    avoid_0: u32,
    avoid_1: u32,
}

/// Symbols of a tile.
const TILE: usize = 64;

/// How the candidates of a row lie in memory.
#[derive(Clone, Copy, Debug)]
pub(in crate::gpu) struct CandidateLayout {
    /// Tiles of symbols.
    pub tiles: usize,
    /// Candidates of a tile.
    pub keep: usize,
}

impl CandidateLayout {
    /// Of a vocabulary and a beam.
    pub fn new(vocab_size: usize, beam: usize) -> Self {
        Self { tiles: vocab_size.div_ceil(TILE), keep: beam.min(TILE) }
    }

    /// Numbers of a row: of each tile a pair for the softmax, and a pair for each candidate.
    pub fn cols(self) -> usize {
        self.tiles * 2 * (1 + self.keep)
    }

    /// Checks room for the candidates of `rows` rows; pairs from one row to the next.
    pub fn check(self, rows: usize, candidates: &GpuTensor) -> Result<u32> {
        Error::check("extend", "candidates' rows", candidates.rows.max(rows), candidates.rows)?;
        Error::check("extend", "candidates' columns", self.cols(), candidates.cols)?;
        Ok(2 * candidates.quads() as u32)
    }
}

impl Gpu {
    /// The candidates of every row of the attentional states (rows, hidden).
    pub(in crate::gpu) fn record_generator(
        &self,
        rules: &SearchRules,
        generator: &Weights,
        attentional: &GpuTensor,
        candidates: &GpuTensor,
    ) -> Result<()> {
        let layout = CandidateLayout::new(generator.outputs, rules.beam);
        let [avoid_0, avoid_1] = rules.avoided();
        let params = Generator {
            rows: attentional.rows as u32,
            quads: generator.quads as u32,
            inputs: generator.input_quads() as u32,
            bias: generator.bias() as u32,
            symbols: generator.outputs as u32,
            keep: layout.keep as u32,
            pitch: layout.check(attentional.rows, candidates)?,
            avoid_0,
            avoid_1,
        };
        let tiling = self.tiling_of_tiles(Products::one(attentional.rows, generator.quads, generator.input_quads()));
        let buffers = vec![generator.memory.clone(), attentional.memory.clone(), candidates.memory.clone()];
        self.record_tiled(DECLARED, params, &[], buffers, tiling)
    }
}
