//! Whole models: over a given target, and translating.

use std::fmt;

use super::operation::{Operation, Output, Values, Work};
use super::recurrent::cell_name;
use crate::backend::{Backend, LengthPenalty, SearchRules, Training};
use crate::batch::Batch;
use crate::decode::{Hypothesis, MaxLength, SearchOptions, search};
use crate::device::Precision;
use crate::model::{
    Activation, AttentionConfig, AttentionOutput, Bridge, BridgeCell, BridgeLinear, BridgeReads, Cell, Config,
    DecoderConfig, EncoderConfig, Parameters, Score, SpecialTokens, Window,
};
use crate::nn::{Forced, Seq2Seq};
use crate::verify::inputs::Inputs;
use crate::{Array, Float, Result};

/// A model with weights in ±`scale`, and a batch for it.
#[derive(Clone, Debug)]
pub struct ModelCase {
    /// The architecture.
    pub config: Config,
    /// Weights are uniform in ± this.
    pub scale: f32,
    /// What tells its weights from those of others of its size.
    pub seed: u64,
    /// Sentences.
    pub batch: usize,
    /// Positions of the longest source.
    pub src_len: usize,
    /// Positions of the longest target; for a translation, its limit.
    pub tgt_len: usize,
}

impl ModelCase {
    fn model<B: Backend>(&self, backend: &B, inputs: &Inputs) -> Result<Seq2Seq<B>> {
        let seed = (self.src_len * 1000 + self.tgt_len) as u64 + (self.seed << 32);
        let parameters = Parameters::random(&self.config, seed, self.scale)?;
        let parameters = match inputs.precision() {
            Precision::F32 => parameters,
            Precision::F16 => parameters.rounded_to_half()?,
        };
        let read = |(name, array): (&str, &Array)| {
            let recurrent = name.contains(".rnn.");
            let linear = name.ends_with(".weight") && !name.contains(".embedding.");
            let array = array.clone();
            let read = match (recurrent, linear) {
                (true, _) => inputs.gates(array, self.config.cell.gates()),
                (_, true) => inputs.linear(array),
                _ => array,
            };
            (name.to_owned(), read)
        };
        Seq2Seq::new(backend, &self.config, &Parameters::new(&self.config, parameters.iter().map(read).collect())?)
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
        let pad = self.config.special_tokens.pad;
        Batch::new(&inputs.told_sentences(sentences, pad), pad, vocab_size)
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
        write!(f, "{:?}, {:?}, bridge {}", attention.score, attention.window, bridge_name(bridge))?;
        if attention.output != AttentionOutput::default() {
            let AttentionOutput { activation, bias } = attention.output;
            write!(f, ", output {activation:?}{}", if bias { " with bias" } else { "" })?;
        }
        if decoder.input_feeding {
            write!(f, ", input feeding")?;
        }
        write!(f, ", hidden {}, batch {}, {} → {}", decoder.hidden_size, self.batch, self.src_len, self.tgt_len)
    }
}

/// A bridge as a case shows it.
fn bridge_name(bridge: &Bridge) -> String {
    match bridge {
        Bridge::Copy | Bridge::Zeros => format!("{bridge:?}"),
        Bridge::Linear(linear) if *linear == BridgeLinear::default() => "Linear".to_owned(),
        Bridge::Linear(BridgeLinear { reads, activation, cell }) => format!("{activation:?} of {reads:?}, {cell:?}"),
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

/// Translations: greedy with a beam of one.
#[derive(Clone, Debug)]
pub struct TranslateCase {
    /// The model, and the others of an ensemble: the same but for their weights.
    pub model: ModelCase,
    /// Models.
    pub models: usize,
    /// Live hypotheses of a sentence.
    pub beam: usize,
    /// Hypotheses that are asked for.
    pub n_best: usize,
    /// What log probabilities are divided by.
    pub length_penalty: LengthPenalty,
    /// β
    pub coverage_penalty: f64,
}

/// Inputs and outputs of [`TranslateCase`].
#[derive(Debug)]
pub struct TranslateReady<B: Backend> {
    models: Vec<Seq2Seq<B>>,
    source: Batch,
    found: Vec<Vec<Hypothesis>>,
}

impl fmt::Display for TranslateCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { model, models, beam, n_best, length_penalty, coverage_penalty } = self;
        model.fmt(f)?;
        if *beam > 1 {
            write!(f, ", {n_best} best of {beam}, penalties {length_penalty} and {coverage_penalty}")?;
        }
        if *models > 1 {
            write!(f, ", {models} models")?;
        }
        Ok(())
    }
}

impl Operation for TranslateCase {
    type Ready<B: Training> = TranslateReady<B>;

