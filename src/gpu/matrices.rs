//! Products of halves: what they need of an adapter, and how a device is asked for it.

use super::forms::ProductForm;

/// What a form needs of an adapter: its name in an adapter's list, and what a device is asked for.
pub type Needed = (&'static str, wgpu::Features);

const HALVES: Needed = ("half arithmetic", wgpu::Features::SHADER_F16);
const MATRICES: Needed = (
    "cooperative matrices 16×16×16 f16 → f32",
    wgpu::Features::SHADER_F16.union(wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX),
);

/// Bytes of workgroup memory that products of halves have at most: more than WebGPU promises.
pub const WORKGROUP_BYTES: u32 = 18 << 10;

/// What a form of products needs that not every adapter has, but for [`WORKGROUP_BYTES`].
pub fn needed(form: ProductForm) -> Option<Needed> {
    match form {
        ProductForm::Registers { .. } | ProductForm::Staged => None,
        ProductForm::Cooperative => Some(MATRICES),
        ProductForm::CooperativePlain => Some(HALVES),
    }
}

/// What an adapter has of all that a form may need, by name.
pub fn names(adapter: &wgpu::Adapter) -> impl Iterator<Item = &'static str> {
    let available = adapter.features();
    let has = [(HALVES, true), (MATRICES, has_matrices(adapter))];
    has.into_iter().filter(move |((_, features), has)| *has && available.contains(*features)).map(|((name, _), _)| name)
}

/// Whether it multiplies the matrices of `shaders/shared/matrices_cooperative.wgsl`, and its subgroups are always the 32
/// threads that share them there.
fn has_matrices(adapter: &wgpu::Adapter) -> bool {
    let info = adapter.get_info();
    let fits = |one: &wgpu::CooperativeMatrixProperties| {
        [one.m_size, one.n_size, one.k_size] == [16; 3]
            && one.ab_type == wgpu::CooperativeScalarType::F16
            && one.cr_type == wgpu::CooperativeScalarType::F32
    };
    [info.subgroup_min_size, info.subgroup_max_size] == [32; 2]
        && adapter.cooperative_matrix_properties().iter().any(fits)
}

/// What wgpu wants to be told before it gives a device experimental features; nothing where there are none among them.
#[expect(unsafe_code, reason = "it is how wgpu is told that its own code may have bugs there")]
pub fn acknowledged(features: wgpu::Features) -> wgpu::ExperimentalFeatures {
    if !features.intersects(wgpu::Features::all_experimental_mask()) {
        return wgpu::ExperimentalFeatures::disabled();
    }
    // SAFETY: the call does nothing but acknowledge that wgpu may have bugs in these features that its checks do not see.
    // Only who asks for cooperative matrices by name comes here, and a test translates every shader that has them.
    unsafe { wgpu::ExperimentalFeatures::enabled() }
}
