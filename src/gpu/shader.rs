//! The shaders: their files, how they are linked, and what they become.
//!
//! A shader is a WGSL file with one entry point `main`. A line `#import name` stands for `shared/name.wgsl`, once;
//! some names stand for one of two files: `weights` (stored in 32 or 16 bits), `reduce` (with or without subgroups),
//! `finish` (products in registers, or staged in workgroup memory), `finish_weights` and `keep` (those of a model's weights,
//! which may also be multiplied in matrices), `matrices` (cooperative ones, or written out), `scores` (in workgroup memory
//! or not), `threads` (of a workgroup: 256 or 1,024).

use std::hash::{Hash, Hasher};

use naga::{AddressSpace, Module};

use crate::request::Precision;
use crate::{Error, Result};

/// A shader, by its file.
macro_rules! shader {
    ($path:literal) => {
        $crate::gpu::shader::Shader {
            stem: $crate::gpu::shader::stem($path),
            text: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/shaders/", $path, ".wgsl")),
        }
    };
}

/// A shader: the stem of its file, which tells it from all others, and its text.
#[derive(Clone, Copy, Debug)]
pub struct Shader {
    /// The stem of its file.
    pub stem: &'static str,
    /// What is in it.
    pub text: &'static str,
}

impl PartialEq for Shader {
    fn eq(&self, other: &Self) -> bool {
        self.stem == other.stem
    }
}

impl Eq for Shader {}

impl Hash for Shader {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.stem.hash(state);
    }
}

/// What follows the last slash of a path.
pub(super) const fn stem(path: &'static str) -> &'static str {
    let mut start = path.len();
    while start > 0 && path.as_bytes()[start - 1] != b'/' {
        start -= 1;
    }
    path.split_at(start).1
}

macro_rules! shared {
    ($($stem:literal)*) => { &[$(shader!($stem)),*] };
}

/// What shaders import.
const SHARED: &[Shader] = shared![
    "shared/activated" "shared/activation" "shared/attention" "shared/block" "shared/candidates" "shared/cell"
    "shared/context_alone" "shared/context_and_hidden" "shared/cooperative" "shared/extend_step" "shared/fetched"
    "shared/finish_cooperative" "shared/finish_registers" "shared/finish_staged" "shared/finish_within" "shared/grid"
    "shared/hidden_gradient" "shared/inputs" "shared/keep_cooperative" "shared/keep_registers" "shared/keep_staged"
    "shared/matrices_cooperative" "shared/matrices_plain" "shared/positions" "shared/product" "shared/product_nt"
    "shared/quad" "shared/query" "shared/reduce_plain" "shared/reduce_subgroups" "shared/registers"
    "shared/row_choice" "shared/row_softmax" "shared/score" "shared/scores_far" "shared/scores_near" "shared/sequence"
    "shared/softmax" "shared/staged" "shared/threads_1024" "shared/threads_256" "shared/tile_logits" "shared/weights_f16" "shared/weights_f32" "shared/window"
];

/// How the sums of a product come about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sums {
    /// In registers, of what is read through the caches.
    Registers,
    /// In registers, of what was staged in workgroup memory.
    Staged,
    /// In matrices of halves that subgroups multiply together.
    Cooperative,
    /// In the same matrices, which threads multiply number by number.
    CooperativePlain,
}

impl Sums {
    /// Every way.
    const ALL: [Self; 4] = [Self::Registers, Self::Staged, Self::Cooperative, Self::CooperativePlain];

    /// Whether weights and inputs are multiplied as halves.
    pub fn of_halves(self) -> bool {
        matches!(self, Self::Cooperative | Self::CooperativePlain)
    }
}

/// Which files the names with a choice stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Variant {
    /// How weights are stored.
    pub precision: Precision,
    /// Whether reductions use subgroup operations.
    pub subgroups: bool,
    /// How the sums of products come about.
    pub sums: Sums,
    /// Whether the scores of attention stay in workgroup memory.
    pub near: bool,
    /// Whether workgroups have more threads and memory than WebGPU promises.
    pub wide: bool,
}

impl Variant {
    /// Every variant. Only weights that are stored as halves are multiplied as halves.
    pub fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for [wide, near, subgroups] in (0..8).map(|bits| [4, 2, 1].map(|bit| bits & bit != 0)) {
            for sums in Sums::ALL {
                let precisions = [Precision::F32, Precision::F16].into_iter();
                let stored = precisions.filter(|precision| *precision == Precision::F16 || !sums.of_halves());
                all.extend(stored.map(|precision| Self { precision, subgroups, sums, near, wide }));
            }
        }
        all
    }

    fn file(self, name: &str) -> &str {
        let either = |holds: bool, yes, no| if holds { yes } else { no };
        match name {
            "weights" => either(self.precision == Precision::F16, "weights_f16", "weights_f32"),
            "reduce" => either(self.subgroups, "reduce_subgroups", "reduce_plain"),
            "finish_weights" if self.sums.of_halves() => "finish_cooperative",
            "finish" | "finish_weights" => either(self.sums == Sums::Staged, "finish_staged", "finish_registers"),
            "keep" if self.sums.of_halves() => "keep_cooperative",
            "keep" => either(self.sums == Sums::Staged, "keep_staged", "keep_registers"),
            "matrices" => either(self.sums == Sums::Cooperative, "matrices_cooperative", "matrices_plain"),
            "threads" => either(self.wide, "threads_1024", "threads_256"),
            "scores" => either(self.near, "scores_near", "scores_far"),
            _ => name,
        }
    }
}

