//! `shaders/cover.wgsl`: what was attended to so far, and the penalty for what was not.

use crate::backend::{AttendedStep, LEAST_COVERAGE, Search, SearchRules, Share};
use crate::gpu::Gpu;
use crate::gpu::kernel::grid;
use crate::{Error, Result};

kernel! {
    Cover = "cover" reads 5 then writes 2, 128 threads:
    batch: u32,
    beam: u32,
    width: u32,
    rows: u32,
    first_row: u32,
    pitch: u32,
    cols: u32,
    step: u32,
    share: f32,
    replace: u32,
    factor: f32,
    least: f32,
}

impl Gpu {
    pub(in crate::gpu) fn cover(
        &self,
        rules: &SearchRules,
        attended: &AttendedStep<'_, Self>,
        share: Share,
        search: &mut Search<Self>,
    ) -> Result<()> {
        const OPERATION: &str = "cover";
        let AttendedStep { weights, first_row, width, step } = *attended;
        let (rows, batch) = (search.log_prob.rows, search.limits.rows);
        let Some(coverage) = &mut search.coverage else { return Ok(()) };
        let of_sentence = weights.rows.checked_div(batch).unwrap_or(0);
        Error::check(OPERATION, "weight rows", batch * of_sentence, weights.rows)?;
        Error::check(OPERATION, "weight rows of a sentence", of_sentence.max(first_row + width), of_sentence)?;
        Error::check(OPERATION, "sums' columns", weights.cols, coverage.sums.cols)?;
        if rows == 0 {
            return Ok(());
        }
        if share.first {
            std::mem::swap(&mut coverage.sums, &mut coverage.previous);
        }
        let params = Cover {
            batch: batch as u32,
            beam: rules.beam as u32,
            width: width as u32,
            rows: of_sentence as u32,
            first_row: first_row as u32,
            pitch: 4 * weights.quads() as u32,
            cols: weights.cols as u32,
            step: step as u32,
            share: share.weight as f32,
            replace: u32::from(share.first),
            factor: rules.coverage_penalty as f32,
            least: LEAST_COVERAGE as f32,
        };
        let buffers = vec![
            weights.memory.clone(),
            coverage.previous.memory.clone(),
            search.frontier.memory.clone(),
            search.status.memory.clone(),
            coverage.lengths.memory.clone(),
            coverage.sums.memory.clone(),
            coverage.penalty.memory.clone(),
        ];
        self.record(DECLARED, params, &[], buffers, grid(rows))
    }
}
