//! The shaders: their files, how they are linked, and what they become.
//!
//! A shader is a WGSL file with one entry point `main`. A line `#import name` stands for `shared/name.wgsl`, once;
//! some names stand for one of two files: `weights` (stored in 32 or 16 bits), `reduce` (with or without subgroups),
//! `finish` and `keep` (products in registers, or staged in workgroup memory).

use naga::valid::{Capabilities, ShaderStages, SubgroupOperationSet, ValidationFlags, Validator};
use naga::{AddressSpace, Module};

use crate::device::Precision;
use crate::{Error, Result};

macro_rules! sources {
    ($folder:literal: $($stem:literal)*) => {
        &[$(($stem, include_str!(concat!("../../shaders/", $folder, $stem, ".wgsl")))),*]
    };
}

/// Every shader: its stem and its text.
pub const SHADERS: &[(&str, &str)] = sources!["":
    "argmax" "attention" "attention_context" "attention_keys_backward" "attention_query_backward" "attention_scores"
    "attention_scores_backward" "attention_softmax" "attention_vectors_backward" "candidates" "cover" "cross_entropy"
    "dropout" "embedding" "embedding_backward" "extend" "generator" "linear" "log_softmax" "matmul_nn" "matmul_nt"
    "matmul_tn" "mix" "peak_copy" "peak_multiply_add" "put_position" "recurrent_backward" "recurrent_begin" "recurrent_forward"
    "recurrent_initial_backward" "recurrent_layer" "recurrent_step" "sum" "sum_of_squares" "take_position"
    "tanh_backward" "transpose" "update"
];

/// What shaders import.
const SHARED: &[(&str, &str)] = sources!["shared/":
    "activated" "activation" "attention" "block" "candidates" "cell" "finish_registers" "finish_staged" "finish_within" "grid"
    "hidden_gradient" "inputs" "keep_registers" "keep_staged" "product" "product_nt" "quad" "reduce_plain" "reduce_subgroups"
    "registers" "row_choice" "score" "sequence" "staged" "tile_logits" "weights_f16" "weights_f32" "window"
];

/// Which files the names with a choice stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Variant {
    /// How weights are stored.
    pub precision: Precision,
    /// Whether reductions use subgroup operations.
    pub subgroups: bool,
    /// Whether products are staged in workgroup memory.
    pub staged: bool,
}

impl Variant {
    /// Every variant.
    pub fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for staged in [false, true] {
            for precision in [Precision::F32, Precision::F16] {
                all.extend([false, true].map(|subgroups| Self { precision, subgroups, staged }));
            }
        }
        all
    }

    fn file(self, name: &str) -> &str {
        match (name, self.precision, self.subgroups, self.staged) {
            ("weights", Precision::F32, ..) => "weights_f32",
            ("weights", Precision::F16, ..) => "weights_f16",
            ("reduce", _, false, _) => "reduce_plain",
            ("reduce", _, true, _) => "reduce_subgroups",
            ("finish", .., false) => "finish_registers",
            ("finish", .., true) => "finish_staged",
            ("keep", .., false) => "keep_registers",
            ("keep", .., true) => "keep_staged",
            _ => name,
        }
    }
}

/// The shader with everything it imports, as one WGSL text.
pub fn link(stem: &str, variant: Variant) -> Result<String> {
    let mut text = String::new();
    append(find(SHADERS, stem)?, variant, &mut Vec::new(), &mut text)?;
    Ok(text)
}

fn append<'a>(source: &'a str, variant: Variant, done: &mut Vec<&'a str>, text: &mut String) -> Result<()> {
    for line in source.lines() {
        let Some(name) = line.strip_prefix("#import ") else {
            text.push_str(line);
            text.push('\n');
            continue;
        };
        if !done.contains(&name) {
            done.push(name);
            append(find(SHARED, variant.file(name))?, variant, done, text)?;
        }
    }
    Ok(())
}

fn find(files: &'static [(&str, &str)], stem: &str) -> Result<&'static str> {
    let found = files.iter().find(|(name, _)| *name == stem);
    found.map(|(_, text)| *text).ok_or_else(|| error(stem, "no such file"))
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
pub fn module(stem: &str, variant: Variant) -> Result<Module> {
    let text = link(stem, variant)?;
    naga::front::wgsl::parse_str(&text).map_err(|parse| error(stem, parse.emit_to_string(&text)))
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

/// The module with its overrides set, and what validation found out about it.
pub fn specialise(stem: &str, module: &Module, constants: &[(&str, f64)]) -> Result<(Module, naga::valid::ModuleInfo)> {
    let capabilities = Capabilities::SUBGROUP | Capabilities::IMMEDIATES | Capabilities::SHADER_FLOAT16_IN_FLOAT32;
    let mut validator = Validator::new(ValidationFlags::all(), capabilities);
    validator.subgroup_stages(ShaderStages::COMPUTE).subgroup_operations(SubgroupOperationSet::all());
    let info = validator.validate(module).map_err(|invalid| error(stem, invalid.emit_to_string("")))?;
    let constants = constants.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
    let entry = Some((naga::ShaderStage::Compute, "main"));
    let (module, info) = naga::back::pipeline_constants::process_overrides(module, &info, entry, &constants)
        .map_err(|failed| error(stem, failed))?;
    Ok((module.into_owned(), info.into_owned()))
}
