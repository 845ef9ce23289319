//! `fixture.safetensors` beside a model.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use seq2seq::model::{Config, Parameters, WeightFormat};
use seq2seq::verify::fixture::Fixture;
use seq2seq_fuzz::{CONFIG, file, folder};

static MODEL: LazyLock<()> = LazyLock::new(|| {
    let config = Config::from_json(CONFIG, "config.json").expect("a configuration");
    let parameters = Parameters::random(&config, 1, 0.5).expect("a model");
    file("config.json", CONFIG.as_bytes());
    file("model.safetensors", &parameters.to_safetensors(WeightFormat::F32).expect("weights"));
});

fuzz_target!(|bytes: &[u8]| {
    LazyLock::force(&MODEL);
    file("fixture.safetensors", bytes);
    let _ = Fixture::load(folder());
});