/// The shader with everything it imports, as one WGSL text.
pub fn link(shader: Shader, variant: Variant) -> Result<String> {
    let mut text = String::new();
    append(shader, variant, &mut Vec::new(), &mut text)?;
    // What any of them enables stands before all that they declare.
    let (enabled, declared): (Vec<_>, Vec<_>) =
        text.split_inclusive('\n').partition(|line| line.starts_with("enable "));
    Ok(enabled.concat() + &declared.concat())
}

fn append(shader: Shader, variant: Variant, done: &mut Vec<&'static str>, text: &mut String) -> Result<()> {
    for line in shader.text.lines() {
        let Some(name) = line.strip_prefix("#import ") else {
            text.push_str(line);
            text.push('\n');
            continue;
        };
        if !done.contains(&name) {
            done.push(name);
            let file = variant.file(name);
            let found = SHARED.iter().find(|shared| shared.stem == file);
            let missing = || error(shader.stem, format!("imports {name}: no such file"));
            append(*found.ok_or_else(missing)?, variant, done, text)?;
        }
    }
    Ok(())
}

fn error(stem: &str, reason: impl ToString) -> Error {
    Error::Shader { shader: stem.to_owned(), reason: reason.to_string() }
}

/// What reflection says of a shader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Group 0, by binding: whether the shader writes to it.
    pub writes: Vec<bool>,
    /// The fields of `Params`, by name, type and offset in bytes.
    pub params: Vec<(String, String, u32)>,
    /// The size of `Params` in bytes.
    pub params_size: u32,
    /// The overrides, by name.
    pub overrides: Vec<String>,
}

/// The linked shader as naga's intermediate representation.
pub fn module(shader: Shader, variant: Variant) -> Result<Module> {
    let text = link(shader, variant)?;
    naga::front::wgsl::parse_str(&text).map_err(|parse| error(shader.stem, parse.emit_to_string(&text)))
}

/// Reads a shader's interface from its module.
pub fn interface(stem: &str, module: &Module) -> Result<Interface> {
    let mut writes = Vec::new();
    let (mut params, mut params_size) = (Vec::new(), 0);
    for (_, variable) in module.global_variables.iter() {
        match (variable.space, &variable.binding) {
            (AddressSpace::Storage { access }, Some(binding)) if binding.group == 0 => {
                let place = binding.binding as usize;
                writes.resize(writes.len().max(place + 1), false);
                writes[place] = access.contains(naga::StorageAccess::STORE);
            }
            (AddressSpace::Uniform, Some(_)) => {
                let naga::TypeInner::Struct { members, span } = &module.types[variable.ty].inner else {
                    return Err(error(stem, "params is not a struct"));
                };
                params_size = *span;
                for member in members {
                    let kind = match module.types[member.ty].inner {
                        naga::TypeInner::Scalar(naga::Scalar::U32) => "u32",
                        naga::TypeInner::Scalar(naga::Scalar::F32) => "f32",
                        _ => return Err(error(stem, "params holds more than u32 and f32")),
                    };
                    params.push((member.name.clone().unwrap_or_default(), kind.to_owned(), member.offset));
                }
            }
            _ => {}
        }
    }
    let overrides = module.overrides.iter().filter_map(|(_, value)| value.name.clone()).collect();
    Ok(Interface { writes, params, params_size, overrides })
}

/// Moves `params` from a uniform buffer to immediates, which cost no buffer and no offset.
pub fn with_immediates(mut module: Module) -> Module {
    for (_, variable) in module.global_variables.iter_mut() {
        if variable.space == AddressSpace::Uniform {
            variable.space = AddressSpace::Immediate;
            variable.binding = None;
        }
    }
    module
}

/// The module with its overrides set, for writers of other languages, and what validation found out about it.
#[cfg(feature = "shader-languages")]
pub fn specialise(stem: &str, module: &Module, constants: &[(&str, f64)]) -> Result<(Module, naga::valid::ModuleInfo)> {
    use naga::valid::{Capabilities, ShaderStages, SubgroupOperationSet, ValidationFlags, Validator};

    let capabilities = Capabilities::SUBGROUP
        | Capabilities::IMMEDIATES
        | Capabilities::SHADER_FLOAT16_IN_FLOAT32
        | Capabilities::SHADER_FLOAT16
        | Capabilities::COOPERATIVE_MATRIX;
    let mut validator = Validator::new(ValidationFlags::all(), capabilities);
    validator.subgroup_stages(ShaderStages::COMPUTE).subgroup_operations(SubgroupOperationSet::all());
    let info = validator.validate(module).map_err(|invalid| error(stem, invalid.emit_to_string("")))?;
    let constants = constants.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
    let entry = Some((naga::ShaderStage::Compute, "main"));
    let (module, info) = naga::back::pipeline_constants::process_overrides(module, &info, entry, &constants)
        .map_err(|failed| error(stem, failed))?;
    Ok((module.into_owned(), info.into_owned()))
}
