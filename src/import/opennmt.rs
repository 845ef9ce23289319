//! OpenNMT-py, versions 0.9 to 3.5: `encoder_type` rnn and brnn, `decoder_type` rnn.
//!
//! **Equations.** The encoder is ours, of H / 2 units a direction where there are two. The decoder reads [embedding; h̃] with
//! input feeding, and its first h̃ is zero. Scores of the decoder's h_t and the encoder's h̄_s:
//!
//! | `global_attention` | score | attentional state |
//! |---|---|---|
//! | `dot` | h_tᵀ h̄_s | tanh(`linear_out` [c_t; h_t]) |
//! | `general` | (`linear_in` h_t)ᵀ h̄_s | tanh(`linear_out` [c_t; h_t]) |
//! | `mlp` | `v`ᵀ tanh(`linear_query` h_t + b + `linear_context` h̄_s) | `linear_out` [c_t; h_t] + b, without tanh |
//!
//! Without a bridge a decoder layer starts from [forward; backward] of the encoder's. With `bridge` it starts from ReLU(W s + b)
//! of the states of all layers and directions, one matrix for hidden states and one for cells. They are square and L · H_d
//! wide, for L layers and H_d units a direction: s are all L · D states one behind the other, first by layer, then by
//! direction, cut into D rows that each go through the same W, and the results are put together in the same order. Written
//! out for layer k that is a matrix (H, L · H) which is zero but for those rows. Versions 1 and 2 cut where sentences lay
//! between layers, so that with several layers the sentences of a batch were mixed; what is read here is what they compute for
//! a sentence that is alone.
//!
//! **Symbols.** Sources have neither a begin nor an end; targets begin with `<s>`, or what `decoder_start_token` says, and
//! end with `</s>`; `<blank>` fills. Vocabularies are lists (version 3), or torchtext's fields (1 and 2) and vocabularies (0.9),
//! of which `itos` has the tokens by their ids.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::architecture::Architecture;
use super::checkpoint::Checkpoint;
use super::found::{Imported, architecture, refuse};
use super::pickle::Node;
use super::recurrent::{Stack, take_stack};
use super::vocabulary::{Kind, Vocabulary};
use super::weights::{Weights, error, zeros};
use crate::model::{
    Activation, AttentionOutput, Bridge, BridgeCell, BridgeLinear, BridgeReads, Config, Model, Parameters, Score,
    SpecialTokens,
};
use crate::{Array, Error, Result};

/// The tokens that are no text.
const SPECIAL: [&str; 3] = ["<blank>", "<s>", "</s>"];

/// Whether a checkpoint is one of OpenNMT-py.
pub fn recognizes(root: Node<'_>) -> bool {
    root.get("opt").is_some() && root.get("vocab").is_some()
}

/// Reads a checkpoint whose tensors are in it, or in a file of safetensors beside it.
///
/// # Errors
///
/// [`Error::Format`] for what is not run here, by name, and for what is missing; [`Error::Tensor`] for a parameter that does not
/// fit.
pub fn read(file: &Checkpoint, root: Node<'_>) -> Result<Imported> {
    let options = root.get("opt").ok_or_else(|| file.error("opt: expected the options of OpenNMT-py, found none"))?;
    check_options(file.path(), options)?;
    let vocabularies = root.get("vocab").ok_or_else(|| file.error("vocab: expected vocabularies, found none"))?;
    check_features(file.path(), vocabularies)?;
    let source = vocabulary(file, vocabularies, "src")?;
    let target = vocabulary(file, vocabularies, "tgt")?;

    let beside = beside(file, root)?;
    let mut weights = Weights::new();
    match &beside[..] {
        files @ [_, ..] => files.iter().try_for_each(|file| weights.add_file(file))?,
        [] => {
            let dictionary =
                |key: &str| root.get(key).ok_or_else(|| file.error(format!("{key}: expected tensors, found none")));
            weights.add(file, dictionary("model")?, "");
            weights.add(file, dictionary("generator")?, "generator.");
        }
    }
    check_tensors(file.path(), &weights)?;
    let count = weights.len();
    let mut parameters = BTreeMap::new();
    let (config, generation) = take(&mut weights, options, vocabularies, [&source, &target], &mut parameters)?;
    if let Some(name) = weights.left() {
        return Err(error(name, "no such parameter in an RNN encoder–decoder with attention", "one"));
    }

    let special = &config.special_tokens;
    let kind = |vocabulary: &Vocabulary, unk| Kind { special: ids(vocabulary, SPECIAL), unk, ..Kind::default() };
    let of_source = source.tokenizer(&kind(&source, special.unk))?;
    let of_target = target.tokenizer(&kind(&target, target.id("<unk>")))?;
    let parameters = Parameters::new(&config, parameters)?;
    let model = Model::new(config, parameters, Some(of_source), Some(of_target))?;
    let optimizer = root.get("optim").filter(|optimizer| !optimizer.is_none());
    let mut found = vec![
        ("toolkit", format!("OpenNMT-py, {generation}")),
        ("architecture", architecture(&model)),
        ("vocabularies", format!("{} source and {} target tokens", source.tokens.len(), target.tokens.len())),
        ("parameters", format!("{} in {count} tensors", model.parameters.count())),
    ];
    let step = optimizer.and_then(|optimizer| optimizer.get("training_step")).and_then(Node::int);
    if let Some(next) = step {
        // It counts from 1, and the next one is meant.
        found.push(("step", next.saturating_sub(1).to_string()));
    }
    let dropped = if optimizer.is_some() { "the optimizer's state" } else { "nothing" };
    found.push(("dropped", dropped.to_owned()));
    let files = std::iter::once(file).chain(&beside).map(|file| file.path().to_path_buf()).collect();
    Ok(Imported { model, found, files })
}

