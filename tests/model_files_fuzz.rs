//! Files of any contents: loading never panics nor takes memory beyond the file's own measure, and what is accepted
//! is consistent in itself.

mod common;

use std::fs;
use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestCaseError;
use seq2seq::model::{Config, Model, ModelBytes, Parameters, WeightFormat, parameter_shapes};
use seq2seq::text::Tokenizer;
use serde_json::{Value, json};

/// A small model that uses every key of its configuration.
static CONFIG: LazyLock<String> = LazyLock::new(|| {
    let json = json!({
        "format_version": 1,
        "cell": "gru",
        "encoder": {"vocab_size": 30, "embedding_size": 2, "hidden_size": 2, "num_layers": 1, "bidirectional": true},
        "decoder": {"vocab_size": 42, "embedding_size": 2, "hidden_size": 3, "num_layers": 1, "input_feeding": true},
        "bridge": "linear",
        "attention": {"score": "location", "window": "local_p", "half_width": 2, "max_source_length": 5},
        "special_tokens": {"pad": 0, "bos": 1, "eos": 2, "unk": null}
    });
    serde_json::to_string_pretty(&json).expect("JSON")
});

static WEIGHTS: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let config = Config::from_json(&*CONFIG, "config.json").expect("it is valid");
    let parameters = Parameters::random(&config, 1, 0.5).expect("it is valid");
    parameters.to_safetensors(WeightFormat::F32).expect("it can be written")
});

static SOURCE: LazyLock<String> = LazyLock::new(|| read("source_tokenizer.json"));
static TARGET: LazyLock<String> = LazyLock::new(|| read("target_tokenizer.json"));

fn read(name: &str) -> String {
    fs::read_to_string(common::g2p().join(name)).expect("it is there")
}

/// Tokenizer files of the kinds that WordLevel is not.
fn tokenizers() -> Vec<String> {
    let file = |normalizer: Value, pre_tokenizer: Value, decoder: Value, model: Value| {
        let token = |id: u32, content: &str, special: bool| {
            json!({"id": id, "content": content, "single_word": false, "lstrip": true, "rstrip": true,
                   "normalized": !special, "special": special})
        };
        json!({"version": "1.0", "truncation": null, "padding": null,
               "added_tokens": [token(0, "<unk>", true), token(1, "a", false)], "normalizer": normalizer,
               "pre_tokenizer": pre_tokenizer, "post_processor": null, "decoder": decoder, "model": model})
        .to_string()
    };
    let vocabulary = json!({"<unk>": 0, "a": 1, "b": 2, "ab": 3, "##b": 4, "▁": 5});
    vec![
        SOURCE.clone(),
        TARGET.clone(),
        file(
            json!({"type": "Sequence", "normalizers": [{"type": "NFKD"}, {"type": "StripAccents"}, {"type": "Strip",
                   "strip_left": true, "strip_right": true}, {"type": "Prepend", "prepend": "a"}]}),
            json!({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true}),
            json!({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true}),
            json!({"type": "BPE", "dropout": null, "unk_token": "<unk>", "continuing_subword_prefix": null,
                   "end_of_word_suffix": null, "fuse_unk": true, "byte_fallback": false, "vocab": vocabulary,
                   "merges": [["a", "b"]]}),
        ),
        file(
            json!({"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null,
                   "lowercase": true}),
            json!({"type": "BertPreTokenizer"}),
            json!({"type": "WordPiece", "prefix": "##", "cleanup": true}),
            json!({"type": "WordPiece", "unk_token": "<unk>", "continuing_subword_prefix": "##",
                   "max_input_chars_per_word": 100, "vocab": vocabulary}),
        ),
        file(
            json!({"type": "Replace", "pattern": {"Regex": "b+"}, "content": "b"}),
            json!({"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": true},
                   {"type": "FixedLength", "length": 3}, {"type": "Punctuation", "behavior": "Isolated"}]}),
            json!({"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
                   {"type": "Strip", "content": " ", "start": 1, "stop": 1}, {"type": "Fuse"}]}),
            json!({"type": "Unigram", "unk_id": 0, "byte_fallback": false,
                   "vocab": [["<unk>", 0.0], ["a", -1.0], ["b", -1.0], ["ab", -1.5]]}),
        ),
    ]
}

/// Changes to the bytes of a file.
#[derive(Clone, Debug)]
enum Edit {
    Flip(Index, u8),
    Set(Index, u8),
    Remove(Index, usize),
    Insert(Index, Vec<u8>),
    Truncate(Index),
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let edit = prop_oneof![
        4 => (any::<Index>(), 0..8_u8).prop_map(|(at, bit)| Edit::Flip(at, bit)),
        4 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Edit::Set(at, byte)),
        2 => (any::<Index>(), 1..20_usize).prop_map(|(at, length)| Edit::Remove(at, length)),
        2 => (any::<Index>(), prop::collection::vec(any::<u8>(), 1..10)).prop_map(|(at, bytes)| Edit::Insert(at, bytes)),
        1 => any::<Index>().prop_map(Edit::Truncate),
    ];
    prop::collection::vec(edit, 1..4)
}

