//! Whole models: over a given target, and translating greedily.

use std::fmt;

use super::recurrent::cell_name;
use super::{Case, Operation, Output, Values, Work};
use crate::backend::{Backend, Training};
use crate::decode::{GreedyOptions, Hypothesis, greedy};
use crate::device::Precision;
use crate::model::{
    AttentionConfig, Bridge, Cell, Config, DecoderConfig, EncoderConfig, Parameters, Score, SpecialTokens, Window,
};
use crate::nn::{Forced, Seq2Seq};
use crate::text::Batch;
use crate::verify::inputs::Inputs;
use crate::{Array, Float, Result};

/// A model with weights in ±`scale`, and a batch for it.
#[derive(Clone, Debug)]
pub struct ModelCase {
    /// The architecture.
    pub config: Config,
    /// Weights are uniform in ± this.
    pub scale: f32,
    /// Sentences.
    pub batch: usize,
    /// Positions of the longest source.
    pub src_len: usize,
    /// Positions of the longest target; for a translation, its limit.
    pub tgt_len: usize,
}

impl ModelCase {
    fn model<B: Backend>(&self, backend: &B, inputs: &Inputs) -> Result<Seq2Seq<B>> {
        let seed = self.src_len * 1000 + self.tgt_len;
        let parameters = Parameters::random(&self.config, seed as u64, self.scale)?;
        Seq2Seq::new(
            backend,
            &self.config,
            &match inputs.precision() {
                Precision::F32 => parameters,
                Precision::F16 => parameters.rounded_to_half()?,
            },
        )
    }

    /// Ragged sentences of ordinary ids; all of them begin with `first`, if there is one.
    fn sentences(
        &self,
        inputs: &Inputs,
        side: &str,
        len: usize,
        vocab_size: usize,
        first: Option<u32>,
    ) -> Result<Batch> {
        let sentences: Vec<Vec<u32>> = inputs
            .lengths(self.batch, len)
            .iter()
            .enumerate()
            .map(|(sentence, &length)| {
                let mut ids = inputs.ids(&format!("{side} {sentence}"), length as usize, vocab_size);
                if let (Some(first), Some(id)) = (first, ids.first_mut()) {
                    *id = first;
                }
                ids
            })
            .collect();
        Batch::new(&sentences, self.config.special_tokens.pad, vocab_size)
    }

    fn source(&self, inputs: &Inputs) -> Result<Batch> {
        self.sentences(inputs, "source", self.src_len, self.config.encoder.vocab_size, None)
    }
}

impl fmt::Display for ModelCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Config { cell, encoder, decoder, bridge, attention, .. } = &self.config;
        let directions = if encoder.bidirectional { "both directions" } else { "one direction" };
        write!(f, "{}, {} + {} layers, {directions}, ", cell_name(*cell), encoder.num_layers, decoder.num_layers)?;
        write!(f, "{:?}, {:?}, bridge {bridge:?}", attention.score, attention.window)?;
        if decoder.input_feeding {
            write!(f, ", input feeding")?;
        }
        write!(f, ", hidden {}, batch {}, {} → {}", decoder.hidden_size, self.batch, self.src_len, self.tgt_len)
    }
}

/// All that a model computes for a given target.
#[derive(Clone, Debug)]
pub struct ForcedCase(pub ModelCase);

/// Inputs and outputs of [`ForcedCase`].
#[derive(Debug)]
pub struct ForcedReady<B: Backend> {
    model: Seq2Seq<B>,
    source: Batch,
    target: Batch,
    forced: Option<Forced<B::Float>>,
}

impl fmt::Display for ForcedCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Operation for ForcedCase {
    type Ready<B: Training> = ForcedReady<B>;

    fn name(&self) -> &'static str {
        "forced"
    }

    fn prepare<B: Training>(&self, backend: &B, inputs: &Inputs) -> Result<Self::Ready<B>> {
        let case = &self.0;
        let (vocab_size, bos) = (case.config.decoder.vocab_size, case.config.special_tokens.bos);
        Ok(ForcedReady {
            model: case.model(backend, inputs)?,
            source: case.source(inputs)?,
            target: case.sentences(inputs, "target", case.tgt_len, vocab_size, Some(bos))?,
            forced: None,
        })
    }

    async fn run<B: Training>(&self, backend: &B, ready: &mut Self::Ready<B>) -> Result<()> {
        ready.forced = Some(ready.model.forced(backend, &ready.source, &ready.target).await?);
        Ok(())
    }

    async fn outputs<B: Training>(&self, _backend: &B, ready: &Self::Ready<B>) -> Result<Vec<Output>> {
        let Some(forced) = &ready.forced else { return Ok(Vec::new()) };
        Ok(forced_outputs(forced))
    }

    fn work(&self) -> Work {
        Work::default()
    }
}

/// A greedy translation.
#[derive(Clone, Debug)]
pub struct GreedyCase(pub ModelCase);

/// Inputs and outputs of [`GreedyCase`].
#[derive(Debug)]
pub struct GreedyReady<B: Backend> {
    model: Seq2Seq<B>,
    source: Batch,
    hypotheses: Vec<Hypothesis>,
}

impl fmt::Display for GreedyCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Operation for GreedyCase {
    type Ready<B: Training> = GreedyReady<B>;