/// The tensors of version 3 may be in files of safetensors beside this one: NAME.safetensors, or NAME.00.safetensors and so on.
fn beside(file: &Checkpoint, root: Node<'_>) -> Result<Vec<Checkpoint>> {
    if root.get("model").is_some_and(|model| !model.is_none()) {
        return Ok(Vec::new());
    }
    let path = file.path();
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let belongs = |name: &str| {
        let middle = name.strip_prefix(&stem).and_then(|rest| rest.strip_suffix(".safetensors"));
        middle.is_some_and(|part| part.is_empty() || part.strip_prefix('.').is_some_and(is_number))
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let entries = fs::read_dir(folder).map_err(Error::io(folder))?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let names: BTreeSet<String> = names.filter(|name| belongs(name)).collect();
    if names.is_empty() {
        let reason = format!("model: expected tensors here or in {stem}.safetensors beside, found none");
        return Err(file.error(reason));
    }
    names.into_iter().map(|name| Checkpoint::load(path.with_file_name(name))).collect()
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The file that says what the tensors of a file of safetensors are.
pub fn described_by(path: &Path) -> PathBuf {
    let stem = path.with_extension("");
    let is_part = stem.extension().and_then(OsStr::to_str).is_some_and(is_number);
    if is_part { stem.with_extension("pt") } else { path.with_extension("pt") }
}

/// Refuses, by their names, what options ask for and no model here has.
fn check_options(path: &Path, options: Node<'_>) -> Result<()> {
    let name = |key: &str| options.get(key).and_then(Node::text);
    let is_on = |key: &str| options.get(key).is_some_and(Node::is_true);
    for (key, known) in [("model_type", &["text"][..]), ("encoder_type", &["rnn", "brnn"]), ("decoder_type", &["rnn"])]
    {
        if let Some(other) = name(key).filter(|name| !known.contains(name)) {
            return Err(refuse(path, format!("{key} {other}")));
        }
    }
    if let Some(other) = name("rnn_type").filter(|name| !["LSTM", "GRU"].contains(name)) {
        return Err(refuse(path, format!("rnn_type {other}")));
    }
    if options.get("global_attention").is_some_and(|kind| kind.is_none() || kind.text() == Some("none")) {
        return Err(refuse(path, "no attention (global_attention none)"));
    }
    for (key, what) in [
        ("copy_attn", "copy attention (copy_attn)"),
        ("coverage_attn", "coverage attention (coverage_attn)"),
        ("context_gate", "a context gate (context_gate)"),
        ("position_encoding", "position encoding (position_encoding)"),
    ] {
        if is_on(key) {
            return Err(refuse(path, what));
        }
    }
    for key in ["global_attention_function", "generator_function"] {
        if let Some(other) = name(key).filter(|name| !["softmax", "log_softmax"].contains(name)) {
            return Err(refuse(path, format!("{key} {other}")));
        }
    }
    Ok(())
}

/// Refuses, by their names, what tensors belong to that no model here has: options of old versions do not say everything.
fn check_tensors(path: &Path, weights: &Weights<'_>) -> Result<()> {
    for (prefix, what) in [
        ("decoder.copy_attn.", "copy attention (decoder.copy_attn)"),
        ("decoder.attn.linear_cover.", "coverage attention (decoder.attn.linear_cover)"),
        ("decoder.context_gate.", "a context gate (decoder.context_gate)"),
        ("encoder.embeddings.make_embedding.emb_luts.1.", "source features (emb_luts.1)"),
        ("encoder.embeddings.make_embedding.mlp.", "source features (make_embedding.mlp)"),
        ("encoder.transformer", "a transformer"),
        ("encoder.cnn.", "a convolutional encoder"),
        ("encoder.rnn.rnn_lst.", "SRU"),
        ("encoder.layer1.", "an encoder of images"),
        ("encoder.W.", "an encoder of audio"),
    ] {
        if weights.has_any(prefix) {
            return Err(refuse(path, what));
        }
    }
    Ok(())
}

fn check_features(path: &Path, vocabularies: Node<'_>) -> Result<()> {
    if vocabularies.get("src_feats").is_some_and(Node::is_true) {
        return Err(refuse(path, "source features (src_feats)"));
    }
    // Of versions 1 and 2 a field of fields, before them a list of them or vocabularies under names of their own.
    let source = vocabularies.get("src");
    let fields = source.and_then(|field| field.get("fields").or(Some(field))).and_then(Node::items);
    let has_fields = fields.is_some_and(|mut fields| fields.len() > 1 && fields.all(|field| field.text().is_none()));
    let is_feature =
        |pair: Node<'_>| pair.item(0).and_then(Node::text).is_some_and(|name| name.starts_with("src_feat"));
    if has_fields || vocabularies.items().is_some_and(|mut pairs| pairs.any(is_feature)) {
        return Err(refuse(path, "source features (fields of src)"));
    }
    Ok(())
}

/// The vocabulary of a side, in any generation.
fn vocabulary(file: &Checkpoint, vocabularies: Node<'_>, side: &str) -> Result<Vocabulary> {
    let name = format!("{}: vocab.{side}", file.path().display());
    let tokens = of_side(vocabularies, side).and_then(tokens);
    let tokens = tokens.ok_or_else(|| Error::format(&name, "expected a list of tokens, found none"))?;
    Ok(Vocabulary { name, tokens })
}

/// What there is of a side: under its name or, before version 0.9, in a pair with it.
fn of_side<'a>(vocabularies: Node<'a>, side: &str) -> Option<Node<'a>> {
    let listed = || vocabularies.items()?.find(|pair| pair.item(0).and_then(Node::text) == Some(side))?.item(1);
    vocabularies.get(side).or_else(listed)
}

