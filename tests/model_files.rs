//! A model's files: what is accepted, what is refused, and that a refusal names the thing that is wrong.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use common::TestResult;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use seq2seq::model::{Config, Model, ModelBytes, Parameters, WeightFormat, parameter_shapes};
use seq2seq::{Array, Error};
use serde_json::{Value, json};

/// A configuration with every key: `copy` and `dot` of a bidirectional LSTM.
fn config_json() -> Value {
    json!({
        "format_version": 1,
        "cell": "lstm",
        "encoder": {"vocab_size": 11, "embedding_size": 5, "hidden_size": 6, "num_layers": 1, "bidirectional": true},
        "decoder": {"vocab_size": 13, "embedding_size": 7, "hidden_size": 12, "num_layers": 1, "input_feeding": false},
        "bridge": "copy",
        "attention": {"score": "dot", "window": "global", "half_width": 2, "max_source_length": 16},
        "special_tokens": {"pad": 0, "bos": 1, "eos": 2, "unk": 3}
    })
}

/// The configuration above with `edits` of dotted keys.
fn edited(edits: &[(&str, Value)]) -> String {
    let mut json = config_json();
    for (key, value) in edits {
        let pointer = format!("/{}", key.replace('.', "/"));
        *json.pointer_mut(&pointer).expect("edits are of keys that exist") = value.clone();
    }
    json.to_string()
}

fn config(edits: &[(&str, Value)]) -> Config {
    Config::from_json(edited(edits), "config.json").expect("the edits keep it valid")
}

/// The message of a refusal.
#[track_caller]
fn refusal<T>(result: Result<T, Error>) -> String {
    match result {
        Ok(_) => panic!("accepted"),
        Err(error) => error.to_string(),
    }
}

/// The bytes of a safetensors file.
fn safetensors(tensors: &BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>) -> Vec<u8> {
    let views = tensors.iter().map(|(name, (dtype, shape, bytes))| {
        (name, TensorView::new(*dtype, shape.clone(), bytes).expect("the bytes fit the shape"))
    });
    safetensors::serialize(views, None).expect("these tensors can be written")
}

/// The parameters of `config` as they stand in a file.
fn tensors(config: &Config) -> BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)> {
    let parameters = Parameters::random(config, 1, 0.5).expect("the configuration is valid");
    let bytes = |array: &Array| array.data.iter().flat_map(|value| value.to_le_bytes()).collect();
    parameters.iter().map(|(name, array)| (name.to_owned(), (Dtype::F32, array.shape.clone(), bytes(array)))).collect()
}

fn load_weights(config: &Config, bytes: &[u8]) -> Result<Parameters, Error> {
    Parameters::from_safetensors(config, bytes, "dir/model.safetensors")
}

