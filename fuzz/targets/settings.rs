//! `train.toml`: what is accepted is written and read again as it was.
#![no_main]

#[path = "../../src/cli/mod.rs"]
#[allow(dead_code, reason = "the program's own modules, of which this needs one")]
mod cli;

use cli::Settings;
use libfuzzer_sys::fuzz_target;
use seq2seq_fuzz::file;

fuzz_target!(|bytes: &[u8]| {
    let Ok(settings) = Settings::read(&file("train.toml", bytes)) else { return };
    let written = settings.to_toml().expect("what was read can be written");
    let again = Settings::read(&file("again.toml", written.as_bytes())).expect("it can be read");
    // Of numbers that are none, none is like another.
    assert_eq!(again.to_toml().expect("TOML"), written);
    let _ = settings.or(&Settings::default());
});
