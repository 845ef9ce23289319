//! Everything that is measured: operations, translations, steps of training, pronunciations.

use super::operations::{self, NamedCase};
#[cfg(feature = "english")]
use super::pronunciations::{self, PronunciationCase};
use super::training::{self, TrainingCase};
use super::translations::{self, TranslationCase};
use super::{Instruments, Row, Size};
use crate::Result;
use crate::backend::Training;
#[cfg(feature = "english")]
use crate::cpu::Cpu;
use crate::device::Precision;

/// What kind of thing is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Single operations.
    Operation,
    /// Whole translations.
    Translation,
    /// Steps of training.
    Training,
    /// Words of English.
    #[cfg(feature = "english")]
    Pronunciation,
}

/// One thing to measure.
#[derive(Clone, Debug)]
pub enum Case {
    /// A single operation.
    Operation(Box<NamedCase>),
    /// A whole translation.
    Translation(TranslationCase),
    /// A step of training.
    Training(TrainingCase),
    /// Words of English, which are pronounced on the CPU.
    #[cfg(feature = "english")]
    Pronunciation(PronunciationCase),
}

/// All of them, kind by kind.
pub fn cases(size: Size) -> Vec<Case> {
    let operations = operations::cases(size).into_iter().map(Box::new).map(Case::Operation);
    let translations = translations::cases(size).into_iter().map(Case::Translation);
    let cases = operations.chain(translations).chain(training::cases(size).into_iter().map(Case::Training));
    #[cfg(feature = "english")]
    let cases = cases.chain(pronunciations::cases().into_iter().map(Case::Pronunciation));
    cases.collect()
}

impl Case {
    /// What kind it is of.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Operation(_) => Kind::Operation,
            Self::Translation(_) => Kind::Translation,
            Self::Training(_) => Kind::Training,
            #[cfg(feature = "english")]
            Self::Pronunciation(_) => Kind::Pronunciation,
        }
    }

    /// The name that the PyTorch benchmark has for it.
    pub fn name(&self) -> String {
        match self {
            Self::Operation(case) => case.name.clone(),
            Self::Translation(case) => case.name(),
            Self::Training(case) => case.name(),
            #[cfg(feature = "english")]
            Self::Pronunciation(case) => case.name(),
        }
    }

    /// Measures it for `seconds`, and as long again by the device's own clock where it has one.
    pub async fn run<B: Training>(
        &self,
        backend: &B,
        instruments: Instruments<'_>,
        precision: Precision,
        seconds: f64,
    ) -> Result<Row> {
        match self {
            Self::Operation(case) => operations::run(backend, instruments, precision, case, seconds).await,
            Self::Translation(case) => translations::run(backend, instruments, case, seconds).await,
            Self::Training(case) => training::run(backend, instruments, case, seconds).await,
            #[cfg(feature = "english")]
            Self::Pronunciation(case) => pronunciations::run(&Cpu::new(), *case, seconds).await,
        }
    }
}
