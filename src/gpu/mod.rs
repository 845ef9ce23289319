//! The GPU backend: the operations as dispatches of `shaders/*.wgsl`, through wgpu.
//!
//! An operation adds to a recording what is to be run; nothing runs before something is read. Then all that was
//! recorded goes to the device in one pass of one submission. This is the only module that knows wgpu.

#[macro_use]
pub mod shader;
#[macro_use]
mod kernel;

mod adapters;
mod backend;
mod choices;
mod engine;
mod forms;
mod greedy;
mod handle;
pub mod kernels;
mod matrices;
mod memory;
mod pipelines;
mod recording;
mod tensor;
mod tiling;
#[cfg(feature = "train")]
mod training;
#[cfg(feature = "shader-languages")]
pub mod translate;
mod weights;

#[cfg(not(target_arch = "wasm32"))]
pub use adapters::adapters_blocking;
pub use adapters::{Adapter, AdapterKind, adapters};
pub use choices::Choices;
pub use forms::{AttentionForm, ExtensionForm, Form, GreedyForm, ProductForm, RecurrenceForm, StateForm};
pub use greedy::{GreedyState, GreedyWeights};
pub use handle::{Gpu, KernelTime};
pub use kernel::Declared;
pub use tensor::{GpuArena, GpuIds, GpuTensor};
pub use weights::{RecurrentWeights, Weights};
