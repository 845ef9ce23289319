//! The translator as a program uses it.

use seq2seq::device::{Device, DeviceRequest, Precision};
use seq2seq::model::Model;
use seq2seq::{Error, TranslateOptions, Translator};

fn translator() -> Translator {
    let device = Device::open_blocking(&DeviceRequest::Cpu, Precision::F32).expect("a CPU");
    Translator::new(Model::embedded().expect("a model"), device).expect("a translator")
}

#[test]
fn what_is_wrong_with_one_source_is_its_own_answer() {
    let long = "a".repeat(1001);
    let sources = ["cat", "", "ca+t", &long, "attention"];
    let answers = translator().translate_blocking(&sources, &TranslateOptions::default()).expect("answers");
    assert_eq!(answers.len(), sources.len());
    assert_eq!(answers[0].as_ref().map(|found| found.text.as_str()).ok(), Some("K AE T"));
    assert!(matches!(answers[1], Err(Error::EmptySource)));
    assert!(matches!(&answers[2], Err(Error::UnknownSymbol { symbol, position: 2 }) if symbol == "+"));
    assert!(matches!(answers[3], Err(Error::SourceTooLong { length: 1001, limit: 1000, .. })));
    assert_eq!(answers[4].as_ref().map(|found| found.text.as_str()).ok(), Some("AH T EH N SH AH N"));
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
            assert_eq!(all.text, split.text, "{word}");
            assert_eq!(all.source.concat(), word);
            assert!((all.log_prob - split.log_prob).abs() < 1e-3, "{word}: {} {}", all.log_prob, split.log_prob);
            let alignment = all.alignment.as_ref().expect("an alignment");
            assert_eq!(alignment.shape, [all.target.len(), all.source.len()]);
        }
    }
}

#[test]
fn alignments_are_kept_where_asked_for() {
    let answers = translator().translate_blocking(&["cat"], &TranslateOptions::default()).expect("answers");
    assert!(answers[0].as_ref().is_ok_and(|found| found.alignment.is_none() && found.finished));
}

#[test]
fn translations_end_at_the_limit() {
    let options = TranslateOptions { max_length: 2, alignment: true, ..Default::default() };
    let answers = translator().translate_blocking(&["cat"], &options).expect("answers");
    let cut = answers[0].as_ref().expect("found");
    assert_eq!((cut.target.join(" ").as_str(), cut.finished), ("K AE", false));
}

#[test]
fn a_translation_is_as_likely_as_it_was_when_it_was_found() {
    let translator = translator();
    let words = ["attention", "cat", "internationalization", "a", "dog"];
    let options = TranslateOptions::default();
    let answers = translator.translate_blocking(&words, &options).expect("answers");
    let found: Vec<_> = answers.into_iter().map(|answer| answer.expect("found")).collect();
    let pairs: Vec<_> = words.iter().zip(found.iter().map(|found| &found.text)).collect();
    for batch_size in [1, 2, 64] {
        let options = TranslateOptions { batch_size, ..options.clone() };
        let likelihoods = translator.likelihoods_blocking(&pairs, &options).expect("answers");
        for (likelihood, found) in likelihoods.iter().zip(&found) {
            let likelihood = likelihood.as_ref().expect("computed");
            assert_eq!(likelihood.symbols, found.target.len() + 1, "{}", found.text);
            assert!((likelihood.log_prob - found.log_prob).abs() < 1e-3, "{}: {likelihood:?}", found.text);
        }
    }
}

#[test]
fn what_is_wrong_with_one_pair_is_its_own_answer() {
    let long = "AH ".repeat(100_000);
    let pairs =
        [("cat", "K AE T"), ("ca+t", "K"), ("cat", "K ?"), ("", "K"), ("cat", ""), ("cat", "T AE K"), ("cat", &long)];
    let answers = translator().likelihoods_blocking(&pairs, &TranslateOptions::default()).expect("answers");
    let likely = |at: usize| answers[at].as_ref().map(|found| (found.log_prob, found.symbols)).expect("computed");
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
        ("max_length", TranslateOptions { max_length: 0, ..default.clone() }),
        ("max_source_length", TranslateOptions { max_source_length: 0, ..default.clone() }),
        ("batch_size", TranslateOptions { batch_size: 0, ..default.clone() }),
    ] {
        let error = translator().translate_blocking(&["cat"], &options).expect_err("an error");
        assert!(matches!(&error, Error::Config { key: found, .. } if found == key), "{error}");
    }
}

#[test]
fn a_model_without_tokenizers_translates_no_text() {
    let device = Device::open_blocking(&DeviceRequest::Cpu, Precision::F32).expect("a CPU");
    let model = Model { source_tokenizer: None, ..Model::embedded().expect("a model") };
    let error = Translator::new(model, device).expect_err("an error");
    assert!(error.to_string().contains("source_tokenizer"), "{error}");
}
