//! `model.safetensors`: what is accepted is finite, and written and read again as it was.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seq2seq::model::{Config, Parameters, WeightFormat};
use seq2seq_fuzz::CONFIG;

fuzz_target!(|bytes: &[u8]| {
    let config = Config::from_json(CONFIG, "config.json").expect("a configuration");
    if let Ok(parameters) = Parameters::from_safetensors(&config, bytes, "model.safetensors") {
        let saved = parameters.to_safetensors(WeightFormat::F32).expect("what was read can be written");
        let again = Parameters::from_safetensors(&config, &saved, "model.safetensors").expect("it can be read");
        for ((name, array), (_, other)) in parameters.iter().zip(again.iter()) {
            assert!(array.data.iter().all(|value| value.is_finite()), "{name}");
            assert_eq!(array, other, "{name}");
        }
    }
});
