//! From settings to a task and options: what nobody chose is decided here.

use std::path::Path;

use seq2seq::Error;
use seq2seq::model::{
    AttentionConfig, AttentionOutput, Bridge, Config, DecoderConfig, EncoderConfig, Model, Score, Window,
};
use seq2seq::text::Tokenizer;
use seq2seq::text::pairs::{Pair, read_pairs, split};
use seq2seq::text::vocabulary::{Normalization, TokenKind, build_normalized, special_tokens};
use seq2seq::train::{Optimizer, Schedule, Task, TrainOptions};

use super::settings::{Architecture, Data, Settings, Training, Validation};
use crate::cli::failure::{Failure, Result};

/// What to do, with the settings that say all of it.
pub struct Resolved {
    pub task: Task,
    pub options: TrainOptions,
    pub settings: Settings,
}

/// Reads the data and decides what is open.
pub fn resolve(chosen: &Settings) -> Result<Resolved> {
    let (options, training, validation) = options(&chosen.training, &chosen.validation);
    let options = TrainOptions { forget_bias: chosen.model.forget_bias.unwrap_or(options.forget_bias), ..options };
    options.check()?;
    if let Some(from) = &chosen.model.from {
        return resolve_from(from, chosen, options, training, validation);
    }
    let data = Data {
        pairs: chosen.data.pairs.clone(),
        valid: Some(chosen.data.valid.clone().unwrap_or_else(|| "0.05".to_owned())),
        source_tokens: Some(chosen.data.source_tokens.clone().unwrap_or_else(|| "char".to_owned())),
        target_tokens: Some(chosen.data.target_tokens.clone().unwrap_or_else(|| "word".to_owned())),
        normalize: Some(chosen.data.normalize.clone().unwrap_or_else(|| "none".to_owned())),
        max_length: Some(chosen.data.max_length.unwrap_or(200)),
    };
    let (learnt, held_out) = pairs(&data, options.seed)?;
    let tokenizer = |kind: &Option<String>, normalization, side: fn(&Pair) -> &str| -> Result<Tokenizer> {
        let kind: TokenKind = kind.as_deref().unwrap_or_default().parse()?;
        let texts: Vec<&str> = learnt.iter().map(side).collect();
        Ok(build_normalized(&kind, normalization, &texts)?)
    };
    let normalization: Normalization = data.normalize.as_deref().unwrap_or_default().parse()?;
    let source = tokenizer(&data.source_tokens, &normalization, |pair| &pair.source)?;
    let target = tokenizer(&data.target_tokens, &Normalization::default(), |pair| &pair.target)?;
    let longest = data.max_length.unwrap_or_default();
    let (config, mut model) = architecture(&chosen.model, &source, &target, || {
        let lengths = learnt.iter().chain(&held_out).filter_map(|pair| source.encode(&pair.source).ok());
        lengths.map(|encoding| encoding.ids.len()).filter(|&length| length <= longest).max().unwrap_or(1)
    })?;
    model.forget_bias = Some(options.forget_bias);
    let task = Task::new(config, source, target, &learnt, &held_out, longest)?;
    Ok(Resolved { task, options, settings: Settings { data, model, training, validation } })
}

/// A task that begins with a model, which decides what it is and how texts are divided.
fn resolve_from(
    from: &Path,
    chosen: &Settings,
    options: TrainOptions,
    training: Training,
    validation: Validation,
) -> Result<Resolved> {
    let tokens = [&chosen.data.source_tokens, &chosen.data.target_tokens, &chosen.data.normalize];
    if chosen.model.is_chosen() || tokens.iter().any(|choice| choice.is_some()) {
        let reason = "--from takes architecture and tokenizers of its model: no other option of a model or of tokens goes with it";
        return Err(Failure::Usage(reason.to_owned()));
    }
    let longest = chosen.data.max_length.unwrap_or(200);
    let data = Data {
        valid: Some(chosen.data.valid.clone().unwrap_or_else(|| "0.05".to_owned())),
        max_length: Some(longest),
        ..chosen.data.clone()
    };
    let (learnt, held_out) = pairs(&data, options.seed)?;
    let task = Task::from_model(Model::load(from)?, &learnt, &held_out, longest)?;
    let model = Architecture { from: Some(from.to_path_buf()), ..Architecture::default() };
    Ok(Resolved { task, options, settings: Settings { data, model, training, validation } })
}

