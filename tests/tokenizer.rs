//! Tokenizers: which ids a text has, and which symbol a vocabulary lacks.

mod common;

use std::fs;
use std::time::{Duration, Instant};

use common::TestResult;
use seq2seq::Error;
use seq2seq::text::Tokenizer;
use serde_json::{Value, json};

fn source() -> Tokenizer {
    let path = common::g2p().join("source_tokenizer.json");
    Tokenizer::from_bytes(fs::read(&path).expect("it is there"), path).expect("it is valid")
}

fn target() -> Tokenizer {
    let path = common::g2p().join("target_tokenizer.json");
    Tokenizer::from_bytes(fs::read(&path).expect("it is there"), path).expect("it is valid")
}

/// A tokenizer file around a model.
fn file(pre_tokenizer: Value, model: Value, added: &[(u32, &str, bool)]) -> Value {
    let added: Vec<_> = added
        .iter()
        .map(|(id, content, special)| {
            json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
                   "normalized": false, "special": special})
        })
        .collect();
    json!({"version": "1.0", "truncation": null, "padding": null, "added_tokens": added, "normalizer": null,
           "pre_tokenizer": pre_tokenizer, "post_processor": null, "decoder": null, "model": model})
}

fn tokenizer(file: &Value) -> Result<Tokenizer, Error> {
    Tokenizer::from_bytes(file.to_string(), "t.json")
}

fn words(unk: &str) -> Value {
    let vocabulary = json!({"<pad>": 0, "<unk>": 1, "the": 2, "cat": 3, "New York": 4});
    file(
        json!({"type": "WhitespaceSplit"}),
        json!({"type": "WordLevel", "vocab": vocabulary, "unk_token": unk}),
        &[(0, "<pad>", true)],
    )
}

#[track_caller]
fn unknown(tokenizer: &Tokenizer, text: &str) -> (String, usize) {
    match tokenizer.encode(text) {
        Err(Error::UnknownSymbol { symbol, position }) => (symbol, position),
        other => panic!("{text:?}: {other:?}"),
    }
}

#[test]
fn letters_become_ids() -> TestResult {
    let encoding = source().encode("It's")?;
    assert_eq!(encoding.ids, [12, 23, 3, 22]);
    assert_eq!(encoding.tokens, ["i", "t", "'", "s"]);
    assert_eq!(target().encode("  AH0\tT ")?.ids, [3, 7]);
    Ok(())
}

#[test]
fn the_unknown_symbol_is_named_as_it_stands_in_the_text() {
    assert_eq!(unknown(&source(), "cafж"), ("ж".into(), 3));
    assert_eq!(unknown(&source(), "CAFЖ"), ("Ж".into(), 3));
    assert_eq!(unknown(&source(), "cafe\u{301}ж"), ("ж".into(), 4));
    assert_eq!(unknown(&source(), "naïve 日本"), (" ".into(), 5));
    assert_eq!(unknown(&source(), "日本"), ("日".into(), 0));
    assert_eq!(unknown(&source(), "a b"), (" ".into(), 1));
    assert_eq!(unknown(&source(), "a\nb"), ("\n".into(), 1));
    assert_eq!(unknown(&source(), "x👩‍🔬"), ("👩".into(), 1));
    assert_eq!(unknown(&target(), "AH0 T eh N"), ("eh".into(), 2));
}

#[test]
fn nothing_but_whitespace_is_an_empty_source() {
    for text in ["", " ", "\t\r\n", "\u{3000}\u{a0}"] {
        assert!(matches!(source().encode(text), Err(Error::EmptySource)), "{text:?}");
        assert!(matches!(target().encode(text), Err(Error::EmptySource)), "{text:?}");
    }
    let mut strips = words("<unk>");
    strips["normalizer"] = json!({"type": "Replace", "pattern": {"Regex": "."}, "content": ""});
    let strips = tokenizer(&strips).expect("it is valid");
    assert!(matches!(strips.encode("cat"), Err(Error::EmptySource)));
}