#[test]
fn a_contradiction_names_its_key_what_was_expected_and_what_was_found() {
    let huge = 1_u64 << 40;
    let cases: &[(&[(&str, Value)], &str)] = &[
        (&[("format_version", json!(2))], "format_version: expected 1, found 2"),
        (&[("encoder.vocab_size", json!(0))], "encoder.vocab_size: expected 1 to 16777216, found 0"),
        (&[("encoder.embedding_size", json!(0))], "encoder.embedding_size: expected 1 to 16777216, found 0"),
        (&[("encoder.hidden_size", json!(0))], "encoder.hidden_size: expected 1 to 16777216, found 0"),
        (&[("encoder.num_layers", json!(0))], "encoder.num_layers: expected 1 to 1024, found 0"),
        (&[("decoder.vocab_size", json!(0))], "decoder.vocab_size: expected 1 to 16777216, found 0"),
        (&[("decoder.embedding_size", json!(0))], "decoder.embedding_size: expected 1 to 16777216, found 0"),
        (&[("decoder.hidden_size", json!(0))], "decoder.hidden_size: expected 1 to 16777216, found 0"),
        (&[("decoder.num_layers", json!(0))], "decoder.num_layers: expected 1 to 1024, found 0"),
        (&[("encoder.num_layers", json!(1025))], "encoder.num_layers: expected 1 to 1024, found 1025"),
        (&[("encoder.hidden_size", json!(huge))], "encoder.hidden_size: expected 1 to 16777216, found 1099511627776"),
        (
            &[("encoder.hidden_size", json!(u64::MAX))],
            "encoder.hidden_size: expected 1 to 16777216, found 18446744073709551615",
        ),
        (
            &[("encoder.vocab_size", json!(1 << 24)), ("encoder.embedding_size", json!(1 << 24))],
            "config: expected at most 4294967296 scalars in all parameters, found",
        ),
        (
            &[("decoder.num_layers", json!(2))],
            "decoder.num_layers: expected 1, as encoder.num_layers (bridge copy), found 2",
        ),
        (
            &[("bridge", json!("linear")), ("decoder.num_layers", json!(2))],
            "decoder.num_layers: expected at most 1, encoder.num_layers (bridge linear), found 2",
        ),
        (
            &[("bridge", json!({"activation": "relu"})), ("decoder.num_layers", json!(2))],
            "decoder.num_layers: expected at most 1, encoder.num_layers (bridge linear), found 2",
        ),
        (
            &[("bridge", json!("cubic"))],
            "config.json: unknown variant `cubic`, expected one of `copy`, `zeros`, `linear`",
        ),
        (
            &[("bridge", json!(3))],
            "config.json: invalid type: integer `3`, expected a bridge: \"copy\", \"zeros\", \"linear\" or an object with reads",
        ),
        (
            &[("bridge", json!({"reads": "some"}))],
            "config.json: unknown variant `some`, expected one of `layer`, `top`, `all`",
        ),
        (
            &[("bridge", json!({"rads": "top"}))],
            "config.json: unknown field `rads`, expected one of `reads`, `activation`, `cell`",
        ),
        (
            &[("attention", json!({"score": "dot", "window": "global", "output": {"activation": "gelu"}}))],
            "config.json: unknown variant `gelu`, expected one of `identity`, `tanh`, `relu`",
        ),
        (
            &[("attention.score", json!("general")), ("decoder.hidden_size", json!(14))],
            "decoder.hidden_size: expected 12, encoder.hidden_size times 2 directions (bridge copy), found 14",
        ),
        (
            &[("bridge", json!("zeros")), ("encoder.bidirectional", json!(false))],
            "decoder.hidden_size: expected 6, encoder.hidden_size times 1 directions (score dot), found 12",
        ),
        (
            &[("bridge", json!("zeros")), ("attention.score", json!("scaled_dot")), ("decoder.hidden_size", json!(6))],
            "decoder.hidden_size: expected 12, encoder.hidden_size times 2 directions (score scaled_dot), found 6",
        ),
        (
            &[("attention.window", json!("local_m")), ("attention.half_width", json!(null))],
            "attention.half_width: expected 0 to 16777216 (window local_m), found none",
        ),
        (
            &[("attention.window", json!("local_p")), ("attention.half_width", json!(null))],
            "attention.half_width: expected 1 to 16777216 (window local_p), found none",
        ),
        (
            &[("attention.window", json!("local_p")), ("attention.half_width", json!(0))],
            "attention.half_width: expected 1 to 16777216 (window local_p), found 0",
        ),
        (
            &[("attention.score", json!("location")), ("attention.max_source_length", json!(null))],
            "attention.max_source_length: expected 1 to 16777216 (score location), found none",
        ),
        (
            &[("attention.score", json!("location")), ("attention.max_source_length", json!(0))],
            "attention.max_source_length: expected 1 to 16777216 (score location), found 0",
        ),
        (
            &[("special_tokens.pad", json!(11))],
            "special_tokens.pad: expected an id below encoder.vocab_size, 11, found 11",
        ),
        (
            &[("encoder.vocab_size", json!(20)), ("special_tokens.pad", json!(13))],
            "special_tokens.pad: expected an id below decoder.vocab_size, 13, found 13",
        ),
        (
            &[("special_tokens.bos", json!(13))],
            "special_tokens.bos: expected an id below decoder.vocab_size, 13, found 13",
        ),
        (
            &[("special_tokens.eos", json!(99))],
            "special_tokens.eos: expected an id below decoder.vocab_size, 13, found 99",
        ),
        (
            &[("special_tokens.unk", json!(12))],
            "special_tokens.unk: expected an id below encoder.vocab_size, 11, found 12",
        ),
        (
            &[("special_tokens.eos", json!(0))],
            "special_tokens.eos: expected an id other than special_tokens.pad, found 0",
        ),
        (
            &[("special_tokens.unk", json!(0))],
            "special_tokens.unk: expected an id other than special_tokens.pad, found 0",
        ),
    ];
    for (edits, expected) in cases {
        let message = refusal(Config::from_json(edited(edits), "config.json"));
        assert!(message.starts_with(expected), "{edits:?}\n expected {expected}\n    found {message}");
    }
}

