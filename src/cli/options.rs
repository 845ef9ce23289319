//! Arguments that several commands have: the device, the models, the search, sizes.

use std::path::PathBuf;

use seq2seq::backend::{LengthPenalty, MAX_BEAM};
use seq2seq::decode::MaxLength;
use seq2seq::device::{Device, DeviceRequest, Precision};
use seq2seq::memory;
use seq2seq::model::Model;
use seq2seq::text::Dictionary;
use seq2seq::{Error, TranslateOptions, Translator};

use super::choice::choice;
use super::failure::Result;
use super::output::note;
use super::threads;
use super::views::AlignmentFile;

/// Where to compute, and how much of the processor may be used.
#[derive(Clone, Debug, clap::Args)]
pub struct ComputeOptions {
    /// Where to compute: "auto" (a GPU if there is one, otherwise the CPU), "cpu", "gpu", or one GPU by its
    /// number or a part of its name; "cpu:avx2" and the like compute with these instructions instead of the best;
    /// `seq2seq devices` lists them all
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    pub device: DeviceRequest,

    #[command(flatten)]
    pub limits: LimitOptions,
}

/// How much of the machine may be used.
#[derive(Clone, Debug, clap::Args)]
pub struct LimitOptions {
    /// How many threads the CPU computes with; without it, as many as the process may use, the limits of a container
    /// included
    #[arg(long, value_name = "N", value_parser = size(MOST_THREADS))]
    threads: Option<u32>,

    /// The most memory that weights and matrices may take, on the CPU and on a GPU each, such as 512M or 4G; batches
    /// that need more are divided, and what cannot be is an error. Without it, what the system has is the limit
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    memory: Option<u64>,
}

/// Where to compute, and how weights are stored there.
#[derive(Clone, Debug, clap::Args)]
pub struct DeviceOptions {
    #[command(flatten)]
    pub compute: ComputeOptions,

    /// How a GPU stores the weights; arithmetic is in 32 bits either way, and the CPU always uses f32
    #[arg(long, value_parser = choice::<Precision>(), default_value = "f32")]
    pub precision: Precision,
}

/// More threads than any machine has processors.
const MOST_THREADS: i64 = 4096;

impl DeviceOptions {
    /// Opens the device and says which it is, unless `quiet`.
    pub fn open(&self, quiet: bool) -> Result<Device> {
        self.compute.open(self.precision, quiet)
    }
}

impl LimitOptions {
    /// Holds all that is computed from now on to the number of threads and the memory.
    pub fn apply(&self) {
        threads::limit(self.threads);
        self.memory.into_iter().for_each(memory::set_limit);
    }
}

impl ComputeOptions {
    /// Opens the device and says which it is, unless `quiet`.
    pub fn open(&self, precision: Precision, quiet: bool) -> Result<Device> {
        self.limits.apply();
        let device = match Device::open_blocking(&self.device, precision) {
            // Nobody asked for this GPU. That it does not work is worth a line, but not the translation.
            Err(error @ Error::Device { .. }) if self.device == DeviceRequest::Auto => {
                note(format_args!("{error}; using the CPU instead"));
                Device::open_blocking(&DeviceRequest::Cpu, precision)?
            }
            device => device?,
        };
        if !quiet {
            note(format_args!("device: {}", device.describe()));
        }
        Ok(device)
    }
}

/// What to compute.
#[derive(Clone, Debug, clap::Args)]
pub struct ModelOptions {
    /// The model's directory; without it, the English pronunciation model inside the program. Given several times, the
    /// models are an ensemble: the probability of a symbol is the mean of theirs. Their tokenizers must be the same
    #[arg(long, value_name = "DIR")]
    pub model: Vec<PathBuf>,
}

impl ModelOptions {
    /// Loads the models and copies them to the device.
    pub fn load(&self, device: Device) -> Result<Translator> {
        let models = self.model.iter().map(Model::load).collect::<seq2seq::Result<Vec<_>>>()?;
        let models = if models.is_empty() { vec![Model::embedded()?] } else { models };
        Ok(Translator::ensemble(models, device)?)
    }
}

/// How to search for translations.
#[derive(Clone, Debug, clap::Args)]
pub struct SearchOptions {
    /// Beam search: how many hypotheses to keep in each step, at most 512; one is greedy decoding, the default. Without
    /// it --n-best N keeps N
    #[arg(long, value_name = "K")]
    pub beam: Option<usize>,

    /// How many translations to give of each line, the best first; at most --beam [default: 1]
    #[arg(long, value_name = "N")]
    pub n_best: Option<usize>,

    /// What the log probabilities of translations are divided by before they are compared: "none" favours short ones,
    /// "length:A" is the number of symbols to the power of A, "wu:A" is ((5 + symbols) / 6)^A; A is from 0 to 5, and
    /// the end is a symbol
    #[arg(long, value_name = "RULE", default_value = "none")]
    pub length_penalty: LengthPenalty,

    /// How much it costs to leave parts of the source without attention, from 0 to 100: this times the sum over source
    /// symbols of ln min(all attention to it, 1) is added to the score
    #[arg(long, value_name = "B", default_value_t = 0.0, allow_negative_numbers = true)]
    pub coverage_penalty: f64,