#[test]
fn special_tokens_in_a_text_are_text() -> TestResult {
    assert_eq!(unknown(&source(), "<pad>"), ("<".into(), 0));
    assert_eq!(unknown(&source(), "ab<eos>"), ("<".into(), 2));
    // A word that is spelled like a special token has its id in the model's own vocabulary too.
    assert_eq!(unknown(&target(), "AH0 <eos> T"), ("<eos>".into(), 1));
    assert_eq!(unknown(&target(), "<bos>"), ("<bos>".into(), 0));
    // Special by the configuration alone.
    let letters = source().with_special_tokens([4], None);
    assert_eq!(unknown(&letters, "ba"), ("a".into(), 1));
    // With an unknown token it is an unknown word.
    let encoding = tokenizer(&words("<unk>"))?.encode("the <pad> cat")?;
    assert_eq!(encoding.ids, [2, 1, 3]);
    assert_eq!(encoding.tokens, ["the", "<pad>", "cat"]);
    Ok(())
}

#[test]
fn an_unknown_word_gets_the_files_unknown_token_and_shows_as_it_stands() -> TestResult {
    let words = tokenizer(&words("<unk>"))?;
    assert_eq!(words.own_unk(), Some(1));
    for words in [words.clone(), words.with_special_tokens([0], Some(4))] {
        let encoding = words.encode("the Žižek cat <unk>")?;
        assert_eq!(encoding.ids, [2, 1, 3, 1]);
        assert_eq!(encoding.tokens, ["the", "Žižek", "cat", "<unk>"]);
    }
    Ok(())
}

#[test]
fn without_one_it_gets_the_configurations_unknown_id() -> TestResult {
    let words = tokenizer(&words("[UNK]"))?;
    assert_eq!(words.own_unk(), None);
    assert_eq!(unknown(&words, "the dog"), ("dog".into(), 1));
    let words = words.with_special_tokens([0], Some(1));
    let encoding = words.encode("the dog <pad>")?;
    assert_eq!((encoding.ids, encoding.tokens), (vec![2, 1, 1], vec!["the".into(), "dog".into(), "<pad>".into()]));
    Ok(())
}

#[test]
fn added_tokens_that_are_not_special_are_found_in_a_text() -> TestResult {
    let mut file = words("<unk>");
    file["added_tokens"].as_array_mut().ok_or("an array")?.push(json!(
        {"id": 4, "content": "New York", "single_word": false, "lstrip": false, "rstrip": false,
         "normalized": false, "special": false}
    ));
    let encoding = tokenizer(&file)?.encode("the New York cat")?;
    assert_eq!(encoding.ids, [2, 4, 3]);
    assert_eq!(encoding.tokens, ["the", "New York", "cat"]);
    Ok(())
}

#[test]
fn subword_models_name_the_character_that_is_unknown() -> TestResult {
    let bpe = |unk: Value| {
        let vocabulary = json!({"<unk>": 0, "a": 1, "b": 2, "ab": 3});
        let model = json!({"type": "BPE", "dropout": null, "unk_token": unk, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "vocab": vocabulary,
            "merges": [["a", "b"]]});
        tokenizer(&file(json!({"type": "WhitespaceSplit"}), model, &[]))
    };
    let silent = bpe(json!(null))?; // BPE without an unknown token skips what it does not know
    assert_eq!(silent.encode("ab aab")?.ids, [3, 1, 3]);
    assert_eq!(unknown(&silent, "ab aéb"), ("é".into(), 1));
    assert_eq!(unknown(&silent, "é"), ("é".into(), 0));
    let with_unk = bpe(json!("<unk>"))?.encode("aéb")?;
    assert_eq!((with_unk.ids, with_unk.tokens), (vec![1, 0, 2], vec!["a".into(), "é".into(), "b".into()]));

    let unigram = |unk: Value| {
        let model = json!({"type": "Unigram", "unk_id": unk, "byte_fallback": false,
            "vocab": [["<unk>", 0.0], ["a", -1.0], ["ab", -1.5]]});
        tokenizer(&file(json!({"type": "WhitespaceSplit"}), model, &[]))
    };
    assert_eq!(unigram(json!(null))?.encode("ab a")?.ids, [2, 1]);
    assert_eq!(unknown(&unigram(json!(null))?, "a abé"), ("é".into(), 1));
    assert_eq!(unigram(json!(0))?.own_unk(), Some(0));
    assert_eq!(unigram(json!(0))?.encode("aé")?.tokens, ["a", "é"]);
    Ok(())
}

