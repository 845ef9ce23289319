//! A step of beam search: which extensions of a sentence's hypotheses are kept.

use super::generator::{Candidate, Candidates, of_generator, of_probabilities};
use super::processor::Cpu;
use super::simd::Lanes;
use crate::backend::{Distribution, ExtendSizes, Search, SearchRules, Status};
use crate::{Error, Result};

impl<T: Lanes> Cpu<T> {
    /// See [`extend`](crate::Backend::extend).
    pub(in crate::cpu) fn extend(
        &self,
        rules: &SearchRules,
        symbols: Distribution<'_, Cpu<T>>,
        step: usize,
        row: usize,
        search: &mut Search<Cpu<T>>,
    ) -> Result<()> {
        let (batch, width) = check(rules, &symbols, row, search)?;
        // The rows that a live hypothesis is in, and where those of each sentence begin among them.
        let mut rows = Vec::with_capacity(batch * width);
        let mut firsts = Vec::with_capacity(batch);
        for sentence in 0..batch {
            firsts.push(rows.len());
            if search.status[Status::Ended as usize * batch + sentence] == 0 {
                let live = search.status[Status::Live as usize * batch + sentence] as usize;
                rows.extend(sentence * width..sentence * width + live.min(width));
            }
        }
        let avoids = |symbol| rules.avoids(symbol);
        let candidates = match symbols {
            Distribution::Generator { weights, attentional } => {
                of_generator(weights, attentional, &rows, rules.beam.min(weights.outputs), avoids)
            }
            Distribution::Probabilities(probabilities) => {
                of_probabilities(probabilities, &rows, rules.beam.min(probabilities.cols), avoids)
            }
        };
        let ends = firsts.iter().skip(1).copied().chain([rows.len()]);
        let mut sentences =
            Sentences { rules, step, row, width, batch, search, chosen: Vec::with_capacity(rules.beam) };
        for (sentence, (&first, end)) in firsts.iter().zip(ends).enumerate() {
            if first < end {
                sentences.choose(&candidates, first, end - first, sentence);
                sentences.keep(sentence);
            }
        }
        Ok(())
    }
}

/// The number of sentences, and of hypotheses of each in this step, once all sizes fit.
fn check<T: Lanes>(
    rules: &SearchRules,
    symbols: &Distribution<'_, Cpu<T>>,
    row: usize,
    search: &Search<Cpu<T>>,
) -> Result<(usize, usize)> {
    let rows = match *symbols {
        Distribution::Generator { weights, attentional } => {
            Error::check("extend", "generator inputs", weights.panels.inputs, attentional.cols)?;
            attentional.rows
        }
        Distribution::Probabilities(probabilities) => probabilities.rows,
    };
    let sizes = ExtendSizes {
        rows,
        limits: [search.limits.rows, search.limits.cols],
        frontier: search.frontier.len(),
        log_prob: search.log_prob.rows,
        status: search.status.len(),
        finished: [search.finished.rows, search.finished.cols],
        trellis: search.trellis.len(),
        penalty: search.coverage.as_ref().map(|coverage| coverage.penalty.rows),
    };
    sizes.check(rules, row)
}

/// An extension that was kept.
#[derive(Clone, Copy, Debug)]
struct Chosen<T> {
    /// The hypothesis that is extended.
    hypothesis: usize,
    symbol: u32,
    /// Σ ln p, of this symbol too.
    log_prob: T,
}

/// The search of one sentence after the other.
struct Sentences<'a, T: Lanes> {
    rules: &'a SearchRules,
    step: usize,
    /// The step's place in the trellis.
    row: usize,
    /// Hypotheses of a sentence in this step.
    width: usize,
    batch: usize,
    search: &'a mut Search<Cpu<T>>,
    /// Of the sentence at hand, the best first.
    chosen: Vec<Chosen<T>>,
}

