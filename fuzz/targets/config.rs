//! `config.json`: what is accepted is written and read again as it was.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seq2seq::model::{Config, parameter_shapes};
use seq2seq_fuzz as _;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(config) = Config::from_json(bytes, "config.json") {
        let json = config.to_json().expect("what was read can be written");
        assert_eq!(Config::from_json(json, "config.json").expect("what was written can be read"), config);
        if config.encoder.num_layers.max(config.decoder.num_layers) < 100 {
            assert!(!parameter_shapes(&config).is_empty());
        }
    }
});
