//! fairseq's `lstm` and the architectures that are named after it, with `dict.*.txt` beside the checkpoint.
//!
//! **Equations.** The encoder is ours, an LSTM of `encoder_hidden_size` units a direction. The decoder reads [embedding; h̃], the
//! first h̃ being zero, and each of its layers starts from [forward; backward] of the encoder's, hidden state and cell; where
//! the decoder has another width they go through `encoder_hidden_proj` and `encoder_cell_proj`, which all layers share and
//! behind which stands nothing. The score is (`input_proj` h_t)ᵀ h̄_s and the attentional state tanh(`output_proj` [c_t; h_t]),
//! without biases. `additional_fc`, where it is there, is a linear layer before the last one without an activation, so
//! that the two are one: `fc_out` (A h̃ + a) + f = (F A) h̃ + (F a + f). `fc_out` may be the target's embeddings, and has no
//! bias then.
//!
//! **Symbols.** Dictionaries begin with `<s>`, `<pad>`, `</s>` and `<unk>`; the tokens of the file follow, of each line what
//! stands before its last space. Sources end with `</s>`, and so do targets, which begin with it too.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::architecture::Architecture;
use super::checkpoint::Checkpoint;
use super::found::{Imported, architecture, refuse};
use super::pickle::Node;
use super::recurrent::take_stack;
use super::vocabulary::{Kind, Vocabulary, text_of};
use super::weights::{Weights, error};
use crate::model::{
    Activation, AttentionOutput, Bridge, BridgeCell, BridgeLinear, BridgeReads, Config, Model, Parameters, Score,
    SpecialTokens,
};
use crate::{Array, Error, Result};

/// What dictionaries begin with.
const SPECIAL: [&str; 4] = ["<s>", "<pad>", "</s>", "<unk>"];

/// Whether a checkpoint is one of fairseq.
pub fn recognizes(root: Node<'_>) -> bool {
    root.get("model").is_some() && (root.get("args").is_some() || root.get("cfg").is_some())
}

/// Reads a checkpoint and the dictionaries beside it.
///
/// # Errors
///
/// [`Error::Io`] for a dictionary that is not beside it; [`Error::Format`] for what is not run here, by name; [`Error::Tensor`]
/// for a parameter that does not fit.
pub fn read(file: &Checkpoint, root: Node<'_>) -> Result<Imported> {
    let cfg = root.get("cfg").filter(|cfg| !cfg.is_none());
    let args = root.get("args").filter(|args| !args.is_none());
    let options = args.or_else(|| option(cfg?, "model"));
    let task = args.or_else(|| option(cfg?, "task"));
    let name = |options: Option<Node<'_>>, key: &str| option(options?, key).and_then(Node::text).map(str::to_owned);

    let state = root.get("model").ok_or_else(|| file.error("model: expected tensors, found none"))?;
    let mut weights = Weights::new();
    weights.add(file, state, "");
    weights.drop_all(|name| name.ends_with(".version") || name.ends_with("._float_tensor"));
    let called = name(options, "arch").or_else(|| name(options, "_name"));
    let called = called.unwrap_or_else(|| "an architecture without a name".to_owned());
    check_tensors(file.path(), &called, &weights)?;

    let source =
        dictionary(file.path(), name(task, "source_lang").or_else(|| name(options, "source_lang")), "source_lang")?;
    let target =
        dictionary(file.path(), name(task, "target_lang").or_else(|| name(options, "target_lang")), "target_lang")?;
    let count = weights.len();
    let mut parameters = BTreeMap::new();
    let config = take(&mut weights, [&source, &target], &mut parameters)?;
    if let Some(name) = weights.left() {
        return Err(error(name, "no such parameter in an RNN encoder–decoder with attention", "one"));
    }

    let special = &config.special_tokens;
    let kind = |end| Kind { special: vec![0, 1, 2], unk: Some(3), end, lowercase: false };
    let of_source = source.tokenizer(&kind(Some(special.eos)))?;
    let of_target = target.tokenizer(&kind(None))?;
    let parameters = Parameters::new(&config, parameters)?;
    let model = Model::new(config, parameters, Some(of_source), Some(of_target))?;
    let generation = if cfg.is_some() { "since 0.10 (cfg)" } else { "before 0.10 (args)" };
    let mut found = vec![
        ("toolkit", format!("fairseq, {generation}, {called}")),
        ("architecture", architecture(&model)),
        ("vocabularies", format!("{} source and {} target tokens", source.tokens.len(), target.tokens.len())),
        ("parameters", format!("{} in {count} tensors", model.parameters.count())),
    ];
    let last = root.get("optimizer_history").and_then(Node::items).and_then(Iterator::last);
    if let Some(step) = last.and_then(|last| last.get("num_updates")).and_then(Node::int) {
        found.push(("step", step.to_string()));
    }
    let dropped = root.get("last_optimizer_state").is_some_and(|state| !state.is_none());
    found.push(("dropped", if dropped { "the optimizer's state" } else { "nothing" }.to_owned()));
    let files = vec![file.path().to_path_buf(), source.name.into(), target.name.into()];
    Ok(Imported { model, found, files })
}

