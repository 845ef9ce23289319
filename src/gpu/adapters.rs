//! The adapters of this machine: listing them, choosing one, opening it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use super::choices::{Choices, WIDE_THREADS};
use super::forms::{Form, ProductForm};
use super::matrices;
use crate::request::{DeviceRequest, Precision};
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
    /// What it is.
    pub kind: AdapterKind,
    /// The optional features that are used here and that it has, by name.
    pub features: Vec<String>,
    /// The limits that matter here, by name.
    pub limits: Vec<(String, u64)>,
}

/// What an adapter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AdapterKind {
    /// A GPU with its own memory.
    Discrete,
    /// A GPU that shares the processor's memory.
    Integrated,
    /// A GPU passed through to a virtual machine.
    Virtual,
    /// An implementation in software.
    Software,
    /// Something that the driver does not say.
    Other,
}

impl std::fmt::Display for Adapter {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} ({}, {})", self.name, self.kind, self.backend)
    }
}

impl std::fmt::Display for AdapterKind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Discrete => "discrete",
            Self::Integrated => "integrated",
            Self::Virtual => "virtual",
            Self::Software => "software",
            Self::Other => "other",
        })
    }
}

impl Adapter {
    /// Whether it has an optional feature of that name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.features.iter().any(|feature| feature == name)
    }

    /// Why it cannot be used in this way; `None` where it can, if only without what is optional.
    pub fn refusal(&self, choices: Choices) -> Option<String> {
        let lacks = |name| !self.has(name);
        let half = choices.precision == Precision::F16;
        if half && lacks(HALF_WEIGHTS) {
            return Some("it cannot unpack half-precision weights; use --precision f32".to_owned());
        }
        let form = choices.product?;
        let (needed, _) = matrices::needed(form)?;
        let asked = format!("{}={form}", ProductForm::VARIABLE);
        if !half {
            return Some(format!("{asked} is for weights in half precision; use --precision f16, or unset it"));
        }
        if lacks(needed) {
            return Some(format!("{asked} needs {needed}, which it lacks; unset it"));
        }
        let found = self.limits.iter().find(|(name, _)| name == WORKGROUP_MEMORY).map_or(0, |(_, bytes)| *bytes);
        let expected = u64::from(matrices::WORKGROUP_BYTES);
        (found < expected)
            .then(|| format!("{asked} needs {expected} bytes of workgroup memory, and it has {found}; unset it"))
    }
}

impl AdapterKind {
    /// Whether it is more than an implementation in software.
    pub fn is_hardware(self) -> bool {
        self != Self::Software
    }
}

impl From<wgpu::DeviceType> for AdapterKind {
    fn from(kind: wgpu::DeviceType) -> Self {
        match kind {
            wgpu::DeviceType::DiscreteGpu => Self::Discrete,
            wgpu::DeviceType::IntegratedGpu => Self::Integrated,
            wgpu::DeviceType::VirtualGpu => Self::Virtual,
            wgpu::DeviceType::Cpu => Self::Software,
            wgpu::DeviceType::Other => Self::Other,
        }
    }
}

/// Bytes of a wide workgroup's memory. WebGPU promises 16 KiB.
pub const WIDE_MEMORY: u32 = 32 << 10;

/// The name of workgroups' memory in the list of an adapter's limits.
const WORKGROUP_MEMORY: &str = "workgroup memory bytes";

/// The name of wide workgroups in an adapter's list.
pub const WIDE_WORKGROUPS: &str = "wide workgroups";

/// Whether workgroups can be wide.
fn wide(limits: &wgpu::Limits) -> bool {
    limits.max_compute_invocations_per_workgroup >= WIDE_THREADS
        && limits.max_compute_workgroup_size_x >= WIDE_THREADS
        && limits.max_compute_workgroup_storage_size >= WIDE_MEMORY
}

/// The backend that a browser is.
const BROWSER: &str = wgpu::Backend::BrowserWebGpu.to_str();