/// The pairs to learn from and those to validate with.
fn pairs(data: &Data, seed: u32) -> Result<(Vec<Pair>, Vec<Pair>)> {
    let Some(path) = &data.pairs else {
        return Err(Failure::Usage("--pairs FILE.tsv says what to learn from; there is none".to_owned()));
    };
    let pairs = read_pairs(path)?;
    let valid = data.valid.as_deref().unwrap_or_default();
    match valid.parse::<f64>() {
        Ok(share) if !Path::new(valid).exists() => {
            if !(share > 0.0 && share < 1.0) {
                let expected = "a file, or a share above 0 and below 1".to_owned();
                return Err(Error::Config { key: "valid".to_owned(), expected, found: valid.to_owned() }.into());
            }
            Ok(split(&pairs, share, u64::from(seed))?)
        }
        _ => Ok((pairs, read_pairs(valid)?)),
    }
}

/// `longest` is asked for the longest source, where a score needs it.
fn architecture(
    chosen: &Architecture,
    source: &Tokenizer,
    target: &Tokenizer,
    longest: impl FnOnce() -> usize,
) -> Result<(Config, Architecture)> {
    let special_tokens = special_tokens(source, target)?;
    let cell = chosen.cell.unwrap_or(seq2seq::model::Cell::Lstm);
    let embedding = chosen.embedding_size.unwrap_or(128);
    let hidden = chosen.hidden_size.unwrap_or(256);
    let layers = chosen.layers.unwrap_or(1);
    let directions = chosen.directions.unwrap_or(2);
    let encoder = EncoderConfig {
        vocab_size: source.vocab_size(),
        embedding_size: chosen.encoder_embedding_size.unwrap_or(embedding),
        hidden_size: chosen.encoder_hidden_size.unwrap_or(hidden / directions as usize),
        num_layers: chosen.encoder_layers.unwrap_or(layers),
        bidirectional: directions == 2,
    };
    let decoder = DecoderConfig {
        vocab_size: target.vocab_size(),
        embedding_size: chosen.decoder_embedding_size.unwrap_or(embedding),
        hidden_size: chosen.decoder_hidden_size.unwrap_or(hidden),
        num_layers: chosen.decoder_layers.unwrap_or(layers),
        input_feeding: chosen.input_feeding.unwrap_or(false),
    };
    let one_size = encoder.hidden_size.saturating_mul(directions as usize) == decoder.hidden_size;
    let bridge = chosen.bridge.unwrap_or(match decoder.num_layers {
        layers if layers == encoder.num_layers && one_size => Bridge::Copy,
        layers if layers <= encoder.num_layers => Bridge::LINEAR,
        _ => Bridge::Zeros,
    });
    let score = chosen.score.unwrap_or(if one_size { Score::Dot } else { Score::General });
    let window = chosen.window.unwrap_or(Window::Global);
    let half_width = (window != Window::Global).then(|| chosen.half_width.unwrap_or(5));
    let max_source_length = (score == Score::Location).then(|| chosen.max_source_length.unwrap_or_else(longest));
    // One number for both sides where it says all.
    let both = |encoder: usize, decoder: usize, both: bool| match both {
        true => (Some(decoder), None, None),
        false => (None, Some(encoder), Some(decoder)),
    };
    let (embedding_size, encoder_embedding_size, decoder_embedding_size) =
        both(encoder.embedding_size, decoder.embedding_size, encoder.embedding_size == decoder.embedding_size);
    let (hidden_size, encoder_hidden_size, decoder_hidden_size) =
        both(encoder.hidden_size, decoder.hidden_size, one_size);
    let (layers, encoder_layers, decoder_layers) =
        both(encoder.num_layers, decoder.num_layers, encoder.num_layers == decoder.num_layers);
    let model = Architecture {
        from: None,
        cell: Some(cell),
        embedding_size,
        hidden_size,
        layers,
        directions: Some(directions),
        score: Some(score),
        window: Some(window),
        half_width,
        max_source_length,
        input_feeding: Some(decoder.input_feeding),
        bridge: Some(bridge),
        encoder_embedding_size,
        decoder_embedding_size,
        encoder_hidden_size,
        decoder_hidden_size,
        encoder_layers,
        decoder_layers,
        forget_bias: chosen.forget_bias,
    };
    let attention =
        AttentionConfig { score, window, half_width, max_source_length, output: AttentionOutput::default() };
    let config = Config { format_version: 1, cell, encoder, decoder, bridge, attention, special_tokens, files: None };
    config.validate()?;
    Ok((config, model))
}