#[test]
fn ids_become_text_without_special_tokens() -> TestResult {
    assert_eq!(target().decode(&[1, 3, 7, 18, 2, 0, 0]), "AH0 T EH1");
    assert_eq!(target().decode(&[]), "");
    assert_eq!(target().decode(&[3, 999, 7]), "AH0 \u{fffd} T");
    assert_eq!(source().decode(&[6, 4, 23]), "cat");
    assert_eq!(target().with_special_tokens([7], None).decode(&[3, 7, 18]), "AH0 EH1");
    assert_eq!(tokenizer(&words("<unk>"))?.decode(&[2, 1, 0]), "the <unk>");
    assert_eq!(target().token(66).as_deref(), Some("ZH"));
    assert_eq!(target().token(0).as_deref(), Some("<pad>"));
    assert_eq!(target().token(72), None);
    assert_eq!((source().vocab_size(), target().vocab_size()), (30, 72));
    Ok(())
}

#[test]
fn a_file_is_kept_as_it_was_read() -> TestResult {
    let text = fs::read_to_string(common::g2p().join("source_tokenizer.json"))?;
    assert_eq!(source().to_json(), text);
    Ok(())
}

#[test]
fn a_malformed_file_is_named_with_what_is_wrong() -> TestResult {
    let mut cases: Vec<(String, &str)> = vec![
        (String::new(), "EOF"),
        ("{}".into(), "Model missing"),
        (words("x").to_string().replace("1.0", "2.0"), "version '2.0'"),
        (words("x").to_string().replace("WordLevel", "Neural"), ""),
        (file(json!(null), json!({"type": "WordLevel", "vocab": {}, "unk_token": ""}), &[]).to_string(), "is empty"),
    ];
    let mut edit = |pointer: &str, value: Value, expected: &'static str| {
        let mut file = words("<unk>");
        *file.pointer_mut(pointer).expect("it is there") = value;
        cases.push((file.to_string(), expected));
    };
    edit("/model/vocab", json!({"a": 4294967296_u64}), "");
    edit("/model/vocab/cat", json!(2), "the tokens \"cat\" and \"the\" both have id 2");
    edit("/model/vocab/cat", json!(-1), "");
    edit("/added_tokens/0/id", json!(7), "added token \"<pad>\": expected its id to be 7, found 0");
    edit("/added_tokens/0/content", json!(""), "added token \"\": expected its id to be 0, found none");
    let expected = "normalizer: expected one of the types BertNormalizer, ";
    edit("/normalizer", json!({"type": "Precompiled", "precompiled_charsmap": "AAAA"}), expected);
    let hidden = json!({"type": "NFC", "normalizers": [{"type": "Precompiled", "precompiled_charsmap": "AAAA"}]});
    edit("/normalizer", json!({"type": "Sequence", "normalizers": [hidden, {"type": "nfc"}]}), "found \"nfc\"");
    edit("/normalizer", json!({"type": "Sequence"}), "normalizer: Sequence: expected an array \"normalizers\"");
    edit("/normalizer", json!("NFC"), "found \"\"");
    let many = vec![json!({"type": "NFC"}); 17];
    edit("/normalizer", json!({"type": "Sequence", "normalizers": many}), "expected at most 16 rules");
    edit("/normalizer", json!({"type": "Replace", "pattern": {"Regex": "("}, "content": ""}), "normalizer: Replace: ");
    edit("/pre_tokenizer", json!({"type": "FixedLength", "length": 0}), "a length of at least 1, found 0");
    edit("/pre_tokenizer", json!({"type": "Neural"}), "pre_tokenizer: expected one of the types BertPreTokenizer, ");
    edit("/decoder", json!({"type": "Precompiled"}), "decoder: expected one of the types BPEDecoder, ");
    let long = format!("{{\"{}\": 0}}", "x".repeat(5000));
    edit("/model/vocab", serde_json::from_str(&long)?, "token 0: expected at most 4096 bytes, found 5000");
    edit(
        "/post_processor",
        json!({"type": "BertProcessing", "sep": ["<pad>", 0], "cls": ["<pad>", 0]}),
        "the post_processor adds tokens",
    );
    for (text, expected) in cases {
        match Tokenizer::from_bytes(&text, "dir/t.json") {
            Ok(_) => panic!("accepted: {text}"),
            Err(error) => {
                let message = error.to_string();
                assert!(message.starts_with("dir/t.json: ") && message.contains(expected), "{expected}: {message}");
            }
        }
    }
    assert!(Tokenizer::from_bytes(b"\xff", "dir/t.json").is_err());
    Ok(())
}