    /// The most symbols of a translation, its end included, at most 10,000; or "3x" for three times as many as its
    /// source has. Longer ones are cut off
    #[arg(long, value_name = "N", default_value = "200")]
    pub max_length: MaxLength,
}

/// How much at once.
#[derive(Clone, Debug, clap::Args)]
pub struct SizeOptions {
    /// The most lines to translate at once
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = size(65_536))]
    pub batch_size: u32,

    /// The most source symbols to translate at once, padding included; a longer line is a batch of its own
    #[arg(long, value_name = "N", default_value_t = 4096, value_parser = size(100_000_000))]
    pub batch_symbols: u32,

    /// The most symbols of a source; longer ones are refused
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = size(100_000))]
    pub max_source_length: u32,
}

impl SizeOptions {
    /// As the library takes them; the rest as it is without options.
    pub fn options(&self) -> TranslateOptions {
        TranslateOptions {
            max_source_length: self.max_source_length as usize,
            batch_size: self.batch_size as usize,
            batch_symbols: self.batch_symbols as usize,
            ..TranslateOptions::default()
        }
    }
}

impl SearchOptions {
    /// As the library takes them, beside the sizes.
    pub fn options(&self, sizes: &SizeOptions) -> TranslateOptions {
        let n_best = self.n_best.unwrap_or(1);
        TranslateOptions {
            beam: self.beam.unwrap_or(n_best.clamp(1, MAX_BEAM)),
            n_best,
            length_penalty: self.length_penalty,
            coverage_penalty: self.coverage_penalty,
            max_length: self.max_length,
            ..sizes.options()
        }
    }
}

/// How lines are read, and what is said meanwhile.
#[derive(Clone, Debug, clap::Args)]
pub struct LineOptions {
    /// How many lines to read before the first is worked on: they are sorted by length, so that a batch needs little
    /// padding. Lines that arrive slowly are not waited for
    #[arg(long, value_name = "N", default_value_t = 1024, value_parser = size(1_000_000))]
    pub window: u32,

    /// Say nothing on standard error but what went wrong
    #[arg(long, short)]
    pub quiet: bool,
}

/// Where alignments go, beside the answers.
#[derive(Clone, Debug, clap::Args)]
pub struct AlignmentOptions {
    /// Draw what each target symbol attended to below each answer: target symbols down, source symbols across; the
    /// weights begin at 0.05 (░), 0.25 (▒), 0.5 (▓) and 0.75 (█), or are colours where a terminal has 24 bits of them.
    /// With a file, write them there: .svg and .png are pictures of the first 100, .tsv tables, .npy NumPy arrays one
    /// behind the other, .json an array a line, .pharaoh a line of source-target pairs, 0-0 1-2. What has none, a
    /// dictionary's answer or a line that failed, keeps its place, as in the output
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    alignment: Option<Option<AlignmentFile>>,
}

impl AlignmentOptions {
    /// Whether they are drawn among the answers.
    pub fn drawn(&self) -> bool {
        matches!(self.alignment, Some(None))
    }

    /// The file that they are written to.
    pub fn file(&self) -> Option<&AlignmentFile> {
        self.alignment.as_ref()?.as_ref()
    }
}

/// What is looked up first.
#[derive(Clone, Debug, clap::Args)]
pub struct DictionaryFile {
    /// Look up in this file first, and ask the model for what it lacks: lines of source, tab, target, gzip is read too;
    /// of several lines with one source the first is preferred
    #[arg(long, value_name = "FILE")]
    pub dictionary: Option<PathBuf>,
}

/// What to know without the model.
#[derive(Clone, Debug, clap::Args)]
pub struct DictionaryOptions {
    #[command(flatten)]
    pub file: DictionaryFile,

    /// Replace a symbol that the model's target vocabulary lacks by the source symbol that most attention went to, or
    /// by what the dictionary has for that
    #[arg(long)]
    pub replace_unknown: bool,
}

impl DictionaryFile {
    /// Reads the dictionary; an empty one if there is none.
    pub fn read(&self) -> Result<Dictionary> {
        Ok(self.dictionary.as_ref().map(Dictionary::read).transpose()?.unwrap_or_default())
    }
}

/// A parser of sizes from 1 to `most`.
pub fn size(most: i64) -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(1..=most)
}

/// A number of bytes: 1000, 512K, 512M, 4G, 1T, in powers of 1024.
pub fn bytes(text: &str) -> std::result::Result<u64, String> {
    const UNITS: [(char, u64); 4] = [('K', 1 << 10), ('M', 1 << 20), ('G', 1 << 30), ('T', 1 << 40)];
    let unit = |end: char| UNITS.iter().find(|(unit, _)| unit.eq_ignore_ascii_case(&end));
    let (number, unit) = match text.char_indices().last().and_then(|(at, end)| Some((at, unit(end)?))) {
        Some((at, &(_, unit))) => (&text[..at], unit),
        None => (text, 1),
    };
    let bytes = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit)).filter(|&bytes| bytes > 0);
    bytes.ok_or_else(|| "expected bytes, such as 512M or 4G".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_units() {
        assert_eq!(["1", "3k", "512M", "4G", "1T"].map(bytes), [1, 3 << 10, 512 << 20, 4 << 30, 1 << 40].map(Ok));
        for wrong in ["", "0", "G", "1.5G", "4GB", "-1", "99999999T", "ü"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
    }
}
