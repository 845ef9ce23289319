//! Tokenizers made from data: what goes in comes out, the same texts make the same vocabulary.

mod common;

use common::TestResult;
use seq2seq::Error;
use seq2seq::text::Tokenizer;
use seq2seq::text::vocabulary::{Normalization, TokenKind, build, build_normalized, special_tokens};
use serde_json::Value;

const TEXTS: [&str; 8] = [
    "the 3rd of March 1984",
    "  two  spaces, before and between ",
    "naïve café, cafe\u{301}",
    "Поезд в полночь",
    "電車は九時に出ます。",
    "👩‍🔬 & 🇨🇭",
    "a\u{a0}b\u{2009}c",
    "<pad> is text, <unk> too",
];

fn made(kind: &str, texts: &[&str]) -> Tokenizer {
    build(&kind.parse().expect("a kind"), texts).expect("a tokenizer")
}

fn decoded(tokenizer: &Tokenizer, text: &str) -> String {
    tokenizer.decode(&tokenizer.encode(text).expect("ids").ids)
}

#[test]
fn characters_and_bytes_come_back_as_they_were() {
    for kind in ["char", "bpe:260", "bpe:300", "bpe:4000"] {
        let tokenizer = made(kind, &TEXTS);
        for text in TEXTS {
            assert_eq!(decoded(&tokenizer, text), text, "{kind}");
        }
    }
}

#[test]
fn bytes_know_texts_they_were_not_made_from() {
    let tokenizer = made("bpe:300", &["some ordinary words"]);
    for text in TEXTS {
        assert_eq!(decoded(&tokenizer, text), text);
    }
}

#[test]
fn words_come_back_with_single_spaces() {
    let tokenizer = made("word", &TEXTS);
    assert_eq!(decoded(&tokenizer, "  two  spaces, "), "two spaces,");
    assert_eq!(tokenizer.encode("a\tof").map(|encoding| encoding.tokens).ok(), Some(vec!["a".into(), "of".into()]));
}

#[test]
fn symbols_stand_by_frequency_then_code_point() -> TestResult {
    let characters = made("char", &["baa", "éb c"]);
    let symbols: Vec<_> = (0..10).filter_map(|id| characters.token(id)).collect();
    assert_eq!(symbols, ["<pad>", "<bos>", "<eos>", "<unk>", "a", "b", " ", "c", "é"]);
    assert_eq!(characters.vocab_size(), 9);
    let words = made("word", &["b a", "a c <pad> <pad>"]);
    let symbols: Vec<_> = (3..10).filter_map(|id| words.token(id)).collect();
    assert_eq!(symbols, ["<unk>", "a", "b", "c"], "the spelling of a special token is no word");
    Ok(())
}

#[test]
fn the_same_texts_make_the_same_vocabulary() {
    // Words of two to six syllables, so that pairs of equal frequency abound.
    let syllables = ["ka", "to", "mi", "re", "su", "no", "ha"];
    let word = |n: usize| -> String { (0..2 + n % 5).map(|at| syllables[(n / 7_usize.pow(at as u32)) % 7]).collect() };
    let words: Vec<String> = (0..3000).map(word).collect();
    let mut reversed = words.clone();
    reversed.reverse();
    for kind in ["char", "word", "bpe:270", "bpe:700"] {
        let kind: TokenKind = kind.parse().expect("a kind");
        let tokenizer = build(&kind, &words).expect("a tokenizer");
        for _ in 0..3 {
            assert_eq!(build(&kind, &reversed).expect("a tokenizer").to_json(), tokenizer.to_json(), "{kind}");
        }
    }
}

#[test]
fn byte_pairs_fill_the_size_while_pairs_repeat() {
    let words = ["banana bandana", "banana cabana"];
    assert_eq!(made("bpe:260", &words).vocab_size(), 260);
    assert_eq!(made("bpe:262", &words).vocab_size(), 262);
    let all = made("bpe:5000", &words);
    assert!((263..280).contains(&all.vocab_size()), "{}", all.vocab_size());
    assert!(all.encode("banana").expect("ids").ids.len() < 3);
}

#[test]
fn an_unknown_symbol_is_id_3_and_shows_as_itself() -> TestResult {
    for kind in ["char", "word"] {
        let tokenizer = made(kind, &["a b c"]);
        assert_eq!(tokenizer.own_unk(), Some(3));
        let encoding = tokenizer.encode("a é b")?;
        assert!(encoding.ids.contains(&3) && encoding.tokens.contains(&"é".to_owned()), "{encoding:?}");
        assert_eq!(tokenizer.symbols("a é b")?, encoding.tokens);
    }
    let bytes = made("bpe:260", &["a b c"]);
    assert!(!bytes.encode("é")?.ids.contains(&3), "bytes are all known");
    Ok(())
}

