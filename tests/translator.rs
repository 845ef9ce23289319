//! The translator as a program uses it.

mod common;

use std::collections::BTreeMap;

use seq2seq::backend::LengthPenalty;
use seq2seq::decode::MaxLength;
use seq2seq::device::{Device, DeviceRequest, Precision};
use seq2seq::gpu::Choices;
use seq2seq::model::{Model, Parameters};
use seq2seq::text::Tokenizer;
use seq2seq::{Error, Origin, TranslateOptions, Translator};

fn translator() -> Translator {
    let device = Device::open_blocking(&DeviceRequest::Cpu, Precision::F32).expect("a CPU");
    Translator::new(Model::load(common::g2p()).expect("a model"), device).expect("a translator")
}

#[test]
fn what_is_wrong_with_one_source_is_its_own_answer() {
    let long = "a".repeat(1001);
    let sources = ["cat", "", "ca+t", &long, "attention"];
    let answers = translator().translate_blocking(&sources, &TranslateOptions::default()).expect("answers");
    assert_eq!(answers.len(), sources.len());
    assert_eq!(answers[0].as_ref().map(|found| found.best.text.as_str()).ok(), Some("K AE1 T"));
    assert!(matches!(answers[1], Err(Error::EmptySource)));
    assert!(matches!(&answers[2], Err(Error::UnknownSymbol { symbol, position: 2 }) if symbol == "+"));
    assert!(matches!(answers[3], Err(Error::SourceTooLong { length: 1001, limit: 1000, .. })));
    assert_eq!(answers[4].as_ref().map(|found| found.best.text.as_str()).ok(), Some("AH0 T EH1 N SH AH0 N"));
}

#[test]
fn answers_do_not_depend_on_the_batch() {
    let translator = translator();
    let words = ["is", "internationalization", "a", "attention", "cat", "dog", "house", "banana", "model", "wind"];
    let options = TranslateOptions { alignment: true, ..Default::default() };
    let all = translator.translate_blocking(&words, &options).expect("answers");
    for batch_size in [1, 3] {
        let options = TranslateOptions { batch_size, ..options.clone() };
        let split = translator.translate_blocking(&words, &options).expect("answers");
        for ((all, split), word) in all.iter().zip(&split).zip(words) {
            let (all, split) = (all.as_ref().expect("found"), split.as_ref().expect("found"));
            let word_source = all.source.concat();
            let (all, split) = (&all.best, &split.best);
            assert_eq!(all.text, split.text, "{word}");
            assert_eq!(word_source, word);
            assert!((all.log_prob - split.log_prob).abs() < 1e-3, "{word}: {} {}", all.log_prob, split.log_prob);
            let alignment = all.alignment.as_ref().expect("an alignment");
            assert_eq!(alignment.shape, [all.symbols.len(), word.len()]);
        }
    }
}

#[test]
fn alignments_are_kept_where_asked_for() {
    let answers = translator().translate_blocking(&["cat"], &TranslateOptions::default()).expect("answers");
    assert!(answers[0].as_ref().is_ok_and(|found| found.best.alignment.is_none() && found.best.finished));
}

#[test]
fn translations_end_at_the_limit() {
    let options = TranslateOptions { max_length: MaxLength::Symbols(2), alignment: true, ..Default::default() };
    let answers = translator().translate_blocking(&["cat"], &options).expect("answers");
    let cut = &answers[0].as_ref().expect("found").best;
    assert_eq!((cut.symbols.join(" ").as_str(), cut.finished), ("K AE1", false));
}

#[test]
fn a_translation_is_as_likely_as_it_was_when_it_was_found() {
    let translator = translator();
    let words = ["attention", "cat", "internationalization", "a", "dog"];
    let options = TranslateOptions::default();
    let answers = translator.translate_blocking(&words, &options).expect("answers");
    let found: Vec<_> = answers.into_iter().map(|answer| answer.expect("found")).collect();
    let pairs: Vec<_> = words.iter().zip(found.iter().map(|found| &found.best.text)).collect();
    for batch_size in [1, 2, 64] {
        let options = TranslateOptions { batch_size, alignment: true, ..options.clone() };
        let scored = translator.score_blocking(&pairs, &options).expect("answers");
        for (scored, found) in scored.iter().zip(&found) {
            let (scored, best) = (scored.as_ref().expect("computed"), &found.best);
            assert_eq!((&scored.source, &scored.target), (&found.source, &best.symbols));
            assert_eq!(scored.log_probs.len(), best.symbols.len() + 1, "{}", best.text);
            assert!((scored.log_prob() - best.log_prob).abs() < 1e-4, "{}: {scored:?}", best.text);
            let mean = -scored.log_prob() / scored.log_probs.len() as f64;
            assert!((scored.perplexity() - mean.exp()).abs() < 1e-9);
            let alignment = scored.alignment.as_ref().expect("an alignment");
            assert_eq!(alignment.shape, [best.symbols.len(), found.source.len()]);
            for row in 0..alignment.rows() {
                assert!((alignment.row(row).iter().sum::<f32>() - 1.0).abs() < 1e-5);
            }
        }
    }
}

