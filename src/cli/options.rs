//! Arguments that several commands have: the device, the model, sizes.

use std::path::PathBuf;

use seq2seq::device::{Device, DeviceRequest, Precision};
use seq2seq::model::Model;
use seq2seq::{Error, TranslateOptions};

use super::failure::Result;
use super::note;

/// Where to compute.
#[derive(Clone, Debug, clap::Args)]
pub struct DeviceOptions {
    /// Where to compute: "auto" (a GPU if there is one, otherwise the CPU), "cpu", "gpu", or one GPU by its
    /// number or a part of its name; `seq2seq devices` lists them
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    pub device: DeviceRequest,

    /// How a GPU stores the weights; arithmetic is in 32 bits either way, and the CPU always uses f32
    #[arg(long, value_enum, default_value_t)]
    pub precision: Precision,
}

impl DeviceOptions {
    /// Opens the device and says which it is, unless `quiet`.
    pub fn open(&self, quiet: bool) -> Result<Device> {
        let device = match Device::open_blocking(&self.device, self.precision) {
            // Nobody asked for this GPU. That it does not work is worth a line, but not the translation.
            Err(error @ Error::Device { .. }) if self.device == DeviceRequest::Auto => {
                note(format_args!("{error}; using the CPU instead"));
                Device::open_blocking(&DeviceRequest::Cpu, self.precision)?
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
    /// The model's directory; without it, the English pronunciation model inside the program
    #[arg(long, value_name = "DIR")]
    pub model: Option<PathBuf>,
}

impl ModelOptions {
    /// Loads the model.
    pub fn load(&self) -> Result<Model> {
        Ok(match &self.model {
            Some(directory) => Model::load(directory)?,
            None => Model::embedded()?,
        })
    }
}

/// How much at once, and how long.
#[derive(Clone, Debug, clap::Args)]
pub struct SizeOptions {
    /// The most lines to translate at once
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = size(65_536))]
    pub batch_size: u32,

    /// The most symbols of a translation; longer ones are cut off
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = size(10_000))]
    pub max_length: u32,

    /// The most symbols of a source; longer ones are refused
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = size(100_000))]
    pub max_source_length: u32,
}

impl SizeOptions {
    /// As the library takes them.
    pub fn translate(&self, alignment: bool) -> TranslateOptions {
        TranslateOptions {
            max_length: self.max_length as usize,
            max_source_length: self.max_source_length as usize,
            batch_size: self.batch_size as usize,
            alignment,
        }
    }
}

fn size(most: i64) -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(1..=most)
}
