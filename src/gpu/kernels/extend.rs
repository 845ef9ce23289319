//! `shaders/extend.wgsl`: which extensions of a sentence's hypotheses live on or are finished.

use super::generator::CandidateLayout;
use super::grid;
use crate::backend::{Search, SearchRules};
use crate::gpu::Gpu;
use crate::{Error, Result};

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
        let check = |what, expected, found| Error::check("extend", what, expected, found);
        let (beam, batch) = (rules.beam, search.limits.rows);
        let width = if rows == batch { 1 } else { beam };
        check("rows", batch * width, rows)?;
        check("limits' columns", 2, search.limits.cols)?;
        check("frontier", 2 * batch * beam, search.frontier.len)?;
        check("log probabilities", batch * beam, search.log_prob.rows)?;
        check("status", 3 * batch, search.status.len)?;
        check("finished rows", batch * rules.n_best, search.finished.rows)?;
        check("finished columns", 4, search.finished.cols)?;
        let steps = search.trellis.len / (2 * batch * beam).max(1);
        check("steps within the trellis", row.min(steps.saturating_sub(1)), row)?;
        if let Some(coverage) = &search.coverage {
            check("coverage penalties", batch * beam, coverage.penalty.rows)?;
        }
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