    fn name(&self) -> &'static str {
        if self.beam == 1 { "greedy" } else { "search" }
    }

    fn prepare<B: Training>(&self, backend: &B, inputs: &Inputs) -> Result<Self::Ready<B>> {
        let model = |index| ModelCase { seed: index as u64, ..self.model.clone() }.model(backend, inputs);
        let models = (0..self.models).map(model).collect::<Result<_>>()?;
        Ok(TranslateReady { models, source: self.model.source(inputs)?, found: Vec::new() })
    }

    async fn run<B: Training>(&self, backend: &B, ready: &mut Self::Ready<B>) -> Result<()> {
        let Self { beam, n_best, length_penalty, coverage_penalty, .. } = *self;
        let rules = SearchRules {
            beam,
            n_best,
            length_penalty,
            coverage_penalty,
            ..SearchRules::greedy(&self.model.config.special_tokens)
        };
        let options = SearchOptions { rules, max_length: MaxLength::Symbols(self.model.tgt_len), alignment: true };
        ready.found = search(backend, &ready.models, &ready.source, &options).await?;
        Ok(())
    }

    async fn outputs<B: Training>(&self, _backend: &B, ready: &Self::Ready<B>) -> Result<Vec<Output>> {
        let ModelCase { batch, src_len, tgt_len, ref config, .. } = self.model;
        let rows = batch * self.n_best;
        // Where fewer were found, nothing stands for the others.
        let place = |(sentence, found): (usize, &Vec<Hypothesis>)| {
            (sentence * self.n_best..).zip(found.clone()).collect::<Vec<_>>()
        };
        let found: Vec<(usize, Hypothesis)> = ready.found.iter().enumerate().flat_map(place).collect();
        let mut tokens = Array::new([rows, tgt_len], vec![config.special_tokens.pad; rows * tgt_len]);
        let mut numbers = Array::new([rows, 2], vec![0.0; rows * 2]);
        let mut alignment = Array::new([rows, tgt_len, src_len], vec![0.0; rows * tgt_len * src_len]);
        for (row, hypothesis) in &found {
            let row_tokens = token_rows(std::slice::from_ref(hypothesis), tgt_len, &config.special_tokens);
            tokens.data[row * tgt_len..][..tgt_len].copy_from_slice(&row_tokens.data);
            numbers.data[row * 2..][..2].copy_from_slice(&[hypothesis.log_prob, hypothesis.score]);
            let Some(weights) = &hypothesis.alignment else { continue };
            for t in 0..weights.rows() {
                let places = &mut alignment.data[(row * tgt_len + t) * src_len..][..src_len];
                for (place, &weight) in places.iter_mut().zip(weights.row(t)) {
                    *place = weight.to_f64();
                }
            }
        }
        Ok(vec![
            Output { name: "tokens", values: Values::Ids(tokens) },
            Output { name: "log_prob, score", values: Values::Numbers(numbers) },
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
        Output::of("context", &forced.context()),
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

pub(super) fn cases<C: From<ForcedCase> + From<TranslateCase>>() -> Vec<C> {
    let models = models();
    let forced = models.iter().cloned().map(|case| ForcedCase(case).into());
    let greedy = models.iter().cloned().map(|case| TranslateCase {
        model: ModelCase { tgt_len: case.tgt_len + 5, ..case },
        models: 1,
        beam: 1,
        n_best: 1,
        length_penalty: LengthPenalty::None,
        coverage_penalty: 0.0,
    });
    let mut translate: Vec<TranslateCase> = greedy.collect();
    for greedy in translate.clone() {
        translate.push(TranslateCase { beam: 3, n_best: 3, ..greedy.clone() });
        let length_penalty = LengthPenalty::Wu(0.6);
        translate.push(TranslateCase {
            beam: 5,
            n_best: 2,
            length_penalty,
            coverage_penalty: 0.2,
            models: 2,
            ..greedy
        });
    }
    forced.chain(translate.into_iter().map(C::from)).collect()
}

fn models() -> Vec<ModelCase> {
    let special_tokens = SpecialTokens { pad: 0, bos: 1, eos: 2, unk: None };
    let attention = |score, window| AttentionConfig {
        score,
        window,
        half_width: (window != Window::Global).then_some(2),
        max_source_length: (score == Score::Location).then_some(9),
        output: AttentionOutput::default(),
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
        files: None,
    };
    let mut fed = simple.clone();
    fed.cell = Cell::Gru;
    fed.encoder.num_layers = 2;
    fed.decoder = DecoderConfig { hidden_size: 13, num_layers: 2, input_feeding: true, ..fed.decoder };
    fed.bridge = Bridge::LINEAR;
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
    // All of whose steps a workgroup can take: with the LSTMs above, every cell.
    let mut small_fed = fed.clone();
    small_fed.attention = attention(Score::General, Window::Global);
    let mut small_plain = plain.clone();
    small_plain.decoder.num_layers = 2;
    small_plain.attention = attention(Score::ScaledDot, Window::Global);
    small_plain.encoder.hidden_size = small_plain.decoder.hidden_size;
    // What other toolkits have: bridges from all layers or the last one, by ReLU, a cell that starts as the hidden state, an
    // attentional state without tanh, a target that begins with its end.
    let mut gathered = simple.clone();
    gathered.encoder.num_layers = 2;
    gathered.decoder = DecoderConfig { hidden_size: 14, num_layers: 3, input_feeding: true, ..gathered.decoder };
    gathered.bridge =
        Bridge::Linear(BridgeLinear { reads: BridgeReads::All, activation: Activation::Relu, cell: BridgeCell::Cell });
    gathered.attention = attention(Score::Concat, Window::Global);
    gathered.attention.output = AttentionOutput { activation: Activation::Identity, bias: true };
    let mut last = simple.clone();
    last.encoder.num_layers = 2;
    last.decoder = DecoderConfig { hidden_size: 15, num_layers: 3, ..last.decoder };
    last.bridge = Bridge::Linear(BridgeLinear {
        reads: BridgeReads::Top,
        activation: Activation::Identity,
        cell: BridgeCell::Hidden,
    });
    last.attention = attention(Score::General, Window::Global);
    last.attention.output = AttentionOutput { activation: Activation::Relu, bias: true };
    last.special_tokens.bos = last.special_tokens.eos;
    let case = |config: &Config, scale, batch, src_len, tgt_len| ModelCase {
        config: config.clone(),
        scale,
        seed: 0,
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
        case(&small_fed, 0.6, 8, 7, 6),
        // More steps than a device takes at once.
        case(&small_plain, 0.4, 9, 11, 66),
        case(&gathered, 0.6, 4, 7, 5),
        case(&last, 0.6, 5, 6, 7),
    ]
}