/// Words that say what goes without saying are not written, and those that do not are.
#[test]
fn what_is_the_default_is_left_out() -> TestResult {
    for (edits, written) in [
        (
            &[("bridge", json!({})), ("attention", json!({"score": "dot", "window": "global", "output": {}}))][..],
            json!("linear"),
        ),
        (&[("bridge", json!({"reads": "layer", "activation": "tanh", "cell": "cell"}))], json!("linear")),
        (
            &[
                ("bridge", json!("copy")),
                ("attention", json!({"score": "dot", "window": "global", "output": {"activation": "tanh"}})),
            ],
            json!("copy"),
        ),
        (
            &[("bridge", json!({"reads": "top", "cell": "hidden"}))],
            json!({"reads": "top", "activation": "tanh", "cell": "hidden"}),
        ),
    ] {
        let config = Config::from_json(edited(edits), "config.json")?;
        let json: Value = serde_json::from_str(&config.to_json()?)?;
        assert_eq!(json["bridge"], written);
        assert!(json["attention"].get("output").is_none());
        assert_eq!(Config::from_json(config.to_json()?, "config.json")?, config);
    }
    let config = Config::from_json(
        edited(&[("attention", json!({"score": "dot", "window": "global", "output": {"bias": true}}))]),
        "config.json",
    )?;
    let json: Value = serde_json::from_str(&config.to_json()?)?;
    assert_eq!(json["attention"]["output"], json!({"activation": "tanh", "bias": true}));
    // What ends a target may begin the next.
    Config::from_json(edited(&[("special_tokens.bos", json!(2))]), "config.json")?;
    Ok(())
}

#[test]
fn what_looks_odd_but_means_something_is_accepted() {
    config(&[("attention.window", json!("local_m")), ("attention.half_width", json!(0))]);
    config(&[("special_tokens.bos", json!(0))]);
    config(&[("special_tokens.unk", json!(null))]);
    config(&[("bridge", json!("linear")), ("encoder.num_layers", json!(2))]);
    config(&[("attention.half_width", json!(null)), ("attention.max_source_length", json!(null))]);
}

#[test]
fn an_unknown_key_is_named_with_its_file_and_line() {
    for object in ["", "/encoder", "/decoder", "/attention", "/special_tokens"] {
        let mut json = config_json();
        json.pointer_mut(object).and_then(Value::as_object_mut).expect("an object").insert("dropout".into(), json!(0));
        let text = serde_json::to_string_pretty(&json).expect("JSON");
        let line = 1 + text.lines().position(|line| line.contains("dropout")).expect("the key stands there");
        let message = refusal(Config::from_json(text, "dir/config.json"));
        assert!(message.starts_with("dir/config.json: unknown field `dropout`, expected "), "{object}: {message}");
        assert!(message.contains(&format!("at line {line} ")), "{object}: {message}");
    }
}