/// The tokens that a list, a vocabulary, or a field of torchtext holds.
fn tokens(mut node: Node<'_>) -> Option<Vec<String>> {
    // A field of several fields, the first of them, its vocabulary, the list.
    for _ in 0..6 {
        let inner = ["itos", "vocab", "fields"].iter().find_map(|key| node.get(key));
        match inner {
            Some(inner) => node = inner,
            None if node.item(0)?.text().is_some() => break,
            // The first of pairs of a name and a field.
            None => node = node.item(0)?.item(1)?,
        }
    }
    node.items()?.map(|token| token.text().map(str::to_owned)).collect()
}

fn ids(vocabulary: &Vocabulary, tokens: [&str; 3]) -> Vec<u32> {
    tokens.iter().filter_map(|token| vocabulary.id(token)).collect()
}

/// Takes all parameters; what they are, and which generation has named them.
fn take(
    weights: &mut Weights<'_>,
    options: Node<'_>,
    vocabularies: Node<'_>,
    [source, target]: [&Vocabulary; 2],
    parameters: &mut BTreeMap<String, Array>,
) -> Result<(Config, &'static str)> {
    let mut put = |name: &str, array: Array| parameters.insert(name.to_owned(), array);
    let table = |side: &str| format!("{side}.embeddings.make_embedding.emb_luts.0.weight");
    let [source_table, target_table] = [weights.matrix(&table("encoder"))?, weights.matrix(&table("decoder"))?];
    let sizes = [&source_table, &target_table].map(|table| [table.rows(), table.cols()]);
    put("encoder.embedding.weight", source_table);
    put("decoder.embedding.weight", target_table);

    let backward = |name: String, backward: bool| if backward { name + "_reverse" } else { name };
    let encoder = take_stack(
        weights,
        |part, layer, reverse| backward(format!("encoder.rnn.{part}_l{layer}"), reverse),
        "encoder",
        parameters,
    )?;
    let input_feeding = weights.has("decoder.rnn.layers.0.weight_hh");
    let decoder = take_stack(
        weights,
        |part, layer, reverse| match input_feeding {
            true => backward(format!("decoder.rnn.layers.{layer}.{part}"), reverse),
            false => backward(format!("decoder.rnn.{part}_l{layer}"), reverse),
        },
        "decoder",
        parameters,
    )?;
    let mut put = |name: &str, array: Array| parameters.insert(name.to_owned(), array);
    let (hidden, memory) = (decoder.hidden_size, encoder.hidden_size * if encoder.bidirectional { 2 } else { 1 });

    let mut output = AttentionOutput::default();
    let score = if weights.has("decoder.attn.v.weight") {
        put("attention.memory_proj.weight", weights.shaped("decoder.attn.linear_context.weight", &[hidden, memory])?);
        put("attention.query_proj.weight", weights.shaped("decoder.attn.linear_query.weight", &[hidden, hidden])?);
        put("attention.query_proj.bias", weights.bias("decoder.attn.linear_query.bias", hidden)?);
        let v = weights.shaped("decoder.attn.v.weight", &[1, hidden])?;
        put("attention.v", Array { shape: vec![hidden], ..v });
        put("attention.linear_out.bias", weights.bias("decoder.attn.linear_out.bias", hidden)?);
        output = AttentionOutput { activation: Activation::Identity, bias: true };
        Score::Concat
    } else if weights.has("decoder.attn.linear_in.weight") {
        put("attention.linear_in.weight", weights.shaped("decoder.attn.linear_in.weight", &[memory, hidden])?);
        Score::General
    } else {
        Score::Dot
    };
    put("attention.linear_out.weight", weights.shaped("decoder.attn.linear_out.weight", &[hidden, memory + hidden])?);

    // Versions 1 and 2 had the generator in a list with the softmax behind it.
    let is_old = weights.has("generator.0.weight");
    let prefix = if is_old { "generator.0" } else { "generator" };
    let generator = weights.shaped(&format!("{prefix}.weight"), &[sizes[1][0], hidden])?;
    put("generator.bias", weights.bias(&format!("{prefix}.bias"), generator.rows())?);
    put("generator.weight", generator);
    let generation = match vocabularies.get("src").and_then(Node::items) {
        Some(_) => "version 3",
        None if vocabularies.get("src").is_some() => "version 1 or 2",
        None => "version 0.9 or before",
    };

    let mut bridge = Bridge::Copy;
    if weights.has("encoder.bridge.0.weight") {
        let reads = if encoder.layers == 1 { BridgeReads::Layer } else { BridgeReads::All };
        bridge = Bridge::Linear(BridgeLinear { reads, activation: Activation::Relu, cell: BridgeCell::Cell });
        let states: &[&str] = if encoder.cell.has_cell() { &["hidden", "cell"] } else { &["hidden"] };
        for (number, state) in states.iter().enumerate() {
            let wide = encoder.layers * encoder.hidden_size;
            let weight = weights.shaped(&format!("encoder.bridge.{number}.weight"), &[wide, wide])?;
            let bias = weights.bias(&format!("encoder.bridge.{number}.bias"), wide)?;
            for layer in 0..encoder.layers {
                let (weight, bias) = bridge_of(&encoder, layer, &weight, &bias);
                parameters.insert(format!("bridge.{state}.{layer}.weight"), weight);
                parameters.insert(format!("bridge.{state}.{layer}.bias"), bias);
            }
        }
    }

    let start = vocabularies.get("decoder_start_token").or_else(|| options.get("decoder_start_token"));
    let start = start.and_then(Node::text).filter(|token| !token.is_empty()).unwrap_or("<s>");
    let pad = target.expect("<blank>")?;
    if let Some(other) = source.tokens.get(pad as usize).filter(|token| *token != "<blank>") {
        let reason = format!("expected {pad} to be \"<blank>\" as among targets, found {other:?}");
        return Err(Error::format(&source.name, reason));
    }
    let config = Architecture {
        tables: sizes,
        input_feeding,
        bridge,
        score,
        output,
        special_tokens: SpecialTokens {
            pad,
            bos: target.expect(start)?,
            eos: target.expect("</s>")?,
            unk: source.id("<unk>"),
        },
    }
    .config(&encoder, &decoder);
    Ok((config, generation))
}