impl<T: Lanes> Sentences<'_, T> {
    /// The best extensions of `live` hypotheses, whose candidates begin at row `first`.
    ///
    /// They are compared by L_k + ln p_k(v) − (L_0 + ln p_0(v) − x_0(v)): of one hypothesis alone the logits
    /// themselves.
    fn choose(&mut self, candidates: &Candidates<T>, first: usize, live: usize, sentence: usize) {
        self.chosen.clear();
        let log_prob = &self.search.log_prob.data[sentence * self.rules.beam..];
        let probability = |hypothesis: usize, logit: T| {
            let softmax = candidates.softmax[first + hypothesis];
            log_prob[hypothesis] + ((logit - softmax.largest) - softmax.sum.ln())
        };
        let base = |hypothesis: usize| probability(hypothesis, T::ZERO);
        let offsets: Vec<T> = (0..live).map(|hypothesis| base(hypothesis) - base(0)).collect();
        // How many candidates of each hypothesis were taken.
        let mut taken = vec![0; live];
        while self.chosen.len() < self.rules.beam {
            let head = |hypothesis: usize| {
                let candidate: Candidate<T> = *candidates.of(first + hypothesis).get(taken[hypothesis])?;
                let key = candidate.logit + offsets[hypothesis];
                (candidate.logit > T::NEG_INFINITY).then_some((key, hypothesis, candidate))
            };
            let better = |a: (T, usize, Candidate<T>), b: (T, usize, Candidate<T>)| if b.0 > a.0 { b } else { a };
            let Some((_, hypothesis, Candidate { logit, symbol })) = (0..live).filter_map(head).reduce(better) else {
                break;
            };
            taken[hypothesis] += 1;
            self.chosen.push(Chosen { hypothesis, symbol, log_prob: probability(hypothesis, logit) });
        }
    }

    /// What was chosen lives or is finished.
    fn keep(&mut self, sentence: usize) {
        let Self { rules, step, row, width, batch, .. } = *self;
        let (beam, rows) = (rules.beam, batch * rules.beam);
        let length_penalty = T::from_f64(rules.length_penalty.of(step + 1));
        let trellis = row * 2 * rows;
        let mut live = 0;
        for index in 0..self.chosen.len() {
            let Chosen { hypothesis, symbol, log_prob } = self.chosen[index];
            if symbol == rules.special.eos {
                let coverage = self.search.coverage.as_ref();
                let penalty = coverage.map_or(T::ZERO, |coverage| coverage.penalty.data[sentence * beam + hypothesis]);
                self.finish(sentence, log_prob / length_penalty + penalty, log_prob, hypothesis);
                continue;
            }
            let at = sentence * beam + live;
            self.search.frontier[at] = symbol;
            self.search.frontier[rows + at] = (sentence * width + hypothesis) as u32;
            self.search.trellis[trellis + at] = symbol;
            self.search.trellis[trellis + rows + at] = hypothesis as u32;
            self.search.log_prob.data[at] = log_prob;
            live += 1;
        }
        // Rows without a hypothesis are computed with the others: they continue one that exists.
        for at in sentence * beam + live..(sentence + 1) * beam {
            self.search.frontier[at] = rules.special.pad;
            self.search.frontier[rows + at] = (sentence * width) as u32;
        }
        let ended = live == 0 || step + 1 >= self.limit(sentence) || self.is_won(sentence);
        self.search.status[Status::Live as usize * batch + sentence] = live as u32;
        self.search.status[Status::Ended as usize * batch + sentence] = if ended { step as u32 + 1 } else { 0 };
    }

    /// Puts a finished hypothesis in its place, if it is among the best.
    fn finish(&mut self, sentence: usize, score: T, log_prob: T, hypothesis: usize) {
        let n_best = self.rules.n_best;
        let count = &mut self.search.status[Status::Finished as usize * self.batch + sentence];
        let finished = &mut self.search.finished.data[sentence * n_best * 4..][..n_best * 4];
        let (finished, _) = finished.as_chunks_mut::<4>();
        let place = finished[..*count as usize].partition_point(|better| better[0] >= score);
        if place < n_best {
            finished[place..].rotate_right(1);
            finished[place] = [score, log_prob, T::from_f64(self.step as f64), T::from_f64(hypothesis as f64)];
            *count = (*count + 1).min(n_best as u32);
        }
    }

    fn limit(&self, sentence: usize) -> usize {
        self.search.limits.row(sentence)[0].to_f64() as usize
    }

    /// Whether as many hypotheses are finished as are wanted, and none that lives can come to a better score.
    fn is_won(&self, sentence: usize) -> bool {
        let n_best = self.rules.n_best;
        let finished = self.search.status[Status::Finished as usize * self.batch + sentence] as usize;
        let best = self.search.log_prob.data[sentence * self.rules.beam] / self.search.limits.row(sentence)[1];
        finished == n_best && best <= self.search.finished.row(sentence * n_best + n_best - 1)[0]
    }
}
