//! What the device's own clock says, where it has one.

mod common;

use std::time::Duration;

use common::TestResult;
use common::gpu::gpu;
use seq2seq::Array;
use seq2seq::Storage;
use seq2seq::backend::Backend;
use seq2seq::block_on;

#[test]
fn time_is_told_whatever_went_before() -> TestResult {
    let Some(gpu) = gpu("time_is_told_whatever_went_before") else { return Ok(()) };
    let logits = gpu.upload(&Array::new([37, 1001], vec![0.5; 37 * 1001]))?;
    let mut out = gpu.zeros(37, 1001)?;
    let mut timed = || block_on(gpu.device_time(async || gpu.log_softmax(&logits, &mut out)));
    let Some(first) = timed()? else {
        eprintln!("skipped: this adapter has no clock");
        return Ok(());
    };
    // More passes than a clock has room for, none of them timed.
    let mut ids = gpu.upload_ids(&[0; 37])?;
    for _ in 0..600 {
        gpu.argmax(&logits, &mut ids)?;
        gpu.finish()?;
    }
    let mut timed = || block_on(gpu.device_time(async || gpu.log_softmax(&logits, &mut out)));
    let second = timed()?.ok_or("the clock has stopped")?;
    assert!(first > Duration::ZERO && second > Duration::ZERO, "{first:?}, {second:?}");
    assert_eq!(block_on(gpu.device_time(async || Ok(())))?, Some(Duration::ZERO), "nothing takes no time");
    Ok(())
}