#[test]
fn what_is_no_config_names_the_file_and_what_is_wrong() {
    let cases = [
        (String::new(), "EOF"),
        ("{".into(), "EOF"),
        ("[1]".into(), ""),
        ("null".into(), "expected struct Config"),
        ("\u{0}\u{1}".into(), "line 1"),
        (edited(&[]).replace(r#""cell":"lstm","#, ""), "missing field `cell`"),
        (edited(&[]).replace(r#""pad":0,"#, ""), "missing field `pad`"),
        (edited(&[]).replace(r#""cell""#, r#""cell":"gru","cell""#), "duplicate field `cell`"),
        (edited(&[("cell", json!("LSTM"))]), "unknown variant `LSTM`, expected one of `tanh`, `gru`, `lstm`"),
        (edited(&[("bridge", json!("mean"))]), "unknown variant `mean`"),
        (edited(&[("attention.score", json!("cosine"))]), "unknown variant `cosine`"),
        (edited(&[("attention.window", json!("local"))]), "unknown variant `local`"),
        (edited(&[("encoder.hidden_size", json!(-6))]), "invalid value: integer `-6`"),
        (edited(&[("encoder.hidden_size", json!(6.5))]), "invalid type: floating point `6.5`"),
        (edited(&[("encoder.bidirectional", json!("yes"))]), "invalid type: string \"yes\""),
        (edited(&[("special_tokens.pad", json!(1_u64 << 32))]), "invalid value: integer `4294967296`"),
        (edited(&[]) + "x", "trailing characters"),
        ("[".repeat(100_000), ""),
    ];
    for (text, expected) in cases {
        let message = refusal(Config::from_json(&text, "dir/config.json"));
        assert!(message.starts_with("dir/config.json: ") && message.contains(expected), "{expected}: {message}");
    }
    let message = refusal(Config::from_json(b"\xff\xfe{}", "dir/config.json"));
    assert!(message.starts_with("dir/config.json: "), "{message}");
}

#[test]
fn another_version_is_refused_as_such_whatever_its_keys_are() {
    let message = refusal(Config::from_json(r#"{"format_version": 2, "layers": []}"#, "config.json"));
    assert_eq!(message, "format_version: expected 1, found 2");
}

#[test]
fn a_saved_config_reads_as_it_was_written() -> TestResult {
    let shipped = fs::read_to_string(common::g2p().join("config.json"))?;
    assert_eq!(Config::from_json(&shipped, "config.json")?.to_json()?.trim_end(), shipped.trim_end());
    let full = config(&[]);
    let saved = full.to_json()?;
    assert!(saved.ends_with("}\n"));
    assert_eq!(Config::from_json(saved, "config.json")?, full);
    Ok(())
}

#[test]
fn a_missing_surplus_or_misshapen_tensor_is_named() {
    let config = config(&[]);
    let whole = tensors(&config);
    assert!(load_weights(&config, &safetensors(&whole)).is_ok());

    for (name, (_, shape, _)) in &whole {
        let mut without = whole.clone();
        without.remove(name);
        let expected = format!("tensor {name}: expected a parameter of shape {shape:?}, found none");
        assert_eq!(refusal(load_weights(&config, &safetensors(&without))), expected);

        let mut wrong = whole.clone();
        let flat: usize = shape.iter().product();
        let reshaped = vec![1, flat];
        wrong.entry(name.clone()).and_modify(|tensor| tensor.1.clone_from(&reshaped));
        let expected = format!("tensor {name}: expected shape {shape:?}, found {reshaped:?}");
        assert_eq!(refusal(load_weights(&config, &safetensors(&wrong))), expected);
    }

    let mut surplus = whole;
    surplus.insert("attention.linear_in.weight".into(), (Dtype::F32, vec![12, 12], vec![0; 576]));
    assert_eq!(
        refusal(load_weights(&config, &safetensors(&surplus))),
        "tensor attention.linear_in.weight: expected no such parameter in this architecture, found one"
    );
}

#[test]
fn another_type_of_number_is_named() {
    let config = config(&[]);
    let cases = [(Dtype::F64, 8, "F64"), (Dtype::BF16, 2, "BF16"), (Dtype::I64, 8, "I64"), (Dtype::U8, 1, "U8")];
    for (dtype, size, found) in cases {
        let mut tensors = tensors(&config);
        tensors.insert("generator.bias".into(), (dtype, vec![13], vec![0; 13 * size]));
        let expected = format!("tensor generator.bias: expected F32 or F16, found {found}");
        assert_eq!(refusal(load_weights(&config, &safetensors(&tensors))), expected);
    }
}

#[test]
fn a_weight_that_is_not_finite_is_named_with_its_position() {
    let config = config(&[]);
    for (value, found) in [(f32::NAN, "NaN"), (f32::INFINITY, "inf"), (f32::NEG_INFINITY, "-inf")] {
        let mut tensors = tensors(&config);
        let (_, shape, bytes) = tensors.get_mut("generator.weight").expect("it is there");
        assert_eq!(*shape, [13, 12]);
        for flat in [4 * 12 + 7, 150] {
            bytes[4 * flat..][..4].copy_from_slice(&value.to_le_bytes());
        }
        let expected = format!("tensor generator.weight: expected finite values, found {found} at [4, 7]");
        assert_eq!(refusal(load_weights(&config, &safetensors(&tensors))), expected);
    }
    let mut tensors = tensors(&config);
    let half = [half::f16::ONE.to_le_bytes(), half::f16::NAN.to_le_bytes()].concat();
    let bytes = [half, vec![0; 22]].concat();
    tensors.insert("generator.bias".into(), (Dtype::F16, vec![13], bytes));
    let expected = "tensor generator.bias: expected finite values, found NaN at [1]";
    assert_eq!(refusal(load_weights(&config, &safetensors(&tensors))), expected);
}

#[test]
fn truncated_and_garbled_weights_name_the_file() {
    let config = config(&[]);
    let whole = safetensors(&tensors(&config));
    for length in (0..200).chain((200..whole.len()).step_by(97)).chain([whole.len() - 1]) {
        let message = refusal(load_weights(&config, &whole[..length]));
        assert!(message.starts_with("dir/model.safetensors: "), "{length} bytes: {message}");
    }
    let header = |length: u64, text: &str| [&length.to_le_bytes(), text.as_bytes()].concat();
    let tensor = r#"{"x":{"dtype":"F32","shape":[18446744073709551615,2],"data_offsets":[0,4]}}"#;
    let garbage = [
        header(u64::MAX, "{}"),
        header(1 << 40, "{}"),
        header(2, "[]"),
        header(4, "\u{fffd}x"),
        header(tensor.len() as u64, tensor),
        [whole.clone(), vec![0]].concat(),
    ];
    for bytes in garbage {
        let message = refusal(load_weights(&config, &bytes));
        assert!(message.starts_with("dir/model.safetensors: "), "{message}");
    }
}

#[test]
fn parameters_are_checked_however_they_are_made() {
    let config = config(&[]);
    let valid = Parameters::random(&config, 1, 0.5).expect("the configuration is valid");
    let mut map: BTreeMap<String, Array> = valid.iter().map(|(name, array)| (name.to_owned(), array.clone())).collect();
    assert_eq!(Parameters::new(&config, map.clone()).ok(), Some(valid));
    map.entry("attention.linear_out.weight".into()).and_modify(|array| array.data.truncate(5));
    assert_eq!(
        refusal(Parameters::new(&config, map)),
        "tensor attention.linear_out.weight: expected 288 scalars, found 5"
    );
    let mut broken = config.clone();
    broken.decoder.vocab_size = 0;
    assert!(refusal(Parameters::new(&broken, BTreeMap::new())).starts_with("decoder.vocab_size: "));
    assert!(refusal(Parameters::random(&config, 1, f32::INFINITY)).contains("expected finite values"));
    let parameters = Parameters::random(&config, 1, 0.5).expect("the configuration is valid");
    assert_eq!(refusal(parameters.get("v").map(drop)), "tensor v: expected a parameter, found none");
}

#[test]
fn random_parameters_are_the_same_everywhere_and_fill_their_range() -> TestResult {
    let config = config(&[]);
    let parameters = Parameters::random(&config, 42, 0.25)?;
    assert_eq!(parameters, Parameters::random(&config, 42, 0.25)?);
    assert_ne!(parameters, Parameters::random(&config, 43, 0.25)?);
    let scalars: usize = parameter_shapes(&config).iter().map(|(_, shape)| shape.iter().product::<usize>()).sum();
    assert_eq!(parameters.count(), scalars);
    let values: Vec<f32> = parameters.iter().flat_map(|(_, array)| array.data.clone()).collect();
    assert!(values.iter().all(|value| (-0.25..0.25).contains(value)));
    let mean = values.iter().sum::<f32>() / values.len() as f32;
    let square = values.iter().map(|value| value * value).sum::<f32>() / values.len() as f32;
    assert!(mean.abs() < 0.01 && (square.sqrt() / 0.25 - 3.0_f32.sqrt().recip()).abs() < 0.02, "{mean} {square}");
    // SplitMix64's first outputs for seed 42: bdd732262feb6e95, 28efe333b266f103.
    let value = |upper: u32| 0.25 * (2.0 * (upper as f32 / 2.0_f32.powi(24)) - 1.0);
    assert_eq!(parameters.get("encoder.embedding.weight")?.data[..2], [value(0xbd_d732), value(0x28_efe3)]);
    Ok(())
}

#[test]
fn half_precision_rounds_every_weight_and_refuses_what_would_become_infinite() -> TestResult {
    let config = config(&[]);
    let parameters = Parameters::random(&config, 7, 0.5)?;
    let rounded = parameters.rounded_to_half()?;
    for ((name, before), (_, after)) in parameters.iter().zip(rounded.iter()) {
        for (before, after) in before.data.iter().zip(&after.data) {
            assert!((before - after).abs() <= before.abs() / 2048.0 + 2.0_f32.powi(-25), "{name}: {before} {after}");
        }
    }
    assert_eq!(load_weights(&config, &parameters.to_safetensors(WeightFormat::F16)?)?, rounded);
    assert_eq!(rounded.rounded_to_half()?, rounded);

    let mut map: BTreeMap<String, Array> =
        parameters.iter().map(|(name, array)| (name.to_owned(), array.clone())).collect();
    map.entry("generator.bias".into()).and_modify(|array| array.data[3] = 70_000.0);
    let large = Parameters::new(&config, map)?;
    let expected = "tensor generator.bias: expected values from -65504 to 65504 (float16), found 70000 at [3]";
    assert_eq!(refusal(large.rounded_to_half()), expected);
    assert_eq!(refusal(large.to_safetensors(WeightFormat::F16)), expected);
    assert_eq!(load_weights(&config, &large.to_safetensors(WeightFormat::F32)?)?, large);
    Ok(())
}

#[test]
fn a_saved_model_loads_bit_for_bit() -> TestResult {
    let directory = tempfile::tempdir()?;
    let saved = directory.path().join("new/model");
    let model = Model::load(common::g2p())?;
    model.save(&saved, WeightFormat::F32)?;
    let again = Model::load(&saved)?;
    assert_eq!(again.config, model.config);
    for ((name, before), (other, after)) in model.parameters.iter().zip(again.parameters.iter()) {
        let bits = |array: &Array| array.data.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        assert_eq!((name, &before.shape, bits(before)), (other, &after.shape, bits(after)));
    }
    assert_eq!(fs::read_dir(&saved)?.count(), 4, "nothing but the model is left behind");

    // It comes in 16 bits, and in 16 bits it is written as it came.
    model.save(&saved, WeightFormat::F16)?;
    for file in ["config.json", "model.safetensors", "source_tokenizer.json", "target_tokenizer.json"] {
        assert!(fs::read(saved.join(file))? == fs::read(common::g2p().join(file))?, "{file}");
    }
    Ok(())
}

#[test]
fn weights_are_written_as_pytorch_writes_them() -> TestResult {
    let Some(shared) = common::shared("weights_are_written_as_pytorch_writes_them") else { return Ok(()) };
    let (directory, made) = (tempfile::tempdir()?, shared.join("models/g2p-pytorch"));
    let model = Model::load(&made)?;
    model.save(directory.path(), WeightFormat::F32)?;
    let weights = |directory: &Path| fs::read(directory.join("model.safetensors"));
    assert!(weights(directory.path())? == weights(&made)?);

    model.save(directory.path(), WeightFormat::F16)?;
    assert_eq!(Model::load(directory.path())?.parameters, model.parameters.rounded_to_half()?);
    assert!(weights(directory.path())?.len() * 2 < weights(&made)?.len() + 10_000);
    Ok(())
}

#[test]
fn a_save_that_fails_leaves_what_was_there() -> TestResult {
    let directory = tempfile::tempdir()?;
    let model = Model::load(common::g2p())?;
    model.save(directory.path(), WeightFormat::F32)?;
    let files = || -> std::io::Result<BTreeMap<_, _>> {
        let entries = fs::read_dir(directory.path())?.flatten();
        entries.map(|entry| Ok((entry.file_name(), fs::read(entry.path())?))).collect()
    };
    let before = files()?;

    let mut broken = model.clone();
    broken.config.decoder.hidden_size = 12;
    assert!(refusal(broken.save(directory.path(), WeightFormat::F32)).starts_with("decoder.hidden_size: "));
    assert!(files()? == before);

    // A directory in the file's place: the rename fails, and the temporary file goes.
    let blocked = directory.path().join("blocked");
    fs::create_dir_all(blocked.join("model.safetensors/x"))?;
    let message = refusal(model.save(&blocked, WeightFormat::F32));
    assert!(message.starts_with(&format!("{}: ", blocked.join("model.safetensors").display())), "{message}");
    let names = |entry: std::io::Result<fs::DirEntry>| entry.map(|entry| entry.file_name());
    let left = fs::read_dir(&blocked)?.map(names).collect::<Result<Vec<_>, _>>()?;
    assert!(left.iter().all(|name| !name.to_string_lossy().contains("tmp")), "{left:?}");
    Ok(())
}

#[test]
fn a_model_without_tokenizers_replaces_one_with_them() -> TestResult {
    let directory = tempfile::tempdir()?;
    let mut model = Model::load(common::g2p())?;
    model.save(directory.path(), WeightFormat::F16)?;
    model.source_tokenizer = None;
    model.target_tokenizer = None;
    model.save(directory.path(), WeightFormat::F16)?;
    let again = Model::load(directory.path())?;
    assert!(again.source_tokenizer.is_none() && again.target_tokenizer.is_none());
    Ok(())
}

#[test]
fn a_file_that_is_not_there_is_named() -> TestResult {
    let directory = tempfile::tempdir()?;
    let missing = directory.path().join("nowhere");
    let message = refusal(Model::load(&missing));
    assert!(message.starts_with(&format!("{}: ", missing.join("config.json").display())), "{message}");
    fs::write(directory.path().join("config.json"), edited(&[]))?;
    let message = refusal(Model::load(directory.path()));
    assert!(message.starts_with(&format!("{}: ", directory.path().join("model.safetensors").display())), "{message}");
    Ok(())
}

#[cfg(feature = "embedded-model")]
#[test]
fn the_embedded_model_is_the_one_in_models() -> TestResult {
    let (embedded, loaded) = (Model::embedded()?, Model::load(common::g2p())?);
    assert_eq!(embedded.config, loaded.config);
    assert_eq!(embedded.parameters, loaded.parameters);
    let source = embedded.source_tokenizer.ok_or("no source tokenizer")?;
    let target = embedded.target_tokenizer.ok_or("no target tokenizer")?;
    assert_eq!(source.encode("attention")?.ids, [4, 23, 23, 8, 17, 23, 12, 18, 17]);
    assert_eq!(target.decode(&[3, 7, 18, 4, 30, 3, 4, 2]), "AH0 T EH1 N SH AH0 N");
    Ok(())
}

#[test]
fn a_tokenizer_that_does_not_fit_the_model_is_named() -> TestResult {
    let g2p = common::g2p();
    let read = |name: &str| fs::read_to_string(g2p.join(name));
    let (config, weights) = (read("config.json")?, fs::read(g2p.join("model.safetensors"))?);
    let (source, target) = (read("source_tokenizer.json")?, read("target_tokenizer.json")?);
    let load = |config: &str, source: &str, target: &str| {
        Model::from_bytes(ModelBytes {
            config: config.as_bytes(),
            weights: &weights,
            source_tokenizer: Some(source.as_bytes()),
            target_tokenizer: Some(target.as_bytes()),
        })
    };
    assert!(load(&config, &source, &target).is_ok());
    assert_eq!(
        refusal(load(&config, &source.replace("\"z\": 29", "\"z\": 30"), &target)),
        "source_tokenizer.json: token \"z\" has id 30, but encoder.vocab_size is 30"
    );
    assert_eq!(
        refusal(load(&config, &source, &target.replace("\"OY0\": 71", "\"OY0\": 4294967295"))),
        "target_tokenizer.json: token \"OY0\" has id 4294967295, but decoder.vocab_size is 72"
    );
    assert!(refusal(load(&config, &source[..700], &target)).starts_with("source_tokenizer.json: "));
    assert!(refusal(load(&config, &source, "{}")).starts_with("target_tokenizer.json: "));

    let with_unk = source.replace("\"z\": 29", "\"<unk>\": 29");
    let mut unlisted: Value = serde_json::from_str(&config)?;
    unlisted.as_object_mut().ok_or("an object")?.remove("files");
    let unk = |id: &str| unlisted.to_string().replace("\"unk\":null", &format!("\"unk\":{id}"));
    assert!(load(&unk("29"), &with_unk, &target).is_ok());
    assert_eq!(
        refusal(load(&unk("28"), &with_unk, &target)),
        "special_tokens.unk: expected 29, as in source_tokenizer.json, found 28"
    );
    Ok(())
}

#[test]
fn files_that_do_not_belong_together_are_refused_by_name() -> TestResult {
    let root = tempfile::tempdir()?;
    let directory = root.path();
    let at = |name: &str| directory.join(name);
    let model = Model::load(common::g2p())?;
    let save = || model.save(directory, WeightFormat::F16);
    let refused = |name: &str| {
        let error = refusal(Model::load(directory));
        assert!(error.starts_with(&format!("{}: ", at(name).display())), "{error}");
        error
    };
    // Another's tokenizer, with as many symbols.
    save()?;
    let target = fs::read_to_string(at("target_tokenizer.json"))?;
    let foreign = target.replace("\"AA1\"", "\"aa\"").replace("\"AE1\"", "\"ae\"");
    fs::write(at("target_tokenizer.json"), foreign)?;
    assert!(refused("target_tokenizer.json").contains("is not the file that config.json was saved with: expected "));
    // The weights of the same architecture after another step, or in other numbers.
    save()?;
    let weights = |format| model.parameters.to_safetensors(format);
    fs::write(at("model.safetensors"), weights(WeightFormat::F32)?)?;
    refused("model.safetensors");
    let mut flipped = weights(WeightFormat::F16)?;
    let last = flipped.len() - 2;
    flipped[last] ^= 1;
    fs::write(at("model.safetensors"), flipped)?;
    refused("model.safetensors");
    // One too many, and one too few.
    let mut bare = model.clone();
    bare.source_tokenizer = None;
    bare.save(directory, WeightFormat::F16)?;
    assert!(Model::load(directory)?.source_tokenizer.is_none());
    fs::copy(common::g2p().join("source_tokenizer.json"), at("source_tokenizer.json"))?;
    assert!(refused("source_tokenizer.json").contains("expected no such file"));
    save()?;
    fs::remove_file(at("source_tokenizer.json"))?;
    refused("source_tokenizer.json");
    // A model that was made elsewhere lists nothing, and its files need only fit.
    let mut config: Value = serde_json::from_slice(&fs::read(at("config.json"))?)?;
    config.as_object_mut().ok_or("an object")?.remove("files");
    fs::write(at("config.json"), config.to_string())?;
    assert!(Model::load(directory)?.source_tokenizer.is_none());
    // A list of what no model has.
    config["files"] = json!({"model.bin": "0"});
    fs::write(at("config.json"), config.to_string())?;
    refused("model.safetensors");
    Ok(())
}

#[test]
fn every_fixture_loads_and_saves() -> TestResult {
    let fixtures = common::fixtures("every_fixture_loads_and_saves");
    assert!(fixtures.is_empty() || fixtures.len() >= 8, "{fixtures:?}");
    for fixture in fixtures {
        let model = Model::load(&fixture).map_err(|error| format!("{}: {error}", fixture.display()))?;
        assert!(model.source_tokenizer.is_none());
        let bytes = fs::read(fixture.join("model.safetensors"))?;
        let file = SafeTensors::deserialize(&bytes)?;
        assert_eq!(model.parameters.iter().len(), file.len());
        assert!(model.parameters.to_safetensors(WeightFormat::F32)? == bytes, "{}", fixture.display());
    }
    Ok(())
}
