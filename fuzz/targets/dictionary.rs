//! A dictionary: every source that it accepts has a target, however it is spelt.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seq2seq::text::Dictionary;
use seq2seq::text::pairs::read_pairs;
use seq2seq_fuzz::file;

fuzz_target!(|bytes: &[u8]| {
    let path = file("dictionary.tsv", bytes);
    let Ok(dictionary) = Dictionary::read(&path) else { return };
    let respelt = dictionary.clone().respelt(str::to_lowercase);
    assert!(respelt.len() <= dictionary.len());
    for pair in read_pairs(&path).expect("the same file") {
        assert!(dictionary.get(&pair.source).contains(&pair.target));
        assert!(respelt.get(&pair.source.to_lowercase()).contains(&pair.target));
    }
});
