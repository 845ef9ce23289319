//! The adapter that GPU tests run on.

use seq2seq::device::{DeviceRequest, Precision};
use seq2seq::gpu::{Choices, Gpu};

/// The best adapter there is, software too.
///
/// Without one it says that the test `name` is skipped, or fails where `SEQ2SEQ_GPU=require`.
pub fn gpu(name: &str) -> Option<Gpu> {
    gpu_with(name, Choices::best(Precision::F32))
}

/// The same, used in a certain way.
#[expect(clippy::print_stderr, reason = "a test that did not run must say so")]
pub fn gpu_with(name: &str, choices: Choices) -> Option<Gpu> {
    match pollster::block_on(Gpu::open_with(&DeviceRequest::Gpu, choices)) {
        Ok(gpu) => Some(gpu),
        Err(error) => {
            let required = std::env::var_os("SEQ2SEQ_GPU").is_some_and(|value| value == "require");
            assert!(!required, "{name} needs a GPU adapter, and SEQ2SEQ_GPU=require: {error}");
            eprintln!("skipped: {name} needs a GPU adapter: {error}");
            None
        }
    }
}