#[test]
fn the_spelling_of_a_special_token_is_text() -> TestResult {
    let characters = made("char", &TEXTS);
    assert_eq!(characters.encode("<pad>")?.tokens, ["<", "p", "a", "d", ">"]);
    let words = made("word", &TEXTS);
    assert_eq!(words.encode("<pad> text, <unk>")?.ids[0], 3);
    Ok(())
}

#[test]
fn nothing_makes_no_vocabulary() {
    for kind in ["char", "word", "bpe:300"] {
        for texts in [&[][..], &["", " \t"]] {
            let error = build(&kind.parse().expect("a kind"), texts).unwrap_err();
            assert_eq!(error.to_string(), format!("{kind}: expected texts to make a vocabulary from, found none"));
        }
    }
}

#[test]
fn a_file_is_taken_as_it_is() -> TestResult {
    let path = common::g2p().join("source_tokenizer.json");
    let kind: TokenKind = path.to_str().expect("UTF-8").parse()?;
    let tokenizer = build::<&str>(&kind, &[])?;
    assert_eq!(tokenizer.to_json(), std::fs::read_to_string(&path)?);
    assert_eq!(tokenizer.path(), path);
    let missing = build(&"missing.json".parse()?, &["a"]).unwrap_err();
    assert!(matches!(&missing, Error::Io { path, .. } if path.ends_with("missing.json")), "{missing}");
    Ok(())
}

#[test]
fn made_files_look_like_the_models_own() -> TestResult {
    for (kind, name) in [("char", "source_tokenizer.json"), ("word", "target_tokenizer.json")] {
        let made: Value = serde_json::from_str(made(kind, &["a b"]).to_json())?;
        let own: Value = serde_json::from_slice(&std::fs::read(common::g2p().join(name))?)?;
        for path in ["/added_tokens/0", "/added_tokens/2", "/decoder", "/pre_tokenizer/type", "/model/unk_token"] {
            assert!(own.pointer(path).is_some(), "{path}");
            assert_eq!(made.pointer(path), own.pointer(path), "{path}");
        }
    }
    Ok(())
}

#[test]
fn special_tokens_come_from_both_tokenizers() -> TestResult {
    let (source, target) = (made("char", &["abc"]), made("word", &["A B C"]));
    let special = special_tokens(&source, &target)?;
    assert_eq!((special.pad, special.bos, special.eos, special.unk), (0, 1, 2, Some(3)));
    let path = common::g2p().join("source_tokenizer.json");
    let without = build::<&str>(&TokenKind::File(path), &[])?;
    assert_eq!(special_tokens(&without, &target)?.unk, None);
    let file = |json: &str| Tokenizer::from_bytes(json, "t.json");
    let bare = file(r#"{"model": {"type": "WordLevel", "vocab": {"a": 0, "b": 1}, "unk_token": "<unk>"}}"#)?;
    let message = |source, target| special_tokens(source, target).unwrap_err().to_string();
    assert_eq!(message(&source, &bare), r#"t.json: expected a token "<pad>", found none"#);
    let other = message(&bare, &target);
    assert_eq!(other, r#"t.json: expected id 0 to be "<pad>" as in the target tokenizer, found "a""#);
    Ok(())
}

#[test]
fn a_normalization_is_part_of_the_file() -> TestResult {
    let normalization: Normalization = "nfkc+lower+strip-accents".parse()?;
    for kind in ["char", "word", "bpe:300"] {
        let tokenizer = build_normalized(&kind.parse()?, &normalization, &["Café CAFE", "ｎaïve"])?;
        let again = Tokenizer::from_bytes(tokenizer.to_json(), "again.json")?;
        for tokenizer in [&tokenizer, &again] {
            assert_eq!(tokenizer.encode("CAFÉ naïve")?, tokenizer.encode("cafe NAIVE")?, "{kind}");
        }
        // The vocabulary has what comes out, and not what went in; every byte is in that of byte pairs.
        assert!(
            kind == "bpe:300" || !tokenizer.to_json().contains('É') && !tokenizer.to_json().contains("\"C\""),
            "{kind}"
        );
    }
    let file = TokenKind::File("a.json".into());
    let error = build_normalized(&file, &normalization, &["a"]).unwrap_err().to_string();
    assert!(error.contains("normalize") && error.contains("a.json"), "{error}");
    Ok(())
}
