//! JoeyNMT, versions 1 and 2: recurrent encoders and decoders, with `config.yaml` and the vocabularies beside the checkpoint.
//!
//! **Equations.** The encoder is ours, of `hidden_size` units a direction. The decoder reads [embedding; h̃] with
//! `input_feeding`, and its first h̃ is zero; embeddings are multiplied by √E where `scale` is on, which is folded in. Scores of
//! the decoder's h_t and the encoder's h̄_s, none with a bias:
//!
//! | `attention` | score | ours |
//! |---|---|---|
//! | `luong` | h_tᵀ `key_layer` h̄_s | `general` with W_a = `key_layer`ᵀ |
//! | `bahdanau` | `energy_layer` tanh(`query_layer` h_t + `key_layer` h̄_s) | `concat` |
//!
//! The attentional state is tanh(`att_vector_layer` [h_t; c_t] + b), with the columns in the other order than ours; with another
//! `activation` JoeyNMT itself fails. `output_layer` has no bias. All layers of the decoder start alike, an LSTM's cell from
//! the same numbers as its hidden state: tanh(`bridge_layer` [f; b] + b) of the last hidden states of the encoder's top layer
//! (`init_hidden: bridge`); these themselves, or the forward ones alone where the decoder is half as wide (`last`), which is a
//! linear bridge of ones and zeros; or zeros.
//!
//! **Symbols.** `<unk>`, `<pad>`, `<s>` and `</s>` come first in vocabularies, unless `special_symbols` says otherwise; the line
//! of a token is its id. Sources end with `</s>`, targets begin with `<s>` and end with `</s>`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::architecture::Architecture;
use super::checkpoint::Checkpoint;
use super::found::{Imported, architecture, refuse};
use super::pickle::Node;
use super::recurrent::take_stack;
use super::settings::Settings;
use super::vocabulary::{Kind, Vocabulary, text_of};
use super::weights::{Weights, error, last_columns_first, transpose, zeros};
use crate::model::{
    Activation, AttentionOutput, Bridge, BridgeCell, BridgeLinear, BridgeReads, Config, Model, Parameters, Score,
    SpecialTokens,
};
use crate::{Array, Error, Result};

/// Whether a checkpoint is one of JoeyNMT.
pub fn recognizes(root: Node<'_>) -> bool {
    root.get("model_state").is_some()
}

/// Reads a checkpoint and what is beside it.
///
/// # Errors
///
/// [`Error::Io`] for a file that is not beside it; [`Error::Format`] for what is not run here, by name; [`Error::Tensor`] for a
/// parameter that does not fit.
pub fn read(file: &Checkpoint, root: Node<'_>) -> Result<Imported> {
    let path = file.path().with_file_name("config.yaml");
    let text = text_of(&path)?;
    let settings = Settings::read(&text).map_err(|reason| Error::format(&path, reason))?;
    check_settings(&path, &settings)?;
    let source = vocabulary(file.path(), &settings, "src")?;
    let target = vocabulary(file.path(), &settings, "trg")?;

    let state = root.get("model_state").ok_or_else(|| file.error("model_state: expected tensors, found none"))?;
    let mut weights = Weights::new();
    weights.add(file, state, "");
    let count = weights.len();
    let mut parameters = BTreeMap::new();
    let config = take(&mut weights, &settings, [&source, &target], &mut parameters)?;
    if let Some(name) = weights.left() {
        return Err(error(name, "no such parameter in an RNN encoder–decoder with attention", "one"));
    }

    let SpecialTokens { pad, bos, eos, unk } = config.special_tokens;
    let lowercase = |side: &str| settings.is_on(&format!("data.{side}.lowercase")) || settings.is_on("data.lowercase");
    let kind = |end, lowercase| Kind { special: vec![pad, bos, eos], unk, end, lowercase };
    let of_source = source.tokenizer(&kind(Some(eos), lowercase("src")))?;
    let of_target = target.tokenizer(&kind(None, lowercase("trg")))?;
    let parameters = Parameters::new(&config, parameters)?;
    let model = Model::new(config, parameters, Some(of_source), Some(of_target))?;
    let version = settings.get("joeynmt_version").map_or_else(|| "version 1".to_owned(), str::to_owned);
    let level =
        |side: &str| settings.get(&format!("data.{side}.level")).or(settings.get("data.level")).unwrap_or("word");
    let mut found = vec![
        ("toolkit", format!("JoeyNMT {version}")),
        ("architecture", architecture(&model)),
        ("vocabularies", format!("{} source and {} target tokens", source.tokens.len(), target.tokens.len())),
        ("texts", format!("tokens between spaces, of level {} to {}", level("src"), level("trg"))),
        ("parameters", format!("{} in {count} tensors", model.parameters.count())),
    ];
    if let Some(step) = root.get("steps").and_then(Node::int) {
        found.push(("step", step.to_string()));
    }
    let dropped = root.get("optimizer_state").is_some_and(|state| !state.is_none());
    found.push(("dropped", if dropped { "the optimizer's state" } else { "nothing" }.to_owned()));
    let files = vec![file.path().to_path_buf(), path, source.name.into(), target.name.into()];
    Ok(Imported { model, found, files })
}

