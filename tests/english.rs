//! English texts, spoken: those of `english.tsv`, which a reader can extend, and what is no text.

use std::error::Error;

use proptest::prelude::*;
use seq2seq::cpu::Cpu;
use seq2seq::device::Device;
use seq2seq::english::phones::Phones;
use seq2seq::english::{Origin, Pronouncer};
use seq2seq::model::Model;
use seq2seq::{TranslateOptions, Translator, pronounce};

type TestResult = Result<(), Box<dyn Error>>;

#[test]
fn texts_are_spoken_as_people_speak_them() -> TestResult {
    let mut wrong = Vec::new();
    let mut texts = 0;
    let lines = include_str!("english.tsv").lines().filter(|line| !line.is_empty() && !line.starts_with("//"));
    for line in lines {
        texts += 1;
        let mut columns = line.split('\t');
        let text = columns.next().unwrap_or_default();
        let words = columns.next().ok_or_else(|| format!("{line:?}: expected a tab and words"))?;
        let spoken = pronounce(text)?;
        let found: Vec<&str> = spoken.words.iter().map(|word| word.word.as_str()).collect();
        if found.join(" ") != words {
            wrong.push(format!("{text:?}: expected {words:?}, found {:?}", found.join(" ")));
        }
        if let Some(phones) = columns.next()
            && spoken.to_string() != phones
        {
            wrong.push(format!("{text:?}: expected {phones}, found {spoken}"));
        }
        if !spoken.unread.is_empty() {
            wrong.push(format!("{text:?}: unread: {:?}", spoken.unread));
        }
    }
    assert!(wrong.is_empty(), "{} of {texts} texts:\n{}", wrong.len(), wrong.join("\n"));
    assert!(texts >= 200, "{texts} texts");
    Ok(())
}

/// What of a text cannot be read.
fn unread(text: &str) -> Result<Vec<String>, Box<dyn Error>> {
    Ok(pronounce(text)?.unread.into_iter().map(|unread| text[unread.span].to_owned()).collect())
}

#[test]
fn what_cannot_be_read_is_named_with_its_place() -> TestResult {
    assert_eq!(unread("Go to 北京, please 🙂")?, ["北京", "🙂"]);
    assert_eq!(unread("привет κόσμε")?, ["привет", "κόσμε"]);
    assert_eq!(unread("a\u{7}b\u{0}")?, ["\u{7}", "\u{0}"]);
    assert_eq!(pronounce("Go to 北京, please")?.to_string(), "G OW1 | T UW1 | P L IY1 Z");
    for nothing in ["", " \t\r\n", "...!?,;:—“”", "\u{200B}\u{FEFF}"] {
        let spoken = pronounce(nothing)?;
        assert!(spoken.words.is_empty() && spoken.unread.is_empty(), "{nothing:?}: {spoken:?}");
    }
    Ok(())
}

#[test]
fn huge_texts_take_time_that_grows_with_them() -> TestResult {
    let long = "a".repeat(1 << 20);
    let spoken = pronounce(&long)?;
    assert_eq!((spoken.words.len(), spoken.unread.len()), (0, 1));
    assert!(spoken.unread[0].reason.contains("1048576 letters"), "{}", spoken.unread[0].reason);
    for part in [
        "read ",
        "the ",
        "-",
        "a-",
        "1,",
        "1.",
        "'",
        "x'",
        "北",
        "$",
        "(",
        "A",
        "aB",
        "e\u{301}",
        "1/",
        "1:",
        "not read ",
    ] {
        let text = part.repeat(5_000);
        let spoken = pronounce(&text)?;
        assert!(spoken.words.len() + spoken.unread.len() <= text.len(), "{part:?}");
    }
    Ok(())
}

#[test]
fn a_dictionary_goes_before_all_else() -> TestResult {
    let entries = [
        ("hello", "HH EH1 L OW0"),
        ("Café", "K AE1 F EY0"),
        ("the", "DH IY1"),
        ("wgpu", "W EH1 B"),
        ("gpt", "JH IH1 P"),
    ];
    let own = Pronouncer::new()?.with_dictionary(entries.into_iter().collect())?;
    let spoken = own.pronounce("Hello, CAFE the WGPU: GPT hello's")?;
    let expected = "HH EH1 L OW0 | K AE1 F EY0 | DH IY1 | W EH1 B | JH IH1 P | HH EH1 L OW0 Z";
    assert_eq!(spoken.to_string(), expected);
    assert!(spoken.words[..5].iter().all(|word| word.origin == Origin::User));
    let wrong = Pronouncer::new()?.with_dictionary([("x", "EH1 Q")].into_iter().collect());
    assert!(wrong.is_err_and(|error| error.to_string().contains("\"x\"") && error.to_string().contains("Q")));
    Ok(())
}

