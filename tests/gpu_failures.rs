//! What a GPU cannot do is a clear error, never a panic.

mod common;

use common::TestResult;
use common::gpu::gpu;
use pollster::block_on;
use seq2seq::Storage;
use seq2seq::device::{Device, DeviceRequest, Precision};
use seq2seq::gpu::Gpu;
use seq2seq::model::Model;
use seq2seq::{Error, TranslateOptions, Translator};

#[test]
fn a_matrix_larger_than_a_binding_is_refused_with_its_size() -> TestResult {
    let Some(gpu) = gpu("a_matrix_larger_than_a_binding_is_refused_with_its_size") else { return Ok(()) };
    match gpu.zeros(1 << 22, 1 << 12) {
        Err(Error::TooLarge { bytes, limit, .. }) => assert!(bytes == 1 << 36 && bytes > limit, "{bytes} {limit}"),
        other => return Err(format!("{other:?}").into()),
    }
    // The device is none the worse for it.
    let small = gpu.zeros(2, 3)?;
    assert_eq!(block_on(gpu.read(&small))?, vec![0.0; 6]);
    Ok(())
}

#[test]
fn a_lost_device_says_so() -> TestResult {
    let Some(gpu) = gpu("a_lost_device_says_so") else { return Ok(()) };
    let tensor = gpu.zeros(2, 3)?;
    gpu.destroy();
    for _ in 0..2 {
        match block_on(gpu.read(&tensor)) {
            Err(error @ Error::Device { .. }) => assert!(error.to_string().contains(&gpu.adapter().name), "{error}"),
            other => return Err(format!("{other:?}").into()),
        }
    }
    Ok(())
}

#[test]
fn a_device_lost_under_a_translator_fails_the_call() -> TestResult {
    let Some(gpu) = gpu("a_device_lost_under_a_translator_fails_the_call") else { return Ok(()) };
    let translator = Translator::new(Model::load(common::g2p())?, Device::Gpu(gpu.clone()))?;
    gpu.destroy();
    let failed = translator.translate_blocking(&["attention"], &TranslateOptions::default());
    assert!(matches!(failed, Err(Error::Device { .. })), "{failed:?}");
    Ok(())
}

#[test]
fn an_adapter_that_is_not_there_is_named() -> TestResult {
    let request = DeviceRequest::Name("no such GPU".to_owned());
    match block_on(Gpu::open(&request, Precision::F32)) {
        Err(error @ Error::NoAdapter { .. }) => assert!(error.to_string().contains("no such GPU"), "{error}"),
        other => return Err(format!("{other:?}").into()),
    }
    let request = DeviceRequest::Index(99);
    assert!(matches!(block_on(Gpu::open(&request, Precision::F32)), Err(Error::NoAdapter { .. })));
    Ok(())
}

#[test]
fn tensors_outlive_the_handle_they_came_from() -> TestResult {
    let Some(gpu) = gpu("tensors_outlive_the_handle_they_came_from") else { return Ok(()) };
    let other = gpu.clone();
    let tensor = gpu.zeros(3, 5)?;
    drop(gpu);
    assert_eq!(block_on(other.read(&tensor))?.len(), 15);
    Ok(())
}