/// Refuses what no model here has.
fn check_settings(path: &Path, settings: &Settings) -> Result<()> {
    for side in ["encoder", "decoder"] {
        if let Some(other) = settings.get(&format!("model.{side}.type")).filter(|kind| *kind != "recurrent") {
            return Err(refuse(path, format!("model.{side}.type {other}")));
        }
    }
    match settings.get("model.decoder.activation") {
        None | Some("tanh") => Ok(()),
        Some(other) => Err(refuse(path, format!("model.decoder.activation {other}"))),
    }
}

/// The vocabulary of a side: the file that JoeyNMT has put beside the checkpoint, or the one that the configuration names.
fn vocabulary(checkpoint: &Path, settings: &Settings, side: &str) -> Result<Vocabulary> {
    let mut path = checkpoint.with_file_name(format!("{side}_vocab.txt"));
    if !path.exists() {
        let named =
            settings.get(&format!("data.{side}.voc_file")).or_else(|| settings.get(&format!("data.{side}_vocab")));
        if let Some(named) = named.map(PathBuf::from).filter(|named| named.exists()) {
            path = named;
        }
    }
    let text = text_of(&path)?;
    let mut tokens: Vec<String> = SPECIAL.map(|(key, default)| special(settings, key, default).to_owned()).to_vec();
    // A file that JoeyNMT has written begins with the special tokens; one from elsewhere may lack them.
    let known = text.lines().take(100).filter(|line| tokens.iter().any(|token| token == line)).count();
    if known == tokens.len() {
        tokens.clear();
    }
    let lines = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
    tokens.extend(lines.map(str::to_owned));
    // The line that the last newline ends is none.
    if tokens.last().is_some_and(String::is_empty) {
        tokens.pop();
    }
    Ok(Vocabulary { name: path.display().to_string(), tokens })
}

/// The settings of the special tokens, and what they are without.
const SPECIAL: [(&str, &str); 4] =
    [("unk_token", "<unk>"), ("pad_token", "<pad>"), ("bos_token", "<s>"), ("eos_token", "</s>")];

fn special<'a>(settings: &'a Settings, key: &str, default: &'a str) -> &'a str {
    settings.get(&format!("data.special_symbols.{key}")).unwrap_or(default)
}