/// The options, and all of the settings that say them.
fn options(training: &Training, validation: &Validation) -> (TrainOptions, Training, Validation) {
    let default = TrainOptions::default();
    let some = |count: Option<u64>| count.filter(|&count| count > 0);
    let steps = some(training.steps);
    let epochs = match training.epochs {
        None if steps.is_none() => default.epochs,
        epochs => some(epochs),
    };
    let optimizer = training.optimizer.unwrap_or(default.optimizer);
    let has_end = epochs.is_some() || steps.is_some();
    let options = TrainOptions {
        epochs,
        steps,
        seed: training.seed.unwrap_or(default.seed),
        batch_size: training.batch_size.unwrap_or(default.batch_size),
        batch_tokens: training.batch_tokens.filter(|&tokens| tokens > 0),
        accumulate: training.accumulate.unwrap_or(default.accumulate),
        optimizer,
        learning_rate: training.learning_rate.unwrap_or(match optimizer {
            Optimizer::Sgd => 0.5,
            Optimizer::Adam | Optimizer::AdamW => default.learning_rate,
        }),
        momentum: training.momentum.unwrap_or(default.momentum),
        beta1: training.beta1.unwrap_or(default.beta1),
        beta2: training.beta2.unwrap_or(default.beta2),
        epsilon: training.epsilon.unwrap_or(default.epsilon),
        weight_decay: training.weight_decay.unwrap_or(if optimizer == Optimizer::AdamW { 0.01 } else { 0.0 }),
        schedule: training.schedule.unwrap_or(if has_end { Schedule::Linear } else { Schedule::Constant }),
        warmup: training.warmup.unwrap_or(default.warmup),
        decay: training.decay.unwrap_or(default.decay),
        decay_patience: training.decay_patience.unwrap_or(default.decay_patience),
        clip: training.clip.or(default.clip).filter(|&clip| clip != 0.0),
        dropout: training.dropout.unwrap_or(default.dropout),
        label_smoothing: training.label_smoothing.unwrap_or(default.label_smoothing),
        average: training.average.filter(|&average| average != 0.0),
        forget_bias: default.forget_bias,
        metric: validation.metric.unwrap_or(default.metric),
        validate_every: some(validation.validate_every),
        patience: some(validation.patience),
        checkpoint_every: some(validation.checkpoint_every),
    };
    let training = Training {
        epochs: Some(options.epochs.unwrap_or(0)),
        steps: Some(options.steps.unwrap_or(0)),
        seed: Some(options.seed),
        batch_size: Some(options.batch_size),
        batch_tokens: Some(options.batch_tokens.unwrap_or(0)),
        accumulate: Some(options.accumulate),
        optimizer: Some(options.optimizer),
        learning_rate: Some(options.learning_rate),
        schedule: Some(options.schedule),
        warmup: Some(options.warmup),
        decay: Some(options.decay),
        decay_patience: Some(options.decay_patience),
        clip: Some(options.clip.unwrap_or(0.0)),
        dropout: Some(options.dropout),
        label_smoothing: Some(options.label_smoothing),
        average: Some(options.average.unwrap_or(0.0)),
        weight_decay: Some(options.weight_decay),
        momentum: Some(options.momentum),
        beta1: Some(options.beta1),
        beta2: Some(options.beta2),
        epsilon: Some(options.epsilon),
    };
    let validation = Validation {
        metric: Some(options.metric),
        validate_every: Some(options.validate_every.unwrap_or(0)),
        patience: Some(options.patience.unwrap_or(0)),
        checkpoint_every: Some(options.checkpoint_every.unwrap_or(0)),
    };
    (options, training, validation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolved_settings_resolve_to_themselves() {
        for optimizer in [Optimizer::Adam, Optimizer::AdamW, Optimizer::Sgd] {
            let chosen = Training { optimizer: Some(optimizer), clip: Some(0.0), ..Default::default() };
            let (first, training, validation) = options(&chosen, &Validation::default());
            assert_eq!(first.clip, None);
            let (second, ..) = options(&training, &validation);
            assert_eq!(first, second);
        }
    }

    #[test]
    fn the_defaults_are_those_of_the_library() {
        let (options, ..) = options(&Training::default(), &Validation::default());
        assert_eq!(options, TrainOptions::default());
    }

    #[test]
    fn steps_take_the_place_of_epochs() {
        let chosen = Training { steps: Some(5), ..Default::default() };
        let (options, ..) = options(&chosen, &Validation::default());
        assert_eq!((options.steps, options.epochs), (Some(5), None));
    }
}
