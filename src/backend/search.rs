//! Beam search: the hypotheses of a batch on a device, and the rules that they are chosen by.

use std::fmt::{self, Display};
use std::str::FromStr;

use serde::Serialize;

use super::Storage;
use crate::config::SpecialTokens;
use crate::{Array, Error, Result};

/// The largest beam: some numbers of each live hypothesis are kept in a workgroup's memory.
pub const MAX_BEAM: usize = 512;

/// What a source position counts as in the coverage penalty, if less than this was attended to it: its logarithm
/// must be a number.
pub const LEAST_COVERAGE: f64 = 1e-10;

/// Which hypotheses are kept, and how they are compared.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchRules {
    /// K: how many extensions of a sentence's hypotheses are kept in each step, from 1 to [`MAX_BEAM`].
    pub beam: usize,
    /// N: how many finished hypotheses of a sentence are kept, from 1 to K.
    pub n_best: usize,
    /// lp(Y), which log probabilities are divided by.
    pub length_penalty: LengthPenalty,
    /// β ≥ 0 of cp(X, Y) = β Σ_s ln min(Σ_t a_t(s), 1): Wu et al. 2016, eq. 14.
    pub coverage_penalty: f64,
    /// Whether pad and bos, which no text holds, are never chosen.
    pub text_only: bool,
    /// The ids of pad, bos and eos.
    pub special: SpecialTokens,
}

impl SearchRules {
    /// The most probable symbol at every step.
    pub fn greedy(special: &SpecialTokens) -> Self {
        Self {
            beam: 1,
            n_best: 1,
            length_penalty: LengthPenalty::None,
            coverage_penalty: 0.0,
            text_only: false,
            special: special.clone(),
        }
    }

    /// Checks every rule, and names the one that is not possible.
    pub fn check(&self) -> Result<()> {
        let Self { beam, n_best, length_penalty, coverage_penalty, .. } = self;
        let within = |key: &str, right: bool, expected: String, found: String| {
            if right { Ok(()) } else { Err(Error::Config { key: key.to_owned(), expected, found }) }
        };
        within("beam", (1..=MAX_BEAM).contains(beam), format!("from 1 to {MAX_BEAM}"), beam.to_string())?;
        within("n_best", (1..=*beam).contains(n_best), format!("from 1 to the beam, {beam}"), n_best.to_string())?;
        let factor = |key, factor: f64, most: f64| {
            within(key, (0.0..=most).contains(&factor), format!("from 0 to {most}"), factor.to_string())
        };
        factor("length_penalty", length_penalty.exponent(), MAX_EXPONENT)?;
        factor("coverage_penalty", *coverage_penalty, MAX_COVERAGE)
    }

    /// The symbols that candidates may not be; the largest number, which is none, in place of one that they may be. What ends a
    /// target is chosen though it begins them too.
    pub(crate) fn avoided(&self) -> [u32; 2] {
        let SpecialTokens { pad, bos, eos, .. } = self.special;
        [pad, bos].map(|symbol| if self.text_only && symbol != eos { symbol } else { u32::MAX })
    }

    /// Whether candidates may not be this symbol.
    pub(crate) fn avoids(&self, symbol: u32) -> bool {
        self.avoided().contains(&symbol)
    }

    /// The coverage penalty of a source of which nothing was attended to yet.
    pub(crate) fn uncovered(&self, length: u32) -> f64 {
        self.coverage_penalty * f64::from(length) * LEAST_COVERAGE.ln()
    }
}

/// The largest α: penalties of 10,000 symbols, and the scores that come of them, are still numbers of 32 bits.
const MAX_EXPONENT: f64 = 5.0;

/// The largest β: what is beyond is a slip of the keyboard.
const MAX_COVERAGE: f64 = 100.0;

/// lp(Y), a function of the number of symbols |Y|, the end included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(into = "String")]
pub enum LengthPenalty {
    /// 1: the log probability itself, which favours short hypotheses.
    #[default]
    None,
    /// |Y|^α: with α = 1 the mean log probability of a symbol.
    Power(f64),
    /// ((5 + |Y|) / 6)^α: Wu et al. 2016, eq. 14.
    Wu(f64),
}

impl LengthPenalty {
    /// lp at this length, at least 1 symbol.
    pub fn of(self, length: usize) -> f64 {
        match self {
            Self::None => 1.0,
            Self::Power(alpha) => (length as f64).powf(alpha),
            Self::Wu(alpha) => ((5.0 + length as f64) / 6.0).powf(alpha),
        }
    }

    fn exponent(self) -> f64 {
        match self {
            Self::None => 0.0,
            Self::Power(alpha) | Self::Wu(alpha) => alpha,
        }
    }
}

/// As [`FromStr`] reads it.
impl Display for LengthPenalty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Power(alpha) => write!(f, "length:{alpha}"),
            Self::Wu(alpha) => write!(f, "wu:{alpha}"),
        }
    }
}

impl From<LengthPenalty> for String {
    fn from(penalty: LengthPenalty) -> Self {
        penalty.to_string()
    }
}

