//! `shaders/extend.wgsl`: which extensions of a sentence's hypotheses live on or are finished.

use super::generator::CandidateLayout;
use super::grid;
use crate::Result;
use crate::backend::{ExtendSizes, Search, SearchRules};
use crate::gpu::Gpu;

kernel! {
    Extend = "extend" reads 2 then writes 6, 128 threads:
    batch: u32,
    width: u32,
    beam: u32,
    n_best: u32,
    tiles: u32,
    keep: u32,
    pitch: u32,
    symbols: u32,
    step: u32,
    row: u32,
    eos: u32,
    pad: u32,
    covered: u32,
    length_penalty: f32,
}

/// What a step of a search extends.
#[derive(Clone, Copy, Debug)]
pub(in crate::gpu) struct ExtendedRows {
    /// Rows of the step, of all sentences.
    pub rows: usize,
    /// Symbols that each is extended by.
    pub symbols: usize,
}

impl Gpu {
    /// Step `step`, which is row `row` of the trellis, once the candidates of its rows are there.
    pub(in crate::gpu) fn record_extend(
        &self,
        rules: &SearchRules,
        ExtendedRows { rows, symbols }: ExtendedRows,
        step: usize,
        row: usize,
        search: &Search<Self>,
    ) -> Result<()> {
        let beam = rules.beam;
        let sizes = ExtendSizes {
            rows,
            limits: [search.limits.rows, search.limits.cols],
            frontier: search.frontier.len,
            log_prob: search.log_prob.rows,
            status: search.status.len,
            finished: [search.finished.rows, search.finished.cols],
            trellis: search.trellis.len,
            penalty: search.coverage.as_ref().map(|coverage| coverage.penalty.rows),
        };
        let (batch, width) = sizes.check(rules, row)?;
        let layout = CandidateLayout::new(symbols, beam);
        let params = Extend {
            batch: batch as u32,
            width: width as u32,
            beam: beam as u32,
            n_best: rules.n_best as u32,
            tiles: layout.tiles as u32,
            keep: layout.keep as u32,
            pitch: layout.check(rows, &search.candidates)?,
            symbols: symbols as u32,
            step: step as u32,
            row: row as u32,
            eos: rules.special.eos,
            pad: rules.special.pad,
            covered: u32::from(search.coverage.is_some()),
            length_penalty: rules.length_penalty.of(step + 1) as f32,
        };
        let penalty = search.coverage.as_ref().map_or(&self.unused[0], |coverage| &coverage.penalty.memory);
        let buffers = vec![
            penalty.clone(),
            search.limits.memory.clone(),
            search.candidates.memory.clone(),
            search.frontier.memory.clone(),
            search.trellis.memory.clone(),
            search.status.memory.clone(),
            search.log_prob.memory.clone(),
            search.finished.memory.clone(),
        ];
        self.record(params, &[], buffers, grid(batch))
    }
}
