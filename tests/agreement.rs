//! The model that comes with the package: the same answers alone and in a batch, from run to run, and on every device.

mod common;

use common::gpu::gpu;
use common::{TestResult, shared};
use seq2seq::cpu::Cpu;
use seq2seq::device::Device;
use seq2seq::model::Model;
use seq2seq::{TranslateOptions, Translation, Translator};

/// Words of all lengths, a single letter among them.
const WORDS: [&str; 12] = [
    "a",
    "attention",
    "mississippi",
    "it's",
    "Colonel",
    "x",
    "antidisestablishmentarianism",
    "queue",
    "rhythm",
    "of",
    "zzyzx",
    "worcestershire",
];

fn translate(translator: &Translator, words: &[&str], batch_size: usize) -> Result<Vec<Translation>, seq2seq::Error> {
    let options = TranslateOptions { alignment: true, batch_size, ..Default::default() };
    translator.translate_blocking(words, &options)?.into_iter().collect()
}

fn devices(name: &str) -> Vec<Device> {
    let gpu = gpu(name).map(Device::Gpu);
    [Device::Cpu(Cpu::new())].into_iter().chain(gpu).collect()
}

#[test]
fn a_word_alone_and_in_a_batch_is_the_same() -> TestResult {
    for device in devices("a_word_alone_and_in_a_batch_is_the_same") {
        let name = device.describe();
        let translator = Translator::new(Model::load(common::g2p())?, device)?;
        let together = translate(&translator, &WORDS, WORDS.len())?;
        let mut largest = 0.0_f32;
        for batch_size in [1, 5] {
            let apart = translate(&translator, &WORDS, batch_size)?;
            for (one, other) in apart.iter().zip(&together) {
                assert_eq!(one.best.symbols, other.best.symbols, "{name}: {}", one.source.concat());
                let weights = one.best.alignment.iter().chain(&other.best.alignment).map(|alignment| &alignment.data);
                let [one, other] = weights.collect::<Vec<_>>()[..] else { return Err("alignments".into()) };
                assert_eq!(one.len(), other.len());
                let error = one.iter().zip(other).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                largest = largest.max(error);
            }
        }
        println!("{name}: weights differ by {largest:.1e} at most");
        assert!(largest <= 1e-5, "{name}: {largest:e}");
    }
    Ok(())
}

#[test]
fn two_runs_agree_to_the_bit() -> TestResult {
    for device in devices("two_runs_agree_to_the_bit") {
        let translator = Translator::new(Model::load(common::g2p())?, device)?;
        let [first, second] = [translate(&translator, &WORDS, 4)?, translate(&translator, &WORDS, 4)?];
        for (first, second) in first.iter().zip(&second) {
            assert_eq!(first.best.log_prob.to_bits(), second.best.log_prob.to_bits());
            assert_eq!(first, second);
        }
    }
    Ok(())
}

/// A word that ends elsewhere than the dictionary says is the model's affair; devices that differ are ours.
#[test]
fn the_gpu_pronounces_a_dictionary_as_the_cpu_does() -> TestResult {
    let name = "the_gpu_pronounces_a_dictionary_as_the_cpu_does";
    let (Some(gpu), Some(shared)) = (gpu(name), shared(name)) else { return Ok(()) };
    let list = std::fs::read_to_string(shared.join("data/cmudict-pronasyl-g014b2b/g014b2b.words"))?;
    let words: Vec<&str> = list.lines().step_by(30).collect();
    let on = |device| -> Result<_, seq2seq::Error> {
        translate(&Translator::new(Model::load(common::g2p())?, device)?, &words, 200)
    };
    let (cpu, gpu) = (on(Device::Cpu(Cpu::new()))?, on(Device::Gpu(gpu))?);
    let same = cpu.iter().zip(&gpu).filter(|(cpu, gpu)| cpu.best.symbols == gpu.best.symbols).count();
    println!("{same} of {} words are the same", words.len());
    assert!(words.len() >= 400 && same as f64 >= 0.995 * words.len() as f64, "{same} of {}", words.len());
    Ok(())
}
