//! What `--skip-done` makes of an output: what is done is a part of the output, and of whole windows.
#![no_main]

#[path = "../../src/cli/mod.rs"]
#[allow(dead_code, reason = "the program's own modules, of which this needs one")]
mod cli;

use cli::{Form, Resumed};
use libfuzzer_sys::fuzz_target;
use seq2seq_fuzz::file;

fuzz_target!(|bytes: &[u8]| {
    let path = file("output", bytes);
    for form in [Form::Text, Form::NBest, Form::Json] {
        for window in [1, 3] {
            let Ok(done) = Resumed::find(Some(&path), true, form, window) else { continue };
            assert!(done.lines % window == 0 && done.bytes <= bytes.len() as u64, "{done:?}");
        }
    }
});
