//! A checkpoint: what is accepted is written and read again as it was.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seq2seq::model::Config;
use seq2seq::train::Checkpoint;
use seq2seq_fuzz::{CONFIG, file, folder};

fuzz_target!(|bytes: &[u8]| {
    let config = Config::from_json(CONFIG, "config.json").expect("a configuration");
    if let Ok(checkpoint) = Checkpoint::load(&config, &file("checkpoint.safetensors", bytes), |_| Ok(())) {
        let again = folder().join("again.safetensors");
        checkpoint.save(&again).expect("what was read can be written");
        assert_eq!(Checkpoint::load(&config, &again, |_| Ok(())).expect("it can be read"), checkpoint);
    }
});
