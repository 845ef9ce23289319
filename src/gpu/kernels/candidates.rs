//! `shaders/candidates.wgsl`: what beam search needs of probabilities.

use super::generator::CandidateLayout;
use crate::Result;
use crate::backend::SearchRules;
use crate::gpu::{Gpu, GpuTensor};

kernel! {
    Candidates = "candidates" reads 1 then writes 1, 256 threads:
    rows: u32,
    quads: u32,
    symbols: u32,
    keep: u32,
    pitch: u32,
    avoid_0: u32,
    avoid_1: u32,
}

impl Gpu {
    /// The candidates of every row of `probabilities` (rows, vocab).
    pub(in crate::gpu) fn record_candidates(
        &self,
        rules: &SearchRules,
        probabilities: &GpuTensor,
        candidates: &GpuTensor,
    ) -> Result<()> {
        const ROWS: usize = 16;
        let layout = CandidateLayout::new(probabilities.cols, rules.beam);
        let [avoid_0, avoid_1] = rules.avoided();
        let params = Candidates {
            rows: probabilities.rows as u32,
            quads: probabilities.quads() as u32,
            symbols: probabilities.cols as u32,
            keep: layout.keep as u32,
            pitch: layout.check(probabilities.rows, candidates)?,
            avoid_0,
            avoid_1,
        };
        let workgroups = [layout.tiles as u32, probabilities.rows.div_ceil(ROWS) as u32, 1];
        self.record(DECLARED, params, &[], vec![probabilities.memory.clone(), candidates.memory.clone()], workgroups)
    }
}
