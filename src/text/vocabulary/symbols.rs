//! Vocabularies that list every symbol: characters, words.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use tokenizers::decoders::fuse::Fuse;
use tokenizers::models::wordlevel::WordLevel;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::pre_tokenizers::whitespace::WhitespaceSplit;
use tokenizers::{Result, SplitDelimiterBehavior, Tokenizer};

use super::special::{SPECIAL, special};

/// One symbol for every character, line ends included; decoding puts them side by side.
pub fn characters<S: AsRef<str>>(texts: &[S]) -> Result<Tokenizer> {
    let mut buffer = [0; 4];
    let mut counts = BTreeMap::new();
    for character in texts.iter().flat_map(|text| text.as_ref().chars()) {
        *counts.entry(character).or_insert(0) += 1;
    }
    let symbols = counts.into_iter().map(|(character, count)| (character.encode_utf8(&mut buffer).to_owned(), count));
    let mut tokenizer = tokenizer(symbols.collect())?;
    let every = SplitPattern::Regex("(?s).".to_owned());
    tokenizer.with_pre_tokenizer(Some(Split::new(every, SplitDelimiterBehavior::Isolated, false)?));
    tokenizer.with_decoder(Some(Fuse::new()));
    Ok(tokenizer)
}

/// One symbol for every word; decoding joins them with spaces.
pub fn words<S: AsRef<str>>(texts: &[S]) -> Result<Tokenizer> {
    let mut counts = BTreeMap::new();
    for word in texts.iter().flat_map(|text| text.as_ref().split_whitespace()) {
        *counts.entry(word).or_insert(0) += 1;
    }
    // "<pad>" in a text is no symbol of it, here as in any tokenizer.
    counts.retain(|word, _| !SPECIAL.contains(word));
    let symbols = counts.into_iter().map(|(word, count)| (word.to_owned(), count));
    let mut tokenizer = tokenizer(symbols.collect())?;
    tokenizer.with_pre_tokenizer(Some(WhitespaceSplit));
    Ok(tokenizer)
}

/// The special tokens, then the symbols by falling count; those of one count keep their order.
fn tokenizer(mut symbols: Vec<(String, usize)>) -> Result<Tokenizer> {
    symbols.sort_by_key(|&(_, count)| Reverse(count));
    let first = SPECIAL.map(str::to_owned).into_iter();
    let vocabulary = first.chain(symbols.into_iter().map(|(symbol, _)| symbol)).zip(0..).collect();
    let model = WordLevel::builder().vocab(vocabulary).unk_token(SPECIAL[3].to_owned()).build()?;
    let mut tokenizer = Tokenizer::new(model);
    tokenizer.add_special_tokens(&special());
    Ok(tokenizer)
}