#[test]
fn what_is_wrong_with_one_pair_is_its_own_answer() {
    let long = "AH0 ".repeat(100_000);
    let pairs =
        [("cat", "K AE1 T"), ("ca+t", "K"), ("cat", "K ?"), ("", "K"), ("cat", ""), ("cat", "T AE1 K"), ("cat", &long)];
    let answers = translator().score_blocking(&pairs, &TranslateOptions::default()).expect("answers");
    let likely =
        |at: usize| answers[at].as_ref().map(|found| (found.log_prob(), found.log_probs.len())).expect("computed");
    assert!(matches!(&answers[1], Err(Error::UnknownSymbol { symbol, .. }) if symbol == "+"));
    assert!(matches!(&answers[2], Err(Error::UnknownSymbol { symbol, .. }) if symbol == "?"));
    assert!(matches!(&answers[3], Err(Error::EmptySource)));
    assert!(matches!(&answers[6], Err(Error::Config { key, found, .. }) if key == "target" && found == "100000"));
    assert_eq!((likely(0).1, likely(4).1), (4, 1), "the end is a symbol, of an empty target the only one");
    assert!(likely(0).0 > -0.5 && likely(5).0 < -5.0, "{answers:?}");
}

#[test]
fn nothing_is_translated_to_nothing() {
    let none: [&str; 0] = [];
    assert!(
        translator().translate_blocking(&none, &TranslateOptions::default()).is_ok_and(|answers| answers.is_empty())
    );
}

#[test]
fn impossible_options_are_named() {
    let default = TranslateOptions::default();
    for (key, options) in [
        ("max_length", TranslateOptions { max_length: MaxLength::Symbols(0), ..default.clone() }),
        ("max_source_length", TranslateOptions { max_source_length: 0, ..default.clone() }),
        ("batch_size", TranslateOptions { batch_size: 0, ..default.clone() }),
        ("batch_symbols", TranslateOptions { batch_symbols: 0, ..default.clone() }),
        ("beam", TranslateOptions { beam: 0, ..default.clone() }),
        ("beam", TranslateOptions { beam: 513, ..default.clone() }),
        ("n_best", TranslateOptions { n_best: 2, ..default.clone() }),
        ("coverage_penalty", TranslateOptions { coverage_penalty: -1.0, ..default.clone() }),
        ("length_penalty", TranslateOptions { length_penalty: LengthPenalty::Wu(f64::NAN), ..default.clone() }),
    ] {
        let error = translator().translate_blocking(&["cat"], &options).expect_err("an error");
        assert!(matches!(&error, Error::Config { key: found, .. } if found == key), "{error}");
    }
}

#[test]
fn a_model_without_tokenizers_translates_no_text() {
    let device = Device::open_blocking(&DeviceRequest::Cpu, Precision::F32).expect("a CPU");
    let model = Model { source_tokenizer: None, ..Model::load(common::g2p()).expect("a model") };
    let error = Translator::new(model, device).expect_err("an error");
    assert!(error.to_string().contains("source_tokenizer"), "{error}");
}

