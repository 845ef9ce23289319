//! A tokenizer's file, and behind a zero byte a text: whatever is accepted divides any text, in bounds.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seq2seq::text::Tokenizer;
use seq2seq_fuzz as _;

fuzz_target!(|bytes: &[u8]| {
    let (file, text) = bytes.split_at(bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len()));
    let Ok(tokenizer) = Tokenizer::from_bytes(file, "tokenizer.json") else { return };
    let texts = [String::from_utf8_lossy(text.get(1..).unwrap_or_default()).into_owned(), "The cat's 3 naïve ﷺ ".repeat(9)];
    for text in texts {
        if let Ok(encoding) = tokenizer.encode(&text) {
            assert_eq!(encoding.ids.len(), encoding.tokens.len());
            assert!(encoding.ids.iter().all(|&id| (id as usize) < tokenizer.vocab_size()));
            let _ = tokenizer.decode(&encoding.ids);
        }
        let _ = (tokenizer.normalize(&text), tokenizer.symbols(&text));
    }
});
