//! Arguments that several commands have: the device and the model.

use std::path::PathBuf;

use seq2seq::Error;
use seq2seq::device::{Device, DeviceRequest, Precision};
use seq2seq::model::Model;

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