/// What unpacking weights is called in the list of an adapter's features.
const HALF_WEIGHTS: &str = "half weights";

/// The optional features that are used here.
const OPTIONAL: [(&str, wgpu::Features); 3] = [
    ("subgroups", wgpu::Features::SUBGROUP),
    ("immediates", wgpu::Features::IMMEDIATES),
    ("timestamps", wgpu::Features::TIMESTAMP_QUERY),
];

/// Every adapter of this machine, in a stable order; in a browser, the one that it has chosen.
pub async fn adapters() -> Vec<Adapter> {
    enumerate().await.iter().enumerate().map(|(index, adapter)| describe(index, adapter)).collect()
}

/// [`adapters`], waiting for the drivers.
#[cfg(not(target_arch = "wasm32"))]
pub fn adapters_blocking() -> Vec<Adapter> {
    pollster::block_on(adapters())
}

async fn enumerate() -> Vec<wgpu::Adapter> {
    let descriptor = wgpu::InstanceDescriptor {
        flags: wgpu::InstanceFlags::empty(),
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    };
    wgpu::Instance::new(descriptor).enumerate_adapters(wgpu::Backends::all()).await
}

fn describe(index: usize, adapter: &wgpu::Adapter) -> Adapter {
    let info = adapter.get_info();
    let limits = adapter.limits();
    let (available, f16) = (adapter.features(), half_weights(adapter));
    let features = OPTIONAL.iter().filter(|(_, feature)| available.contains(*feature)).map(|(name, _)| *name);
    // A browser may keep it to itself.
    let name = if info.name.is_empty() { "an adapter without a name".to_owned() } else { info.name };
    Adapter {
        index,
        name,
        backend: info.backend.to_str().to_owned(),
        driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
        kind: info.device_type.into(),
        features: features
            .chain(wide(&limits).then_some(WIDE_WORKGROUPS))
            .chain(f16.then_some(HALF_WEIGHTS))
            .chain(matrices::names(adapter))
            .map(str::to_owned)
            .collect(),
        limits: [
            ("storage binding bytes", limits.max_storage_buffer_binding_size),
            ("buffer bytes", limits.max_buffer_size),
            ("storage buffers", u64::from(limits.max_storage_buffers_per_shader_stage)),
            ("workgroup invocations", u64::from(limits.max_compute_invocations_per_workgroup)),
            (WORKGROUP_MEMORY, u64::from(limits.max_compute_workgroup_storage_size)),
            ("workgroups per dimension", u64::from(limits.max_compute_workgroups_per_dimension)),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into(),
    }
}

fn half_weights(adapter: &wgpu::Adapter) -> bool {
    adapter.get_downlevel_capabilities().flags.contains(wgpu::DownlevelFlags::SHADER_F16_IN_F32)
}

/// An open device.
#[derive(Debug)]
pub struct Opened {
    /// The device.
    pub device: wgpu::Device,
    /// Its queue.
    pub queue: wgpu::Queue,
    /// Its adapter.
    pub adapter: Adapter,
    /// How the device is used.
    pub choices: Choices,
    failure: Arc<Mutex<Option<String>>>,
    exhausted: Arc<AtomicBool>,
}

impl Opened {
    /// Opens the adapter that is asked for, with what it has of what may be used.
    pub async fn new(request: &DeviceRequest, allowed: Choices) -> Result<Self> {
        let adapters = enumerate().await;
        let described: Vec<_> = adapters.iter().enumerate().map(|(index, one)| describe(index, one)).collect();
        let Some(index) = choose(&described, request) else {
            let available = described.iter().map(|one| format!("{} {} ({})", one.index, one.name, one.kind));
            let available = available.collect::<Vec<_>>().join(", ");
            let available = if available.is_empty() { "none".to_owned() } else { available };
            return Err(Error::NoAdapter { request: request.to_string(), available });
        };
        let adapter = &adapters[index];
        let name = described[index].name.clone();
        let failed = |reason: String| Error::Device { adapter: name.clone(), reason };
        if let Some(refusal) = described[index].refusal(allowed) {
            return Err(failed(refusal));
        }
        let wanted = OPTIONAL.iter().map(|(_, feature)| *feature).filter(|feature| allowed.allows(*feature));
        let needed =
            allowed.product.and_then(matrices::needed).map_or(wgpu::Features::empty(), |(_, features)| features);
        let features = adapter.features() & wanted.fold(needed, |all, feature| all | feature);
        let best = adapter.limits();
        let wide = allowed.wide && wide(&best);
        let usual = wgpu::Limits::default();
        let widest = |wider: u32, usual: u32| if wide { wider } else { usual };
        let required_limits = wgpu::Limits {
            max_storage_buffer_binding_size: best.max_storage_buffer_binding_size,
            max_buffer_size: best.max_buffer_size,
            max_immediate_size: best.max_immediate_size.min(super::recording::PARAMS_SIZE as u32),
            max_compute_invocations_per_workgroup: widest(WIDE_THREADS, usual.max_compute_invocations_per_workgroup),
            max_compute_workgroup_size_x: widest(WIDE_THREADS, usual.max_compute_workgroup_size_x),
            max_compute_workgroup_storage_size: widest(WIDE_MEMORY, usual.max_compute_workgroup_storage_size)
                .max(if allowed.multiplies_halves() { matrices::WORKGROUP_BYTES } else { 0 }),
            ..usual
        };
        let descriptor = wgpu::DeviceDescriptor {
            label: None,
            required_features: features,
            required_limits: required_limits.or_worse_values_from(&best),
            experimental_features: matrices::acknowledged(features),
            ..Default::default()
        };
        let (device, queue) = adapter.request_device(&descriptor).await.map_err(|error| failed(error.to_string()))?;
        let failure = Arc::<Mutex<Option<String>>>::default();
        let keep = |slot: &Arc<Mutex<Option<String>>>| {
            let slot = Arc::clone(slot);
            move |reason: String| {
                // The first failure is the cause; those behind it are its echoes.
                slot.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(reason);
            }
        };
        let (uncaptured, lost) = (keep(&failure), keep(&failure));
        let exhausted = Arc::<AtomicBool>::default();
        let out_of_memory = Arc::clone(&exhausted);
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| match error {
            // A browser says so when what there was no room for is long in use.
            wgpu::Error::OutOfMemory { .. } if cfg!(target_arch = "wasm32") => uncaptured("out of memory".to_owned()),
            wgpu::Error::OutOfMemory { .. } => out_of_memory.store(true, Ordering::Relaxed),
            error => uncaptured(error.to_string()),
        }));
        device.set_device_lost_callback(move |_, message| lost(format!("the device was lost: {message}")));
        let choices = Choices {
            subgroups: features.contains(wgpu::Features::SUBGROUP),
            immediates: features.contains(wgpu::Features::IMMEDIATES),
            timestamps: features.contains(wgpu::Features::TIMESTAMP_QUERY),
            wide,
            ..allowed
        };
        Ok(Self { device, queue, adapter: described[index].clone(), choices, failure, exhausted })
    }

    /// Bytes that one binding can hold.
    pub fn max_binding(&self) -> u64 {
        let limits = self.device.limits();
        // Shaders count in 32 bits, also those of a device that would bind more; a quad is never cut.
        let limit = limits.max_storage_buffer_binding_size.min(limits.max_buffer_size).min(u32::MAX.into());
        limit - limit % 16
    }

    /// Whether memory ran out since this was last asked.
    pub fn ran_out_of_memory(&self) -> bool {
        self.exhausted.swap(false, Ordering::Relaxed)
    }

    /// An error if the device has reported a failure.
    pub fn check(&self) -> Result<()> {
        match &*self.failure.lock().unwrap_or_else(PoisonError::into_inner) {
            None => Ok(()),
            Some(reason) => Err(Error::Device { adapter: self.adapter.name.clone(), reason: reason.clone() }),
        }
    }

    /// The device's own report of its failure where there is one, otherwise `reason`.
    pub fn failure(&self, reason: impl ToString) -> Error {
        let adapter = self.adapter.name.clone();
        self.check().err().unwrap_or_else(|| Error::Device { adapter, reason: reason.to_string() })
    }
}

