//! Vocabularies of byte pairs.

use tokenizers::models::TrainerWrapper;
use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::{Result, Tokenizer};

use super::special::{SPECIAL, special};

/// At most `size` tokens: the special ones, all bytes, and merges of pairs while one occurs twice.
///
/// Words are divided as GPT-2 does it, a space going with the word behind it. Every byte is in the vocabulary, so that
/// any text is read and written as it stands.
pub fn pairs<S: AsRef<str> + Sync>(texts: &[S], size: usize) -> Result<Tokenizer> {
    let bytes = ByteLevel::new(false, false, true);
    let mut tokenizer = Tokenizer::new(BPE::builder().unk_token(SPECIAL[3].to_owned()).build()?);
    tokenizer.with_pre_tokenizer(Some(bytes)).with_decoder(Some(bytes));
    let trainer = BpeTrainer::builder()
        .vocab_size(size)
        .min_frequency(2)
        .special_tokens(special())
        .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
        .show_progress(false)
        .build();
    tokenizer.train(&mut TrainerWrapper::from(trainer), texts.iter().map(AsRef::as_ref))?;
    Ok(tokenizer)
}