/// The bridge of a decoder layer, written out: the rows of the one W that make its H numbers, each where it reads.
fn bridge_of(encoder: &Stack, layer: usize, weight: &Array, bias: &Array) -> (Array, Array) {
    let wide = encoder.layers * encoder.hidden_size;
    let hidden = encoder.hidden_size * if encoder.bidirectional { 2 } else { 1 };
    let mut written = zeros([hidden, encoder.layers * hidden]);
    let mut of_layer = zeros([hidden]);
    for unit in 0..hidden {
        // Which of the rows it comes from, and which output of it is.
        let (row, output) = ((layer * hidden + unit) / wide, (layer * hidden + unit) % wide);
        let to = &mut written.data[unit * encoder.layers * hidden..][row * wide..][..wide];
        to.copy_from_slice(weight.row(output));
        of_layer.data[unit] = bias.data[output];
    }
    (written, of_layer)
}

#[cfg(test)]
mod tests {
    use super::super::pickle::Pickle;
    use super::*;

    #[test]
    fn vocabularies_of_every_generation_are_lists_of_tokens() {
        let list = "(lV<unk>\naV<blank>\naVa\na";
        let object = |class: &str, key: &str, value: &str| format!("ctorchtext\n{class}\n(tR(dV{key}\n{value}sb");
        let vocabulary = object("Vocab", "itos", list);
        let field = object("Field", "vocab", &vocabulary);
        let fields = object("TextMultiField", "fields", &format!("(l(Vsrc\n{field}ta"));
        for (generation, pickle) in [
            ("3", format!("(dVsrc\n{list}s.")),
            ("1 and 2", format!("(dVsrc\n{fields}s.")),
            ("0.9", format!("(dVsrc\n(l(Vsrc\n{field}tas.")),
            ("before", format!("(l(Vsrc\n{vocabulary}ta.")),
        ] {
            let pickle = Pickle::read(pickle.as_bytes()).expect("a pickle");
            let found = of_side(pickle.root(), "src").and_then(tokens);
            assert_eq!(found, Some(["<unk>", "<blank>", "a"].map(str::to_owned).to_vec()), "{generation}");
            assert!(of_side(pickle.root(), "tgt").is_none());
            assert!(check_features(Path::new("model.pt"), pickle.root()).is_ok());
        }
        let features = format!("(l(Vsrc\n{vocabulary}ta(Vsrc_feat_0\n{vocabulary}ta.");
        let features = Pickle::read(features.as_bytes()).expect("a pickle");
        assert!(check_features(Path::new("model.pt"), features.root()).is_err());
    }