/// The place of the adapter that is asked for.
fn choose(adapters: &[Adapter], request: &DeviceRequest) -> Option<usize> {
    let best = |allow_software: bool| {
        let rank = |kind| match kind {
            AdapterKind::Discrete => 0,
            AdapterKind::Virtual => 1,
            AdapterKind::Integrated => 2,
            AdapterKind::Other => 3,
            AdapterKind::Software => 4,
        };
        // A browser doesn't say what it has chosen, unless that is software.
        let is_hardware = |one: &Adapter| match one.kind {
            AdapterKind::Other => one.backend == BROWSER,
            kind => rank(kind) < 3,
        };
        let mut found: Vec<_> = adapters.iter().filter(|one| allow_software || is_hardware(one)).collect();
        found.sort_by_key(|one| (rank(one.kind), one.index));
        found.first().map(|one| one.index)
    };
    match request {
        DeviceRequest::Cpu | DeviceRequest::CpuWith(_) => None,
        DeviceRequest::Auto => best(false),
        DeviceRequest::Gpu => best(true),
        DeviceRequest::Index(index) => (*index < adapters.len()).then_some(*index),
        DeviceRequest::Name(name) => {
            let name = name.to_lowercase();
            adapters.iter().position(|one| one.name.to_lowercase().contains(&name))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_adapter_lacks_is_named_with_what_to_do() {
        let adapter = |features: &[&str], memory| Adapter {
            index: 0,
            name: "any".to_owned(),
            backend: "vulkan".to_owned(),
            driver: String::new(),
            kind: AdapterKind::Discrete,
            features: features.iter().map(ToString::to_string).collect(),
            limits: vec![(WORKGROUP_MEMORY.to_owned(), memory)],
        };
        let refusal = |features: &[&str], precision, product| {
            adapter(features, 18432).refusal(Choices { product, ..Choices::best(precision) }).unwrap_or_default()
        };
        let (f16, f32) = (Precision::F16, Precision::F32);
        assert_eq!(refusal(&[], f32, None), "");
        assert_eq!(refusal(&[], f16, None), "it cannot unpack half-precision weights; use --precision f32");
        let product = Some(ProductForm::Cooperative);
        let matrices = "cooperative matrices 16×16×16 f16 → f32";
        assert_eq!(
            refusal(&[HALF_WEIGHTS, matrices], f32, product),
            "SEQ2SEQ_PRODUCT=cooperative is for weights in half precision; use --precision f16, or unset it"
        );
        assert_eq!(
            refusal(&[HALF_WEIGHTS, "half arithmetic"], f16, product),
            "SEQ2SEQ_PRODUCT=cooperative needs cooperative matrices 16×16×16 f16 → f32, which it lacks; unset it"
        );
        assert_eq!(refusal(&[HALF_WEIGHTS, matrices], f16, product), "");
        let choices = Choices { product, ..Choices::best(f16) };
        assert_eq!(
            adapter(&[HALF_WEIGHTS, matrices], 16384).refusal(choices).unwrap_or_default(),
            "SEQ2SEQ_PRODUCT=cooperative needs 18432 bytes of workgroup memory, and it has 16384; unset it"
        );
        assert_eq!(refusal(&[HALF_WEIGHTS, "half arithmetic"], f16, Some(ProductForm::CooperativePlain)), "");
    }
}
