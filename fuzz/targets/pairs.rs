//! A file of pairs, compressed or not: what is accepted has two sides in every line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seq2seq::text::pairs::{group, read_pairs, split};
use seq2seq_fuzz::file;

fuzz_target!(|bytes: &[u8]| {
    let Ok(pairs) = read_pairs(file("pairs.tsv", bytes)) else { return };
    assert!(!pairs.is_empty());
    assert!(pairs.iter().all(|pair| !pair.source.trim().is_empty() && !pair.target.trim().is_empty()));
    let (lines, groups) = (pairs.len(), group(&pairs));
    assert_eq!(groups.iter().map(|group| group.targets.len()).sum::<usize>(), lines);
    let _ = split(&pairs, 0.5, 1);
});
