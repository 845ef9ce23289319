//! What to run: dispatches as data, apart from how they are run.

use std::sync::Arc;

use super::memory::Memory;
use super::shader::{Shader, Variant};

/// The overrides of a shader, by name; as many as the shader with the most.
pub type Constants = [Option<(&'static str, u32)>; 3];

/// One specialisation of a shader: what a pipeline is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Kernel {
    /// The shader.
    pub shader: Shader,
    /// The files behind its imports.
    pub variant: Variant,
    /// Its overrides.
    pub constants: Constants,
}

/// `Params` of a shader are at most this many bytes.
pub const PARAMS_SIZE: usize = 128;

/// One dispatch.
#[derive(Clone, Debug)]
pub struct Dispatch {
    /// What runs.
    pub kernel: Kernel,
    /// Group 0, in the order of the bindings.
    pub buffers: Vec<Arc<Memory>>,
    /// The bytes of `Params`, and how many there are.
    pub params: ([u8; PARAMS_SIZE], usize),
    /// Workgroups along x, y and z.
    pub workgroup_count: [u32; 3],
}

/// Everything that one submission runs: clears, then dispatches in their order.
#[derive(Debug, Default)]
pub struct Recording {
    /// Buffers taken from the pool that must be zero.
    pub clears: Vec<Arc<Memory>>,
    /// In order; each sees what those before it wrote.
    pub dispatches: Vec<Dispatch>,
}

impl Recording {
    /// Whether anything waits that reads or writes this buffer.
    pub fn uses(&self, id: u64) -> bool {
        let dispatched = self.dispatches.iter().flat_map(|dispatch| &dispatch.buffers);
        self.clears.iter().chain(dispatched).any(|memory| memory.range().id == id)
    }

    /// Whether there is nothing to run.
    pub fn is_empty(&self) -> bool {
        self.clears.is_empty() && self.dispatches.is_empty()
    }
}