    fn name(&self) -> &'static str {
        "greedy"
    }

    fn prepare<B: Training>(&self, backend: &B, inputs: &Inputs) -> Result<Self::Ready<B>> {
        let case = &self.0;
        let (model, source) = (case.model(backend, inputs)?, case.source(inputs)?);
        Ok(GreedyReady { model, source, hypotheses: Vec::new() })
    }

    async fn run<B: Training>(&self, backend: &B, ready: &mut Self::Ready<B>) -> Result<()> {
        let options = GreedyOptions { max_length: self.0.tgt_len, alignment: true };
        ready.hypotheses = greedy(backend, &ready.model, &ready.source, options).await?;
        Ok(())
    }

    async fn outputs<B: Training>(&self, _backend: &B, ready: &Self::Ready<B>) -> Result<Vec<Output>> {
        let (batch, max_length, src_len) = (self.0.batch, self.0.tgt_len, self.0.src_len);
        let log_probs = ready.hypotheses.iter().map(|hypothesis| hypothesis.log_prob).collect();
        let mut alignment = Array::new([batch, max_length, src_len], vec![0.0; batch * max_length * src_len]);
        for (sentence, hypothesis) in ready.hypotheses.iter().enumerate() {
            let Some(weights) = &hypothesis.alignment else { continue };
            for t in 0..weights.rows() {
                let row = (sentence * max_length + t) * src_len;
                for (place, &weight) in alignment.data[row..][..src_len].iter_mut().zip(weights.row(t)) {
                    *place = weight.to_f64();
                }
            }
        }
        let tokens = token_rows(&ready.hypotheses, max_length, &self.0.config.special_tokens);
        Ok(vec![
            Output { name: "tokens", values: Values::Ids(tokens) },
            Output { name: "log_prob", values: Values::Numbers(Array { shape: vec![batch], data: log_probs }) },
            Output { name: "alignment", values: Values::Numbers(alignment) },
        ])
    }

    fn work(&self) -> Work {
        Work::default()
    }
}

/// All that a model computed for a given target.
pub(in crate::verify) fn forced_outputs<T: Float>(forced: &Forced<T>) -> Vec<Output> {
    vec![
        Output::of("memory", &forced.memory),
        Output::of("query", &forced.query),
        Output::of("attention_weights", &forced.attention_weights),
        Output::of("context", &forced.context),
        Output::of("attentional", &forced.attentional),
        Output::of("logits", &forced.logits),
        Output::of("log_probs", &forced.log_probs),
    ]
}

/// Translations as rows (batch, max_length): their tokens, eos where it ended them, then pad.
pub(in crate::verify) fn token_rows(
    hypotheses: &[Hypothesis],
    max_length: usize,
    special: &SpecialTokens,
) -> Array<u32> {
    let mut rows = Array::new([hypotheses.len(), max_length], vec![special.pad; hypotheses.len() * max_length]);
    for (row, hypothesis) in rows.data.chunks_mut(max_length.max(1)).zip(hypotheses) {
        let tokens = hypothesis.tokens.iter().copied().chain(hypothesis.finished.then_some(special.eos));
        for (place, token) in row.iter_mut().zip(tokens) {
            *place = token;
        }
    }
    rows
}

pub(super) fn cases() -> Vec<Case> {
    let models = models();
    let forced = models.iter().cloned().map(|case| ForcedCase(case).into());
    let greedy = models.iter().cloned().map(|case| GreedyCase(ModelCase { tgt_len: case.tgt_len + 5, ..case }).into());
    forced.chain(greedy).collect()
}

fn models() -> Vec<ModelCase> {
    let special_tokens = SpecialTokens { pad: 0, bos: 1, eos: 2, unk: None };
    let attention = |score, window| AttentionConfig {
        score,
        window,
        half_width: (window != Window::Global).then_some(2),
        max_source_length: (score == Score::Location).then_some(9),
    };
    let simple = Config {
        format_version: 1,
        cell: Cell::Lstm,
        encoder: EncoderConfig {
            vocab_size: 19,
            embedding_size: 7,
            hidden_size: 9,
            num_layers: 1,
            bidirectional: true,
        },
        decoder: DecoderConfig {
            vocab_size: 23,
            embedding_size: 11,
            hidden_size: 18,
            num_layers: 1,
            input_feeding: false,
        },
        bridge: Bridge::Copy,
        attention: attention(Score::Dot, Window::Global),
        special_tokens,
    };
    let mut fed = simple.clone();
    fed.cell = Cell::Gru;
    fed.encoder.num_layers = 2;
    fed.decoder = DecoderConfig { hidden_size: 13, num_layers: 2, input_feeding: true, ..fed.decoder };
    fed.bridge = Bridge::Linear;
    fed.attention = attention(Score::General, Window::LocalP);
    let mut plain = simple.clone();
    plain.cell = Cell::Tanh;
    plain.encoder.bidirectional = false;
    plain.decoder.hidden_size = 15;
    plain.bridge = Bridge::Zeros;
    plain.attention = attention(Score::Concat, Window::LocalM);
    let mut deep = simple.clone();
    deep.encoder = EncoderConfig { hidden_size: 33, num_layers: 3, ..deep.encoder };
    deep.decoder =
        DecoderConfig { vocab_size: 131, hidden_size: 66, num_layers: 3, input_feeding: true, ..deep.decoder };
    deep.attention = attention(Score::ScaledDot, Window::Global);
    let mut located = fed.clone();
    located.decoder = DecoderConfig { num_layers: 1, input_feeding: false, ..located.decoder };
    located.attention = attention(Score::Location, Window::Global);
    let case = |config: &Config, scale, batch, src_len, tgt_len| ModelCase {
        config: config.clone(),
        scale,
        batch,
        src_len,
        tgt_len,
    };
    vec![
        case(&simple, 0.6, 5, 7, 6),
        case(&simple, 0.6, 1, 3, 4),
        case(&fed, 0.6, 4, 9, 5),
        case(&plain, 0.6, 6, 5, 7),
        case(&deep, 0.3, 3, 6, 5),
        case(&located, 0.6, 7, 8, 3),
    ]
}