/// An option, of a namespace, a dictionary, or one of OmegaConf's, which keeps nodes in `_content` and values in `_val`.
fn option<'a>(options: Node<'a>, key: &str) -> Option<Node<'a>> {
    let node = options.get(key).or_else(|| options.get("_content")?.get(key))?;
    Some(node.get("_val").unwrap_or(node))
}

/// Refuses, by their names, what tensors belong to that no model here has.
fn check_tensors(path: &Path, architecture: &str, weights: &Weights<'_>) -> Result<()> {
    if !weights.has("encoder.lstm.weight_hh_l0") {
        return Err(refuse(path, format!("{architecture} (no encoder.lstm)")));
    }
    if weights.has_any("decoder.adaptive_softmax.") {
        return Err(refuse(path, "adaptive softmax (decoder.adaptive_softmax)"));
    }
    if !weights.has_any("decoder.attention.") {
        return Err(refuse(path, "no attention (decoder_attention 0)"));
    }
    Ok(())
}

/// The dictionary of a language, beside the checkpoint.
fn dictionary(checkpoint: &Path, language: Option<String>, key: &str) -> Result<Vocabulary> {
    let Some(language) = language else {
        return Err(Error::format(
            checkpoint,
            format!("{key}: expected the name of a dictionary's language, found none"),
        ));
    };
    // A language of somebody else's is no path.
    if language.contains(['/', '\\']) {
        return Err(Error::format(checkpoint, format!("{key}: expected the name of a language, found {language:?}")));
    }
    let path: PathBuf = checkpoint.with_file_name(format!("dict.{language}.txt"));
    let text = text_of(&path)?;
    let mut tokens: Vec<String> = SPECIAL.map(str::to_owned).to_vec();
    for line in text.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
        let expected = || Error::format(&path, format!("expected a token and its count, found {line:?}"));
        let (mut token, mut count) = line.rsplit_once(' ').ok_or_else(expected)?;
        if count == "#fairseq:overwrite" {
            (token, count) = token.rsplit_once(' ').ok_or_else(expected)?;
            // The one that was there before is no longer found.
            if let Some(earlier) = tokens.iter_mut().find(|earlier| *earlier == token) {
                earlier.push_str(" #fairseq:overwritten");
            }
        }
        count.parse::<i64>().map_err(|_| expected())?;
        tokens.push(token.to_owned());
    }
    Ok(Vocabulary { name: path.display().to_string(), tokens })
}