/// `none`, `length:ALPHA` or `wu:ALPHA`.
impl FromStr for LengthPenalty {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "expected none, length:ALPHA or wu:ALPHA, with ALPHA from 0 to 5";
        if text == "none" {
            return Ok(Self::None);
        }
        let (name, alpha) = text.split_once(':').ok_or(EXPECTED)?;
        let alpha = alpha.parse().ok().filter(|alpha| (0.0..=MAX_EXPONENT).contains(alpha)).ok_or(EXPECTED)?;
        match name {
            "length" => Ok(Self::Power(alpha)),
            "wu" => Ok(Self::Wu(alpha)),
            _ => Err(EXPECTED),
        }
    }
}

/// How probable each symbol is as the next one of every row.
#[derive(Debug)]
pub enum Distribution<'a, B: Storage> {
    /// softmax(W_s h̃_t + b_s), of which nothing is written.
    Generator {
        /// W_s (vocab, hidden), b_s
        weights: &'a B::Linear,
        /// h̃_t (rows, hidden)
        attentional: &'a B::Tensor,
    },
    /// The probabilities themselves (rows, vocab).
    Probabilities(&'a B::Tensor),
}

/// A model's part in an ensemble.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// How much it counts for: 1 / M of M models.
    pub weight: f64,
    /// Whether it is the first, which replaces what was there; the others add to it.
    pub first: bool,
}

impl Share {
    /// Of a model that is alone.
    pub const WHOLE: Self = Self { weight: 1.0, first: true };

    /// Of model `model` of `models`.
    pub fn of(model: usize, models: usize) -> Self {
        Self { weight: 1.0 / models as f64, first: model == 0 }
    }
}

/// The hypotheses of a batch on a device, K of a sentence side by side: row b · K + k is number k of sentence b.
///
/// A state is never copied from one hypothesis to another: each says whose it continues.
#[derive(Debug)]
pub struct Search<B: Storage> {
    /// The symbols that the live hypotheses end with, then the rows of the last step whose states they continue
    /// (2 · batch · K).
    pub frontier: B::Ids,
    /// Σ ln p of the live hypotheses (batch · K, 1).
    pub log_prob: B::Tensor,
    /// How many hypotheses live, how many are finished, and after how many steps the search has ended, 0 if it has not
    /// (3 · batch): see [`Status`].
    pub status: B::Ids,
    /// The most symbols, the end included, and lp at that length (batch, 2).
    pub limits: B::Tensor,
    /// The finished hypotheses, best first (batch · N, 4): score, Σ ln p, the step that ended it, and the row of its
    /// sentence that it was in before that step.
    pub finished: B::Tensor,
    /// Of each step that there is room for, the symbols of the live hypotheses, then the rows of their sentence that
    /// they continue (steps · 2 · batch · K).
    pub trellis: B::Ids,
    /// Where the rules want it.
    pub coverage: Option<Coverage<B>>,
    /// What a device may keep between generator and choice: see [`Storage::candidate_cols`].
    pub candidates: B::Tensor,
}

impl<B: Storage> Search<B> {
    /// Before the first step: one hypothesis of each sentence lives, and says nothing.
    ///
    /// `lengths` are those of the sources, `limits` the most symbols of their targets; there is room for `steps` steps
    /// in the trellis.
    pub fn new(
        backend: &B,
        rules: &SearchRules,
        lengths: &[u32],
        limits: &[usize],
        steps: usize,
        vocab_size: usize,
    ) -> Result<Self> {
        let batch = lengths.len();
        let rows = batch * rules.beam;
        let src_len = lengths.iter().max().map_or(0, |&longest| longest as usize);
        let limits = limits.iter().flat_map(|&limit| [limit as f32, at_least(rules.length_penalty.of(limit))]);
        let coverage = if rules.coverage_penalty > 0.0 {
            let uncovered = lengths.iter().map(|&length| rules.uncovered(length) as f32);
            let penalty = uncovered.flat_map(|penalty| std::iter::repeat_n(penalty, rules.beam)).collect();
            Some(Coverage {
                sums: backend.zeros(rows, src_len)?,
                previous: backend.zeros(rows, src_len)?,
                penalty: backend.upload(&Array::new([rows, 1], penalty))?,
                lengths: backend.upload_ids(lengths)?,
            })
        } else {
            None
        };
        Ok(Self {
            frontier: backend.upload_ids(&vec![0; 2 * rows])?,
            log_prob: backend.zeros(rows, 1)?,
            status: backend.upload_ids(&[vec![1; batch], vec![0; 2 * batch]].concat())?,
            limits: backend.upload(&Array::new([batch, 2], limits.collect()))?,
            finished: backend.zeros(batch * rules.n_best, 4)?,
            trellis: backend.upload_ids(&vec![0; steps * 2 * rows])?,
            coverage,
            candidates: backend.zeros(rows, backend.candidate_cols(vocab_size, rules.beam))?,
        })
    }
}

