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

/// The same adapter in each way that it multiplies halves. It says which it lacks.
#[expect(clippy::print_stderr, reason = "a way that did not run must be named")]
pub fn gpus_of_halves(name: &str) -> Vec<Gpu> {
    let Some(any) = gpu(name) else { return Vec::new() };
    let paths = Choices::every_path(Precision::F16).into_iter().filter(|(_, choices)| choices.multiplies_halves());
    let open = |(path, choices): (String, Choices)| match any.adapter().refusal(choices) {
        None => gpu_with(name, choices),
        Some(refusal) => {
            eprintln!("skipped: {name}, {path}: {refusal}");
            None
        }
    };
    paths.filter_map(open).collect()
}