fn take(
    weights: &mut Weights<'_>,
    [source, target]: [&Vocabulary; 2],
    parameters: &mut BTreeMap<String, Array>,
) -> Result<Config> {
    let source_table = weights.matrix("encoder.embed_tokens.weight")?;
    let target_table = weights.matrix("decoder.embed_tokens.weight")?;
    let sizes = [&source_table, &target_table].map(|table| [table.rows(), table.cols()]);
    for (vocabulary, size) in [(source, sizes[0][0]), (target, sizes[1][0])] {
        if vocabulary.tokens.len() != size {
            let reason = format!("expected {size} tokens, as the model has, found {}", vocabulary.tokens.len());
            return Err(Error::format(&vocabulary.name, reason));
        }
    }
    let of_encoder = |part: &str, layer: usize, reverse: bool| {
        format!("encoder.lstm.{part}_l{layer}{}", if reverse { "_reverse" } else { "" })
    };
    let of_decoder = |part: &str, layer: usize, reverse: bool| {
        format!("decoder.layers.{layer}.{part}{}", if reverse { "_reverse" } else { "" })
    };
    let encoder = take_stack(weights, of_encoder, "encoder", parameters)?;
    let decoder = take_stack(weights, of_decoder, "decoder", parameters)?;
    let (hidden, memory) = (decoder.hidden_size, encoder.hidden_size * if encoder.bidirectional { 2 } else { 1 });
    let mut put = |name: &str, array: Array| parameters.insert(name.to_owned(), array);

    put("attention.linear_in.weight", weights.shaped("decoder.attention.input_proj.weight", &[memory, hidden])?);
    put(
        "attention.linear_out.weight",
        weights.shaped("decoder.attention.output_proj.weight", &[hidden, memory + hidden])?,
    );
    let (weight, bias) = if weights.has("decoder.fc_out.weight") {
        let weight = weights.matrix("decoder.fc_out.weight")?;
        let bias = weights.bias("decoder.fc_out.bias", weight.rows())?;
        (weight, bias)
    } else {
        (target_table.clone(), Array::new([sizes[1][0]], vec![0.0; sizes[1][0]]))
    };
    let (weight, bias) = if weights.has("decoder.additional_fc.weight") {
        let inner = weights.shaped("decoder.additional_fc.weight", &[weight.cols(), hidden])?;
        let inner_bias = weights.bias("decoder.additional_fc.bias", weight.cols())?;
        folded([&weight, &bias], [&inner, &inner_bias])
    } else {
        (weight, bias)
    };
    put("generator.weight", weight);
    put("generator.bias", bias);
    put("encoder.embedding.weight", source_table);
    put("decoder.embedding.weight", target_table);

    let mut bridge = Bridge::Copy;
    if weights.has("decoder.encoder_hidden_proj.weight") {
        let (reads, cell) = (BridgeReads::Layer, BridgeCell::Cell);
        bridge = Bridge::Linear(BridgeLinear { reads, activation: Activation::Identity, cell });
        for state in ["hidden", "cell"] {
            let weight = weights.shaped(&format!("decoder.encoder_{state}_proj.weight"), &[hidden, memory])?;
            let bias = weights.bias(&format!("decoder.encoder_{state}_proj.bias"), hidden)?;
            for layer in 0..decoder.layers {
                put(&format!("bridge.{state}.{layer}.weight"), weight.clone());
                put(&format!("bridge.{state}.{layer}.bias"), bias.clone());
            }
        }
    }
    let eos = target.expect("</s>")?;
    Ok(Architecture {
        tables: sizes,
        input_feeding: true,
        bridge,
        score: Score::General,
        output: AttentionOutput::default(),
        special_tokens: SpecialTokens { pad: 1, bos: eos, eos, unk: source.id("<unk>") },
    }
    .config(&encoder, &decoder))
}

/// F (A x + a) + f as one layer: F A and F a + f.
fn folded([outer, outer_bias]: [&Array; 2], [inner, inner_bias]: [&Array; 2]) -> (Array, Array) {
    let (rows, cols) = (outer.rows(), inner.cols());
    let mut weight = Vec::with_capacity(rows * cols);
    let mut bias = Vec::with_capacity(rows);
    for row in 0..rows {
        let mut sums = vec![0.0; cols];
        let mut sum = f64::from(outer_bias.data[row]);
        for (between, &factor) in outer.row(row).iter().enumerate() {
            let factor = f64::from(factor);
            sum += factor * f64::from(inner_bias.data[between]);
            sums.iter_mut().zip(inner.row(between)).for_each(|(sum, &number)| *sum += factor * f64::from(number));
        }
        weight.extend(sums.into_iter().map(|sum| sum as f32));
        bias.push(sum as f32);
    }
    (Array::new([rows, cols], weight), Array::new([rows], bias))
}
