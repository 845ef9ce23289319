//! `shaders/extend.wgsl`: which extensions of a sentence's hypotheses live on or are finished.

use std::sync::Arc;

use super::generator::CandidateLayout;
use crate::backend::{Distribution, ExtendSizes, Search, SearchRules};
use crate::gpu::kernel::grid;
use crate::gpu::memory::Memory;
use crate::gpu::tiling::extension_form;
use crate::gpu::{ExtensionForm, Gpu};
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

impl Gpu {
    pub(in crate::gpu) fn extend(
        &self,
        rules: &SearchRules,
        extended: Distribution<'_, Self>,
        step: usize,
        row: usize,
        search: &Search<Self>,
    ) -> Result<()> {
        let (rows, symbols) = match extended {
            Distribution::Generator { weights, attentional } => (attentional.rows, weights.outputs),
            Distribution::Probabilities(probabilities) => (probabilities.rows, probabilities.cols),
        };
        if rows == 0 {
            return Ok(());
        }
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
        match extended {
            Distribution::Generator { weights, attentional } => {
                Error::check("extend", "generator inputs", weights.input_quads(), attentional.quads())?;
                let sizes = [symbols, 4 * weights.input_quads()];
                let form = extension_form(self.choices(), self.is_hardware(), [batch, beam], sizes);
                // A penalty would be one buffer more than a shader may bind.
                if form == ExtensionForm::Together && search.coverage.is_none() {
                    return self.record_generator_extend(rules, weights, attentional, layout, params, search);
                }
                self.record_generator(rules, weights, attentional, &search.candidates)?;
            }
            Distribution::Probabilities(rows) => self.record_candidates(rules, rows, &search.candidates)?,
        }
        let penalty = search.coverage.as_ref().map_or(&self.unused[0], |coverage| &coverage.penalty.memory);
        let mut buffers = vec![penalty.clone(), search.limits.memory.clone(), search.candidates.memory.clone()];
        buffers.extend(written(search));
        self.record(DECLARED, params, &[], buffers, grid(batch))
    }
}

/// What a step of a search writes, in the order of the shaders that do: `frontier`, `trellis`, `status`, `log_prob`, `finished`.
pub(super) fn written(search: &Search<Gpu>) -> [Arc<Memory>; 5] {
    let Search { frontier, trellis, status, log_prob, finished, .. } = search;
    [&frontier.memory, &trellis.memory, &status.memory, &log_prob.memory, &finished.memory].map(Arc::clone)
}