/// The sizes of what [`extend`](super::Backend::extend) reads and writes, as a backend finds them.
pub(crate) struct ExtendSizes {
    /// Rows of the distribution.
    pub rows: usize,
    /// Rows and columns.
    pub limits: [usize; 2],
    pub frontier: usize,
    pub log_prob: usize,
    pub status: usize,
    /// Rows and columns.
    pub finished: [usize; 2],
    pub trellis: usize,
    /// Rows, where there is coverage.
    pub penalty: Option<usize>,
}

impl ExtendSizes {
    /// The number of sentences, and of hypotheses of each in this step, once all sizes fit; `row` is the step's place
    /// in the trellis.
    pub(crate) fn check(&self, rules: &SearchRules, row: usize) -> Result<(usize, usize)> {
        let check = |what, expected, found| Error::check("extend", what, expected, found);
        let (beam, batch) = (rules.beam, self.limits[0]);
        let width = if self.rows == batch { 1 } else { beam };
        check("rows", batch * width, self.rows)?;
        check("limits' columns", 2, self.limits[1])?;
        check("frontier", 2 * batch * beam, self.frontier)?;
        check("log probabilities", batch * beam, self.log_prob)?;
        check("status", 3 * batch, self.status)?;
        check("finished rows", batch * rules.n_best, self.finished[0])?;
        check("finished columns", 4, self.finished[1])?;
        let steps = self.trellis / (2 * batch * beam).max(1);
        check("steps within the trellis", row.min(steps.saturating_sub(1)), row)?;
        check("coverage penalties", batch * beam, self.penalty.unwrap_or(batch * beam))?;
        Ok((batch, width))
    }
}

/// Rounded up to 32 bits: a penalty that is too small would let a search end too early.
fn at_least(penalty: f64) -> f32 {
    let rounded = penalty as f32;
    if f64::from(rounded) < penalty { rounded.next_up() } else { rounded }
}

/// What was attended to so far.
#[derive(Debug)]
pub struct Coverage<B: Storage> {
    /// Σ_t a_t(s) of every live hypothesis (batch · K, src_len).
    pub sums: B::Tensor,
    /// The same a step earlier.
    pub previous: B::Tensor,
    /// cp of every live hypothesis (batch · K, 1).
    pub penalty: B::Tensor,
    /// Source lengths (batch).
    pub lengths: B::Ids,
}

/// Which of the three parts of [`Search::status`] holds what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Status {
    /// Hypotheses that live.
    Live,
    /// Hypotheses that are finished.
    Finished,
    /// After how many steps the search of the sentence has ended; 0 before.
    Ended,
}

/// The attention weights of a step of a search.
#[derive(Debug)]
pub struct AttendedStep<'a, B: Storage> {
    /// (batch · rows, src_len): those of hypothesis k of sentence b stand in row b · rows + `first_row` + k.
    pub weights: &'a B::Tensor,
    /// Where the step's rows begin among those of a sentence.
    pub first_row: usize,
    /// Hypotheses that a sentence had in the step: 1 or K.
    pub width: usize,
    /// Which step.
    pub step: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn penalties_are_read_as_they_are_shown() {
        for (text, penalty, of_seven) in [
            ("none", LengthPenalty::None, 1.0),
            ("length:0.5", LengthPenalty::Power(0.5), 7.0_f64.sqrt()),
            ("length:1", LengthPenalty::Power(1.0), 7.0),
            ("wu:0.6", LengthPenalty::Wu(0.6), 2.0_f64.powf(0.6)),
            ("wu:0", LengthPenalty::Wu(0.0), 1.0),
        ] {
            assert_eq!(text.parse(), Ok(penalty));
            assert_eq!(penalty.to_string(), text);
            assert!((penalty.of(7) - of_seven).abs() < 1e-12, "{text}");
        }
        for wrong in ["", "None", "0.6", "length", "length:", "wu:-1", "wu:NaN", "wu:inf", "wu:5.1", "google:1"] {
            assert!(wrong.parse::<LengthPenalty>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn impossible_rules_are_named() {
        let rules = SearchRules {
            beam: 4,
            n_best: 2,
            ..SearchRules::greedy(&SpecialTokens { pad: 0, bos: 1, eos: 2, unk: None })
        };
        assert!(rules.check().is_ok());
        for (key, rules) in [
            ("beam", SearchRules { beam: 0, ..rules.clone() }),
            ("beam", SearchRules { beam: MAX_BEAM + 1, ..rules.clone() }),
            ("n_best", SearchRules { n_best: 0, ..rules.clone() }),
            ("n_best", SearchRules { n_best: 5, ..rules.clone() }),
            ("length_penalty", SearchRules { length_penalty: LengthPenalty::Power(-1.0), ..rules.clone() }),
            ("coverage_penalty", SearchRules { coverage_penalty: f64::NAN, ..rules.clone() }),
        ] {
            let error = rules.check().expect_err("an error");
            assert!(matches!(&error, Error::Config { key: found, .. } if found == key), "{error}");
        }
    }
}
