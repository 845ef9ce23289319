//! `shaders/choose.wgsl`: the next token of every sentence.

use super::grid;
use crate::backend::Progress;
use crate::gpu::Gpu;
use crate::model::SpecialTokens;
use crate::{Error, Result};

kernel! {
    Choose = "choose" reads 1 then writes 4, 128 threads:
    batch: u32,
    tiles: u32,
    step: u32,
    max_length: u32,
    pad: u32,
    eos: u32,
}

impl Gpu {
    pub(in crate::gpu) fn record_choose(
        &self,
        special: &SpecialTokens,
        step: usize,
        progress: &Progress<Self>,
    ) -> Result<()> {
        let tiles = &progress.tiles;
        let batch = tiles.rows;
        if batch == 0 {
            return Ok(());
        }
        for (what, found) in [("previous", progress.previous.len), ("finished", progress.finished.len)] {
            Error::check("greedy_step", what, batch, found)?;
        }
        let max_length = progress.tokens.len / batch;
        if step >= max_length {
            return Err(Error::Shape {
                operation: "greedy_step",
                what: "steps",
                expected: max_length,
                found: step + 1,
            });
        }
        let params = Choose {
            batch: batch as u32,
            tiles: tiles.quads() as u32,
            step: step as u32,
            max_length: max_length as u32,
            pad: special.pad,
            eos: special.eos,
        };
        let buffers = vec![
            tiles.memory.clone(),
            progress.previous.memory.clone(),
            progress.finished.memory.clone(),
            progress.tokens.memory.clone(),
            progress.log_prob.memory.clone(),
        ];
        self.record(params, &[], buffers, grid(batch))
    }
}