/// `head`: how many bytes from the start the edits reach, so that they do not all land in numbers.
fn apply(edits: &[Edit], file: &[u8], head: usize) -> Vec<u8> {
    let mut bytes = file.to_vec();
    for edit in edits {
        let size = bytes.len().min(head).max(1);
        let at = |index: &Index| index.index(size);
        bytes.push(0); // so that every position exists
        match edit {
            Edit::Flip(index, bit) => bytes[at(index)] ^= 1 << bit,
            Edit::Set(index, byte) => bytes[at(index)] = *byte,
            Edit::Remove(index, length) => {
                let end = (at(index) + length).min(bytes.len() - 1);
                bytes.drain(at(index)..end);
            }
            Edit::Insert(index, inserted) => {
                bytes.splice(at(index)..at(index), inserted.iter().copied());
            }
            Edit::Truncate(index) => bytes.truncate(at(index) + 1),
        }
        bytes.pop();
    }
    bytes
}

/// Values that may stand in a key's place.
fn values() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..50_u64).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
        prop::sample::select(vec![
            "",
            "a",
            ".",
            "(",
            "lstm",
            "tanh",
            "copy",
            "zeros",
            "dot",
            "scaled_dot",
            "general",
            "concat",
            "global",
            "local_m",
            "Fuse",
            "WordLevel",
            "BPE",
            "Unigram",
            "WordPiece",
            "Removed",
            "MergedWithPrevious",
            "▁",
            "<unk>",
        ])
        .prop_map(Value::from),
    ]
}

/// Changes to the values and keys of a JSON file.
#[derive(Clone, Debug)]
enum JsonEdit {
    Replace(Index, Value),
    Remove(Index),
    Copy(Index, Index),
}

fn json_edits() -> impl Strategy<Value = Vec<JsonEdit>> {
    let edit = prop_oneof![
        4 => (any::<Index>(), values()).prop_map(|(at, value)| JsonEdit::Replace(at, value)),
        1 => any::<Index>().prop_map(JsonEdit::Remove),
        2 => (any::<Index>(), any::<Index>()).prop_map(|(from, to)| JsonEdit::Copy(from, to)),
    ];
    prop::collection::vec(edit, 1..4)
}

/// Pointers to every value of a JSON file.
fn pointers(value: &Value, here: &str, into: &mut Vec<String>) {
    into.push(here.to_owned());
    let escape = |key: &str| key.replace('~', "~0").replace('/', "~1");
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(key, value)| pointers(value, &format!("{here}/{}", escape(key)), into))
        }
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(index, value)| pointers(value, &format!("{here}/{index}"), into));
        }
        _ => {}
    }
}

fn apply_json(edits: &[JsonEdit], file: &str) -> String {
    let mut json: Value = serde_json::from_str(file).expect("the file is JSON");
    for edit in edits {
        let mut all = Vec::new();
        pointers(&json, "", &mut all);
        let pick = |index: &Index| all[index.index(all.len())].clone();
        let (at, value) = match edit {
            JsonEdit::Replace(at, value) => (pick(at), value.clone()),
            JsonEdit::Copy(from, to) => (pick(to), json.pointer(&pick(from)).cloned().unwrap_or_default()),
            JsonEdit::Remove(at) => {
                let at = pick(at);
                if let Some((parent, key)) = at.rsplit_once('/')
                    && let Some(map) = json.pointer_mut(parent).and_then(Value::as_object_mut)
                {
                    map.remove(&key.replace("~1", "/").replace("~0", "~"));
                }
                continue;
            }
        };
        if let Some(place) = json.pointer_mut(&at) {
            *place = value;
        }
    }
    json.to_string()
}

type Checked = Result<(), TestCaseError>;

fn check_config(bytes: &[u8]) -> Checked {
    let Ok(config) = Config::from_json(bytes, "config.json") else { return Ok(()) };
    prop_assert!(config.validate().is_ok());
    let again = Config::from_json(config.to_json().expect("it can be written"), "config.json");
    prop_assert_eq!(again.expect("it can be read again"), config.clone());
    let shapes = parameter_shapes(&config);
    prop_assert!(shapes.len() < 100_000);
    for (name, shape) in shapes {
        let product = shape.iter().try_fold(1_usize, |product, &size| product.checked_mul(size));
        prop_assert!(product.is_some_and(|product| product > 0), "{} {:?}", name, shape);
    }
    // What is accepted but small can be filled; what no file could hold is not.
    let read = Parameters::from_safetensors(&config, &WEIGHTS, "model.safetensors");
    if let Ok(parameters) = read {
        prop_assert_eq!(parameters.iter().len(), parameter_shapes(&config).len());
    }
    Ok(())
}

fn check_weights(bytes: &[u8]) -> Checked {
    let config = Config::from_json(&*CONFIG, "config.json").expect("it is valid");
    let Ok(parameters) = Parameters::from_safetensors(&config, bytes, "model.safetensors") else { return Ok(()) };
    for (name, shape) in parameter_shapes(&config) {
        let array = parameters.get(&name).expect("all are there");
        prop_assert_eq!(&array.shape, &shape);
        prop_assert_eq!(array.data.len(), shape.iter().product::<usize>());
        prop_assert!(array.data.iter().all(|value| value.is_finite()));
    }
    Ok(())
}

