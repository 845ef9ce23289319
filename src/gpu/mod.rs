//! The GPU backend: the operations as dispatches of `shaders/*.wgsl`, through wgpu.

use serde::Serialize;

use crate::device::{DeviceRequest, Precision};
use crate::{Error, Result};

/// A GPU, or a software implementation of one, that this machine has.
#[derive(Clone, Debug, Serialize)]
pub struct Adapter {
    /// Its place in the list.
    pub index: usize,
    /// The driver's name for it.
    pub name: String,
    /// The API behind it: vulkan, metal or dx12.
    pub backend: String,
    /// The driver and its version.
    pub driver: String,
    /// discrete, integrated, virtual, cpu (a software adapter) or other.
    pub kind: String,
    /// The optional features that are used here, by name.
    pub features: Vec<String>,
    /// The limits that matter here, by name.
    pub limits: Vec<(String, u64)>,
}

impl std::fmt::Display for Adapter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "GPU {} ({}, {})", self.name, self.backend, self.kind)
    }
}

/// Every adapter of this machine.
pub fn adapters() -> Vec<Adapter> {
    Vec::new()
}

/// A GPU that computes.
#[derive(Debug)]
pub struct Gpu {
    adapter: Adapter,
}

impl Gpu {
    /// Opens the adapter that is asked for.
    pub async fn open(request: &DeviceRequest, _precision: Precision) -> Result<Self> {
        Err(Error::NoAdapter { request: request.to_string(), available: "none".into() })
    }

    /// The adapter that computes.
    pub fn adapter(&self) -> &Adapter {
        &self.adapter
    }
}
