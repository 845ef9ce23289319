//! What the host knows of a kernel: its shader, its bindings, its `Params`.

use super::shader::Shader;

/// Declares the `Params` of the shader `shaders/<path>.wgsl` and, as `DECLARED`, its interface.
macro_rules! kernel {
    (
        $(#[$attribute:meta])*
        $name:ident = $path:literal reads $reads:literal then writes $writes:literal, $threads:literal threads:
        $($field:ident: $type:ident),* $(,)?
    ) => {
        $(#[$attribute])*
        #[repr(C)]
        #[derive(Clone, Copy, Debug, bytemuck::NoUninit)]
        pub(super) struct $name {
            $(pub $field: $type),*
        }

        pub(in crate::gpu) const DECLARED: $crate::gpu::kernel::Declared = $crate::gpu::kernel::Declared {
            shader: shader!($path),
            reads: $reads,
            writes: $writes,
            threads: $threads,
            fields: &[$((stringify!($field), stringify!($type))),*],
        };
    };
}

/// What the host takes a shader's interface to be; a test holds it against the shader's own.
#[derive(Clone, Copy, Debug)]
pub struct Declared {
    /// The shader.
    pub shader: Shader,
    /// Group 0 begins with this many buffers that are only read.
    pub reads: usize,
    /// This many that are written follow.
    pub writes: usize,
    /// Threads of a workgroup.
    pub threads: u32,
    /// The fields of `Params`, by name and type.
    pub fields: &'static [(&'static str, &'static str)],
}

/// Workgroups in the two dimensions of `shared/grid.wgsl`.
pub fn grid(workgroups: usize) -> [u32; 3] {
    const GRID_WIDTH: usize = 32768;
    [workgroups.min(GRID_WIDTH) as u32, workgroups.div_ceil(GRID_WIDTH) as u32, 1]
}

/// Bytes of a variable that a workgroup shares: what its shader has room for.
#[cfg(test)]
pub fn workgroup_bytes(kernel: Declared, variable: &str) -> Option<usize> {
    use super::shader::{Variant, module};

    let module = module(kernel.shader, Variant::all()[0]).ok()?;
    let (_, found) = module.global_variables.iter().find(|(_, one)| one.name.as_deref() == Some(variable))?;
    Some(module.types[found.ty].inner.size(module.to_ctx()) as usize)
}