#[test]
fn the_model_says_what_the_lexicon_lacks() -> TestResult {
    let options = TranslateOptions { beam: 3, n_best: 3, alignment: true, ..Default::default() };
    let pronouncer = Pronouncer::new()?.with_options(options);
    let text = "Zyzzogeton’s, é zyzzogeton!";
    let spoken = pronouncer.pronounce(text)?;
    let word = &spoken.words[2];
    assert_eq!(
        (word.origin, word.word.as_str(), &text[word.span.clone()]),
        (Origin::Model, "zyzzogeton", "zyzzogeton")
    );
    assert_eq!(word.others.len(), 2);
    assert_eq!(word.alignment.as_ref().map(|weights| weights.shape.clone()), Some(vec![word.phones.len(), 10]));
    assert!(
        word.log_prob.is_some_and(|best| word.others.iter().all(|other| other.log_prob.is_some_and(|it| it <= best)))
    );
    let record = serde_json::to_value(spoken.record(text, Phones::Arpabet))?;
    assert_eq!(record["words"][2]["span"], serde_json::json!([16, 26]), "characters");
    let without = Pronouncer::new()?.without_lexicon().pronounce("hello")?;
    assert_eq!(without.words[0].origin, Origin::Model);
    Ok(())
}

/// A model that has seen words of the usual length alone ends early.
#[test]
fn a_long_word_is_spoken_to_its_end() -> TestResult {
    let spoken = pronounce("pneumonoultramicroscopicsilicovolcanoconiosis")?.to_string();
    assert!(spoken.starts_with("N ") && spoken.ends_with("S IH0 S"), "{spoken}");
    assert!((36..48).contains(&spoken.split(' ').count()), "{spoken}");
    Ok(())
}

#[test]
fn threads_share_it() {
    let texts = ["Hello, world", "zyzzogeton", "It’s 5 p.m."];
    let expected = texts.map(|text| pronounce(text).expect("a model").to_string());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(texts.map(|text| pronounce(text).expect("a model").to_string()), expected));
        }
    });
}

/// The model without the rules: other ways of writing a word are the same word.
#[test]
fn the_model_itself_reads_what_people_type() -> TestResult {
    let translator = Translator::new(Model::embedded()?, Device::Cpu(Cpu::new()))?;
    let said = |text: &str| -> Result<Vec<String>, Box<dyn Error>> {
        let words = translator.translate_words_blocking(text, &TranslateOptions::default())?;
        Ok(words.into_iter().map(|word| word.translation.map(|found| found.best.text)).collect::<Result<_, _>>()?)
    };
    for (typed, plain) in [
        ("It’s d’accord o‘clock", "it's d'accord o'clock"),
        ("café cafe\u{301} naïve señor", "cafe cafe naive senor"),
        ("ｈｅｌｌｏ ﬁve", "hello five"),
        ("rock-n-roll, sonoff_buero_tim", "rock n roll sonoff buero tim"),
    ] {
        assert_eq!(said(typed)?, said(plain)?, "{typed}");
    }
    assert!(said("wort 北京").is_err());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever is typed is answered, and what is said of it stands in it.
    #[test]
    fn places_are_in_the_text(text in r#"([a-zA-Z]{1,3}|[0-9]{1,4}|[.,:;'’"/$€£%°&@#()+*^~-]| |é|²|½|北|🙂|\u{7}|km|pm|st|Dr|US){0,24}"#) {
        let spoken = pronounce(&text).expect("no error of a text");
        let places = spoken.words.iter().map(|word| &word.span).chain(spoken.unread.iter().map(|unread| &unread.span));
        for place in places {
            prop_assert!(!place.is_empty() && text.get(place.clone()).is_some(), "{place:?} of {text:?}");
        }
        prop_assert!(spoken.words.is_sorted_by_key(|word| word.span.start), "{text:?}");
    }
}
