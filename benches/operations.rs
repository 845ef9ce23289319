//! The cases of `seq2seq bench` under criterion, which remembers the last run and says what became slower.
//!
//! `cargo bench` measures the CPU, and a GPU where there is one; `cargo test --benches` runs every case once.

use std::time::Duration;

use criterion::{Criterion, SamplingMode};
use pollster::block_on;
use seq2seq::Backend;
use seq2seq::backend::Training;
use seq2seq::bench::{Size, operations, translations};
use seq2seq::cpu::Cpu;
use seq2seq::decode::search;
use seq2seq::device::{DeviceRequest, Precision};
use seq2seq::gpu::Gpu;
use seq2seq::nn::Seq2Seq;

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn operations_on<B: Training>(criterion: &mut Criterion, device: &str, backend: &B) -> Outcome {
    let mut group = criterion.benchmark_group(format!("operations/{device}"));
    group.sampling_mode(SamplingMode::Flat).sample_size(10).measurement_time(Duration::from_secs(1));
    let mark = backend.zeros(1, 1)?;
    for named in operations::cases(Size::Small) {
        let mut ready = named.case.prepare(backend, &named.case.inputs(Precision::F32))?;
        group.bench_function(&named.name, |bencher| {
            bencher.iter(|| {
                block_on(async {
                    ready.run(backend).await?;
                    // Waits until the device has finished.
                    backend.read(&mark).await
                })
            });
        });
    }
    group.finish();
    Ok(())
}

fn translations_on<B: Backend>(criterion: &mut Criterion, device: &str, backend: &B) -> Outcome {
    let mut group = criterion.benchmark_group(format!("translations/{device}"));
    group.sampling_mode(SamplingMode::Flat).sample_size(10).measurement_time(Duration::from_secs(1));
    for case in translations::cases(Size::Small) {
        let config = case.config();
        let model = Seq2Seq::new(backend, &config, &case.parameters(&config)?)?;
        let source = case.source(&config)?;
        let (models, options) = ([model], case.options(&config));
        group.bench_function(case.name(), |bencher| {
            bencher.iter(|| block_on(search(backend, &models, &source, &options)));
        });
    }
    group.finish();
    Ok(())
}

fn main() -> Outcome {
    let mut criterion = Criterion::default().configure_from_args();
    let cpu = Cpu::<f32>::new();
    operations_on(&mut criterion, "cpu", &cpu)?;
    translations_on(&mut criterion, "cpu", &cpu)?;
    if let Ok(gpu) = block_on(Gpu::open(&DeviceRequest::Gpu, Precision::F32)) {
        operations_on(&mut criterion, "gpu", &gpu)?;
        translations_on(&mut criterion, "gpu", &gpu)?;
    }
    criterion.final_summary();
    Ok(())
}