/// A model that says nothing but the unknown symbol, twice, and two letters to read.
fn evasive() -> Model {
    let mut model = Model::load(common::g2p()).expect("a model");
    model.config.encoder.vocab_size = 6;
    model.config.decoder.vocab_size = 5;
    let tokenizer = |symbols: [&str; 3], unk: &str| {
        let vocab: Vec<String> = ["<pad>", "<bos>", "<eos>"]
            .iter()
            .chain(&symbols)
            .enumerate()
            .map(|(id, symbol)| format!("{symbol:?}:{id}"))
            .take(if unk.is_empty() { 6 } else { 5 })
            .collect();
        let json = format!(
            r#"{{"version":"1.0","added_tokens":[],"normalizer":null,"pre_tokenizer":{{"type":"Whitespace"}},
                "post_processor":null,"decoder":null,
                "model":{{"type":"WordLevel","vocab":{{{}}},"unk_token":{:?}}}}}"#,
            vocab.join(","),
            if unk.is_empty() { "<none>" } else { unk },
        );
        Tokenizer::from_bytes(json, "tokenizer.json").expect("a tokenizer")
    };
    let special = model.config.special_tokens.clone();
    let ids = [special.pad, special.bos, special.eos];
    model.source_tokenizer = Some(tokenizer(["alpha", "beta", "gamma"], "").with_special_tokens(ids, None));
    model.target_tokenizer = Some(tokenizer(["<unk>", "x", ""], "<unk>").with_special_tokens(ids, None));
    let random = Parameters::random(&model.config, 5, 0.4).expect("parameters");
    let tensors = random.iter().map(|(name, array)| {
        let mut array = array.clone();
        if name == "generator.bias" {
            array.data[3] = 50.0;
        }
        (name.to_owned(), array)
    });
    model.parameters = Parameters::new(&model.config, tensors.collect()).expect("parameters");
    model
}

#[test]
fn unknown_symbols_are_replaced_by_what_was_attended_to() {
    let device = || Device::open_blocking(&DeviceRequest::Cpu, Precision::F32).expect("a CPU");
    let max_length = MaxLength::Symbols(2);
    let options = TranslateOptions { max_length, alignment: true, beam: 3, n_best: 2, ..Default::default() };
    let source = "gamma alpha beta alpha";
    let plain = Translator::new(evasive(), device()).expect("a translator");
    let as_it_is = plain.translate_blocking(&[source], &options).expect("answers").remove(0).expect("found");
    assert_eq!((as_it_is.best.text.as_str(), as_it_is.best.finished), ("<unk> <unk>", false));

    let symbols: Vec<&str> = source.split(' ').collect();
    let attended: Vec<&str> = {
        let alignment = as_it_is.best.alignment.as_ref().expect("an alignment");
        let heaviest = |row: &[f32]| (0..row.len()).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap_or(0);
        (0..2).map(|t| symbols[heaviest(alignment.row(t))]).collect()
    };
    let options = TranslateOptions { replace_unknown: true, alignment: false, ..options };
    let replaced = plain.translate_blocking(&[source], &options).expect("answers").remove(0).expect("found");
    assert_eq!(replaced.best.symbols, attended);
    assert_eq!(replaced.best.text, attended.join(" "));
    assert!(replaced.best.alignment.is_none() && replaced.others.len() == 1, "only what was asked for");

    let dictionary = [(attended[0], "A for Alpha"), (source, "the whole line")];
    let knowing =
        Translator::new(evasive(), device()).expect("a translator").with_dictionary(dictionary.into_iter().collect());
    let translate =
        |source: &str| knowing.translate_blocking(&[source], &options).expect("answers").remove(0).expect("found");
    let other = "beta beta beta";
    let expected = if attended[0] == "beta" { "A for Alpha A for Alpha" } else { "beta beta" };
    assert_eq!(translate(other).best.text, expected);
    let whole = translate(source);
    assert_eq!(
        (whole.best.text.as_str(), whole.from, whole.best.log_prob),
        ("the whole line", Origin::Dictionary, 0.0)
    );
}

#[test]
fn a_weight_that_16_bits_cannot_hold_is_named_at_once() {
    let choices = Choices::best(Precision::F16);
    let Some(gpu) = common::gpu::gpu_with("a_weight_that_16_bits_cannot_hold_is_named_at_once", choices) else {
        return;
    };
    let mut model = Model::load(common::g2p()).expect("a model");
    let mut tensors: BTreeMap<_, _> = model.parameters.iter().map(|(name, of)| (name.to_owned(), of.clone())).collect();
    tensors.get_mut("generator.weight").expect("a tensor").data[5] = 70_000.0;
    model.parameters = Parameters::new(&model.config, tensors).expect("parameters");
    let error = Translator::new(model, Device::Gpu(gpu)).expect_err("too large a weight").to_string();
    assert!(error.starts_with("tensor generator.weight: ") && error.contains("70000 at [0, 5]"), "{error}");
}