fn take(
    weights: &mut Weights<'_>,
    settings: &Settings,
    [source, target]: [&Vocabulary; 2],
    parameters: &mut BTreeMap<String, Array>,
) -> Result<Config> {
    if !weights.has("encoder.rnn.weight_hh_l0") || !weights.has("decoder.rnn.weight_hh_l0") {
        let found = if weights.has_any("encoder.layers.") { "a transformer" } else { "none" };
        return Err(error("encoder.rnn.weight_hh_l0", "a recurrent layer", found));
    }
    let mut table = |side: &str, scale: &str| -> Result<Array> {
        let mut table = weights.matrix(&format!("{side}_embed.lut.weight"))?;
        if settings.is_on(scale) {
            let scale = (table.cols() as f32).sqrt();
            table.data.iter_mut().for_each(|number| *number *= scale);
        }
        Ok(table)
    };
    let of_encoder = "model.encoder.embeddings.scale";
    let of_decoder =
        if settings.is_on("model.tied_embeddings") { of_encoder } else { "model.decoder.embeddings.scale" };
    let (source_table, target_table) = (table("src", of_encoder)?, table("trg", of_decoder)?);
    let sizes = [&source_table, &target_table].map(|table| [table.rows(), table.cols()]);
    parameters.insert("encoder.embedding.weight".to_owned(), source_table);
    parameters.insert("decoder.embedding.weight".to_owned(), target_table);

    let name = |side: &'static str| {
        move |part: &str, layer: usize, reverse: bool| {
            format!("{side}.rnn.{part}_l{layer}{}", if reverse { "_reverse" } else { "" })
        }
    };
    let encoder = take_stack(weights, name("encoder"), "encoder", parameters)?;
    let decoder = take_stack(weights, name("decoder"), "decoder", parameters)?;
    let (hidden, memory) = (decoder.hidden_size, encoder.hidden_size * if encoder.bidirectional { 2 } else { 1 });
    let width = parameters.get("decoder.rnn.weight_ih_l0").map_or(0, Array::cols);
    let mut put = |name: &str, array: Array| parameters.insert(name.to_owned(), array);

    let score = if weights.has("decoder.attention.energy_layer.weight") {
        put("attention.memory_proj.weight", weights.shaped("decoder.attention.key_layer.weight", &[hidden, memory])?);
        put("attention.query_proj.weight", weights.shaped("decoder.attention.query_layer.weight", &[hidden, hidden])?);
        put("attention.query_proj.bias", zeros([hidden]));
        let v = weights.shaped("decoder.attention.energy_layer.weight", &[1, hidden])?;
        put("attention.v", Array { shape: vec![hidden], ..v });
        Score::Concat
    } else {
        let keys = weights.shaped("decoder.attention.key_layer.weight", &[hidden, memory])?;
        put("attention.linear_in.weight", transpose(&keys));
        Score::General
    };
    let output = weights.shaped("decoder.att_vector_layer.weight", &[hidden, hidden + memory])?;
    put("attention.linear_out.weight", last_columns_first(&output, memory));
    put("attention.linear_out.bias", weights.bias("decoder.att_vector_layer.bias", hidden)?);
    put("generator.weight", weights.shaped("decoder.output_layer.weight", &[sizes[1][0], hidden])?);
    put("generator.bias", weights.bias("decoder.output_layer.bias", sizes[1][0])?);

    let cell = if encoder.cell.has_cell() { BridgeCell::Hidden } else { BridgeCell::Cell };
    let mut bridge = Bridge::Zeros;
    let mut from = None;
    if weights.has("decoder.bridge_layer.weight") {
        bridge = Bridge::Linear(BridgeLinear { reads: BridgeReads::Top, activation: Activation::Tanh, cell });
        let weight = weights.shaped("decoder.bridge_layer.weight", &[hidden, memory])?;
        from = Some((weight, weights.bias("decoder.bridge_layer.bias", hidden)?));
    } else if settings.get("model.decoder.init_hidden") == Some("last") {
        bridge = Bridge::Linear(BridgeLinear { reads: BridgeReads::Top, activation: Activation::Identity, cell });
        let mut weight = zeros([hidden, memory]);
        (0..hidden.min(memory)).for_each(|unit| weight.data[unit * memory + unit] = 1.0);
        from = Some((weight, zeros([hidden])));
    }
    for layer in 0..decoder.layers {
        if let Some((weight, bias)) = &from {
            put(&format!("bridge.hidden.{layer}.weight"), weight.clone());
            put(&format!("bridge.hidden.{layer}.bias"), bias.clone());
        }
    }

    let [unk, pad, bos, eos] = SPECIAL.map(|(key, default)| special(settings, key, default));
    Ok(Architecture {
        tables: sizes,
        input_feeding: width == sizes[1][1] + hidden,
        bridge,
        score,
        output: AttentionOutput { bias: true, ..AttentionOutput::default() },
        special_tokens: SpecialTokens {
            pad: target.expect(pad)?,
            bos: target.expect(bos)?,
            eos: source.expect(eos).and_then(|_| target.expect(eos))?,
            unk: source.id(unk),
        },
    }
    .config(&encoder, &decoder))
}