fn check_tokenizer(bytes: &[u8], text: &str) -> Checked {
    let Ok(tokenizer) = Tokenizer::from_bytes(bytes, "t.json") else { return Ok(()) };
    prop_assert!(tokenizer.vocab_size() > 0);
    prop_assert_eq!(tokenizer.to_json().as_bytes(), bytes);
    for tokenizer in [tokenizer.clone(), tokenizer.with_special_tokens([0], Some(1))] {
        for text in [text, "attention", "AH T", "<pad> a b ab", " ab aab bé1 2<unk>.\u{301} "] {
            let Ok(encoding) = tokenizer.encode(text) else { continue };
            prop_assert!(!encoding.ids.is_empty());
            prop_assert_eq!(encoding.ids.len(), encoding.tokens.len());
            for &id in &encoding.ids {
                prop_assert!((id as usize) < tokenizer.vocab_size().max(2), "{}", id);
            }
            tokenizer.decode(&encoding.ids);
        }
        tokenizer.decode(&[0, 1, 2, 3, 4, 5, 29, 30, 42, u32::MAX]);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(Config::from_json(&bytes, "config.json").is_err());
        prop_assert!(Tokenizer::from_bytes(&bytes, "t.json").is_err());
        let config = Config::from_json(&*CONFIG, "config.json").expect("it is valid");
        prop_assert!(Parameters::from_safetensors(&config, &bytes, "model.safetensors").is_err());
    }

    #[test]
    fn a_config_with_other_bytes(edits in edits()) {
        check_config(&apply(&edits, CONFIG.as_bytes(), usize::MAX))?;
    }

    #[test]
    fn a_config_with_other_values(edits in json_edits()) {
        check_config(apply_json(&edits, &CONFIG).as_bytes())?;
    }

    #[test]
    fn weights_with_other_bytes(edits in edits(), head in prop::sample::select(vec![8, 100, 1500, usize::MAX])) {
        check_weights(&apply(&edits, &WEIGHTS, head))?;
    }

    #[test]
    fn weights_with_other_headers(edits in json_edits()) {
        let size = u64::from_le_bytes(WEIGHTS[..8].try_into().expect("eight bytes")) as usize;
        let (header, data) = WEIGHTS[8..].split_at(size);
        let header = apply_json(&edits, std::str::from_utf8(header).expect("the header is text"));
        check_weights(&[&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat())?;
    }

    #[test]
    fn a_tokenizer_with_other_bytes(which in any::<Index>(), edits in edits(), text in "[a-c <>é1.]{0,12}") {
        let files = tokenizers();
        check_tokenizer(&apply(&edits, which.get(files.as_slice()).as_bytes(), usize::MAX), &text)?;
    }

    #[test]
    fn a_tokenizer_with_other_values(which in any::<Index>(), edits in json_edits(), text in "\\PC{0,12}") {
        let files = tokenizers();
        check_tokenizer(apply_json(&edits, which.get(files.as_slice()).as_str()).as_bytes(), &text)?;
    }

    #[test]
    fn a_tokenizer_with_any_text(which in any::<Index>(), text in any::<String>()) {
        let files = tokenizers();
        check_tokenizer(which.get(files.as_slice()).as_bytes(), &text)?;
    }

    #[test]
    fn a_model_with_other_values(
        config in json_edits(),
        source in json_edits(),
        target in json_edits(),
        which in 0..3_u8,
    ) {
        let edit = |edits: &[JsonEdit], file: &str, turn| {
            if which == turn { apply_json(edits, file) } else { file.to_owned() }
        };
        let (config, source, target) =
            (edit(&config, &CONFIG, 0), edit(&source, &SOURCE, 1), edit(&target, &TARGET, 2));
        let bytes = ModelBytes {
            config: config.as_bytes(),
            weights: &WEIGHTS,
            source_tokenizer: Some(source.as_bytes()),
            target_tokenizer: Some(target.as_bytes()),
        };
        let Ok(model) = Model::from_bytes(bytes) else { return Ok(()) };
        if let Some(Ok(encoding)) = model.source_tokenizer.as_ref().map(|tokenizer| tokenizer.encode("attention")) {
            let vocab_size = model.config.encoder.vocab_size;
            prop_assert!(encoding.ids.iter().all(|&id| (id as usize) < vocab_size), "{:?}", encoding);
        }
    }
}

#[test]
fn the_files_that_are_edited_are_valid() {
    for file in tokenizers() {
        let tokenizer = Tokenizer::from_bytes(&file, "t.json").expect("it is valid");
        assert!(tokenizer.encode("ab").is_ok() || tokenizer.encode("AH0").is_ok(), "{file}");
    }
    check_config(CONFIG.as_bytes()).expect("it is valid");
    check_weights(&WEIGHTS).expect("they are valid");
}