/// What the crate accepts and then breaks off at is an error, and nothing is printed of it.
#[test]
fn a_panic_of_the_crate_becomes_an_error() -> TestResult {
    let mut file = words("<unk>");
    file["model"]["vocab"]["ccc"] = json!(5);
    // Cuts more characters off a token's end than it has.
    file["decoder"] = json!({"type": "Strip", "content": "c", "start": 0, "stop": 4});
    assert_eq!(tokenizer(&file)?.decode(&[2, 5]), "the ccc", "as if there were no decoder");
    Ok(())
}

/// Each rule doubles the text, or more, and so do all kinds that can; none fills the memory.
#[test]
fn no_rules_make_a_text_grow_without_bound() -> TestResult {
    let doubles = json!({"type": "Replace", "pattern": {"String": "cat"}, "content": "catcat"});
    let regex = json!({"type": "Replace", "pattern": {"Regex": ""}, "content": "x".repeat(1000)});
    let prepend = json!({"type": "Prepend", "prepend": "x".repeat(1 << 19)});
    let bytes = json!({"type": "ByteLevel"});
    for normalizers in [vec![doubles.clone(); 16], vec![regex; 3], vec![prepend; 5], vec![bytes; 16]] {
        let mut file = words("<unk>");
        file["normalizer"] = json!({"type": "Sequence", "normalizers": normalizers});
        let error = tokenizer(&file)?.encode(&"cat ücat ".repeat(100)).err().ok_or("accepted")?.to_string();
        assert!(error.starts_with("t.json: expected rules that make at most "), "{error}");
    }
    // Each piece between tokens that were added is small, but there are many.
    let mut file = words("<unk>");
    file["added_tokens"].as_array_mut().ok_or("an array")?.push(json!(
        {"id": 3, "content": "cat", "single_word": false, "lstrip": false, "rstrip": false,
         "normalized": false, "special": false}
    ));
    file["normalizer"] = json!({"type": "Prepend", "prepend": "x".repeat(5000)});
    let error = tokenizer(&file)?.encode(&"cat the ".repeat(10_000)).err().ok_or("accepted")?.to_string();
    assert!(error.starts_with("t.json: expected rules that make at most "), "{error}");
    let mut file = words("<unk>");
    let bytes = json!({"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": false});
    file["pre_tokenizer"] = json!({"type": "Sequence", "pretokenizers": vec![bytes; 16]});
    let error = tokenizer(&file)?.encode(&"ü".repeat(1000)).err().ok_or("accepted")?.to_string();
    assert!(error.starts_with("t.json: expected rules that make at most "), "{error}");
    let mut file = words("<unk>");
    file["decoder"] = json!({"type": "Sequence", "decoders": vec![doubles; 16]});
    assert!(tokenizer(&file)?.decode(&[3; 100]) == vec!["cat"; 100].join(" "), "as if there were no decoder");
    Ok(())
}

/// A hundred thousand symbols in time that a quadratic loop would not keep to.
#[test]
fn a_long_line_takes_linear_time() -> TestResult {
    let letters = "abcdefghij".repeat(10_000);
    let start = Instant::now();
    assert_eq!(source().encode(&letters)?.ids.len(), 100_000);
    assert_eq!(unknown(&source(), &(letters.clone() + "ж")), ("ж".into(), 100_000));
    let phonemes = "AH0 T ".repeat(50_000);
    assert_eq!(target().encode(&phonemes)?.ids.len(), 100_000);
    assert_eq!(unknown(&target(), &letters).1, 0);
    assert_eq!(target().decode(&[3; 100_000]).len(), 399_999);
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    Ok(())
}