    /// Two layers in two directions of two units: rows of four states each, of which every layer's four are made.
    #[test]
    fn a_bridge_over_all_layers_is_written_out() {
        let encoder = Stack { cell: crate::model::Cell::Gru, layers: 2, bidirectional: true, hidden_size: 2 };
        let weight = Array::new([4, 4], (0..16).map(|number| number as f32).collect());
        let bias = Array::new([4], vec![0.5, 1.5, 2.5, 3.5]);
        let states: Vec<f32> = (1..=8).map(|number| number as f32).collect();
        // What OpenNMT-py does: cut in two, each through W and b, and put together.
        let row = |part: &[f32], row: usize| {
            weight.row(row).iter().zip(part).map(|(w, s)| w * s).sum::<f32>() + bias.data[row]
        };
        let expected: Vec<f32> = states.chunks(4).flat_map(|part| (0..4).map(move |at| row(part, at))).collect();
        let found: Vec<f32> = (0..2)
            .flat_map(|layer| {
                let (weight, bias) = bridge_of(&encoder, layer, &weight, &bias);
                let sum = |unit: usize| weight.row(unit).iter().zip(&states).map(|(w, s)| w * s).sum::<f32>();
                (0..4).map(|unit| sum(unit) + bias.data[unit]).collect::<Vec<_>>()
            })
            .collect();
        assert_eq!(found, expected);
    }
}
