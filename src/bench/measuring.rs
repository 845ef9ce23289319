//! A device that is measured, and the CPU beside it.

use super::peaks::Peaks;
#[cfg(feature = "english")]
use super::pronunciations;
use super::{Case, Instruments, Report, Row};
use crate::cpu::Cpu;
use crate::device::{Device, Precision};
use crate::{Result, clock};

/// A device and how it is measured.
#[derive(Debug)]
pub struct Bench<'a> {
    device: &'a Device,
    precision: Precision,
    seconds: f64,
    kernels: bool,
    peaks: Peaks,
}

impl<'a> Bench<'a> {
    /// Measures what the device can do at most. Every case is then measured for `seconds`, seven times at least, and on
    /// a GPU that has a clock of its own as long again by that; with `kernels` it tells the time of each kernel too.
    pub async fn new(device: &'a Device, precision: Precision, seconds: f64, kernels: bool) -> Result<Self> {
        let (peaks, precision) = match device {
            Device::Cpu(cpu) => (Peaks::of_cpu(cpu.instructions()), Precision::F32),
            Device::Gpu(gpu) => (Peaks::of_gpu(gpu).await?, precision),
        };
        Ok(Self { device, precision, seconds, kernels, peaks })
    }

    /// What the device can do at most.
    pub fn peaks(&self) -> Peaks {
        self.peaks
    }

    /// On a GPU, shapes of computations and the form that each has.
    pub fn forms(&self) -> Vec<(String, String)> {
        match self.device {
            Device::Gpu(gpu) => gpu.forms(),
            Device::Cpu(_) => Vec::new(),
        }
    }

    /// Whether the CPU is measured beside the device, which is another.
    pub fn has_cpu_beside(&self) -> bool {
        matches!(self.device, Device::Gpu(_))
    }

    /// Measures a case on the device and, where that is a GPU, on the CPU.
    pub async fn measure(&self, case: &Case) -> Result<Row> {
        let &Self { device, precision, seconds, kernels, peaks } = self;
        let instruments = Instruments { peaks: Some(peaks), gpu: None, kernels };
        match (device, case) {
            #[cfg(feature = "english")]
            (Device::Cpu(cpu), Case::Pronunciation(case)) => pronunciations::run(cpu, *case, seconds).await,
            #[cfg(feature = "english")]
            (Device::Gpu(gpu), Case::Pronunciation(_)) => case.run(gpu, instruments, precision, seconds).await,
            (Device::Cpu(cpu), _) => case.run(cpu, instruments, precision, seconds).await,
            (Device::Gpu(gpu), _) => {
                let instruments = Instruments { gpu: Some(gpu), ..instruments };
                let row = case.run(gpu, instruments, precision, seconds).await?;
                let beside = case.run(&Cpu::<f32>::new(), Instruments::default(), Precision::F32, seconds).await?;
                Ok(Row { cpu_median_s: Some(beside.timing.median_s), ..row })
            }
        }
    }

    /// The report of these rows.
    pub fn report(&self, rows: Vec<Row>) -> Report {
        Report {
            version: env!("CARGO_PKG_VERSION"),
            device: self.device.describe(),
            precision: self.precision,
            threads: rayon::current_num_threads(),
            clock_resolution_s: clock::resolution(),
            peaks: self.peaks,
            forms: self.forms(),
            rows,
        }
    }
}
