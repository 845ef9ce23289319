//! What was attended to so far, and the penalty for what was not: Wu et al. 2016, eq. 14.

use super::processor::Cpu;
use super::simd::Lanes;
use crate::backend::{AttendedStep, LEAST_COVERAGE, Search, SearchRules, Share, Status};
use crate::{Error, Float, Result};

impl<T: Lanes> Cpu<T> {
    /// See [`cover`](crate::Backend::cover).
    pub(in crate::cpu) fn cover(
        &self,
        rules: &SearchRules,
        attended: &AttendedStep<'_, Cpu<T>>,
        share: Share,
        search: &mut Search<Cpu<T>>,
    ) -> Result<()> {
        const OPERATION: &str = "cover";
        let AttendedStep { weights, first_row, width, step } = *attended;
        let (rows, batch) = (search.log_prob.data.len(), search.limits.rows);
        let Some(coverage) = &mut search.coverage else { return Ok(()) };
        let of_sentence = weights.rows / batch.max(1);
        Error::check(OPERATION, "weight rows", batch * of_sentence, weights.rows)?;
        Error::check(OPERATION, "weight rows of a sentence", of_sentence.max(first_row + width), of_sentence)?;
        Error::check(OPERATION, "sums' columns", weights.cols, coverage.sums.cols)?;
        if share.first {
            std::mem::swap(&mut coverage.sums, &mut coverage.previous);
        }
        let (weight, least) = (T::from_f64(share.weight), T::from_f64(LEAST_COVERAGE));
        let beam = rows / batch.max(1);
        for row in 0..rows {
            let sentence = row / beam;
            let ended = search.status[Status::Ended as usize * batch + sentence] as usize;
            if ended != 0 && ended != step + 1 {
                continue;
            }
            let hypothesis = search.frontier[rows + row] as usize - sentence * width;
            let sums = &mut coverage.sums.data[row * weights.cols..][..weights.cols];
            if share.first {
                sums.copy_from_slice(coverage.previous.row(sentence * beam + hypothesis));
            }
            for (sum, &attended) in sums.iter_mut().zip(weights.row(sentence * of_sentence + first_row + hypothesis)) {
                *sum += weight * attended;
            }
            let covered = sums[..coverage.lengths[sentence] as usize].iter().map(|&sum| Float::max(least, sum));
            let penalty: T = covered.map(|sum| if sum < T::ONE { sum.ln() } else { T::ZERO }).sum();
            coverage.penalty.data[row] = T::from_f64(rules.coverage_penalty) * penalty;
        }
        Ok(())
    }
}
