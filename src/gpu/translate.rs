//! The shaders in other languages, so that a native Metal or Direct3D program can use them, and so that a machine with
//! one API checks them for all.
//!
//! Buffers keep their numbers: binding *i* of group 0 is `[[buffer(i)]]` in MSL, `register(ti)` or `register(ui)` in
//! HLSL, `binding = i` in GLSL; `Params` follow as number 8.

use naga::ResourceBinding;
use naga::back::{glsl, hlsl, msl, spv};
use naga::proc::BoundsCheckPolicies;

use super::kernels::{declared, generator};
use super::shader::{self, Shader, Sums, Variant};
use crate::request::Precision;
use crate::{Error, Result};

/// A shading language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// WebGPU's; overrides are left to be set.
    Wgsl,
    /// Vulkan's, version 1.3.
    Spirv,
    /// Metal's, version 2.1; 2.4 with subgroups.
    Msl,
    /// Direct3D 12's, shader model 6.0.
    Hlsl,
    /// OpenGL ES's, version 3.1; what uses subgroups cannot be said in it.
    Glsl,
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 5] = [Self::Wgsl, Self::Spirv, Self::Msl, Self::Hlsl, Self::Glsl];

    /// Whether it has words for all that a variant uses. Matrices of halves are said in the languages that somebody runs them in.
    pub fn can_say(self, variant: Variant) -> bool {
        match self {
            Self::Wgsl | Self::Spirv => true,
            Self::Msl | Self::Hlsl => !variant.sums.of_halves(),
            Self::Glsl => !variant.sums.of_halves() && !variant.subgroups,
        }
    }

    /// The ending of its files.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Wgsl => "wgsl",
            Self::Spirv => "spv",
            Self::Msl => "metal",
            Self::Hlsl => "hlsl",
            Self::Glsl => "comp",
        }
    }
}

/// The values of the overrides that decide what a shader computes, and what files call them.
const OVERRIDES: &[(&str, &[(&str, u32)])] = &[
    ("CELL", &[("tanh", 0), ("gru", 1), ("lstm", 2)]),
    ("ALIGNED", &[("shifted", 0), ("aligned", 1)]),
    ("LOOK_UP", &[("rows", 0), ("ids", 1)]),
    ("ACTIVATION", &[("identity", 0), ("tanh", 1), ("relu", 2)]),
    ("SCORE", &[("product", 0), ("additive", 1), ("location", 2)]),
    ("ACCUMULATE", &[("over", 0), ("added", 1)]),
    ("RULE", &[("adam", 0), ("adam_decoupled", 1), ("sgd", 2)]),
    ("AVERAGE", &[("plain", 0), ("averaged", 1)]),
    ("GRADIENT", &[("loss", 0), ("gradient", 1)]),
    ("PUT", &[("take", 0), ("put", 1)]),
    ("ROOT", &[("total", 0), ("root", 1)]),
    ("WINDOW", &[("global", 0), ("local_m", 1), ("local_p", 2)]),
    (
        "K_SLICES",
        &[("slices_1", 1), ("slices_4", 4), ("slices_8", 8), ("slices_16", 16), ("slices_32", 32), ("slices_64", 64)],
    ),
    ("ROWS", &[("rows_1", 1), ("rows_4", 4)]),
    ("SLICES", &[("slices_1", 1), ("slices_2", 2), ("slices_4", 4), ("slices_8", 8), ("slices_16", 16)]),
];

/// One specialisation of a shader.
#[derive(Clone, Debug)]
pub struct Specialisation {
    /// The shader.
    pub shader: Shader,
    /// The files behind its imports.
    pub variant: Variant,
    /// Its overrides.
    pub constants: Vec<(&'static str, u32)>,
    /// The stem with what tells this specialisation from the shader's others, such as `linear.f16.tanh.added.slices_4`.
    pub name: String,
}

/// Every specialisation of every shader that a device may run.
pub fn specialisations() -> Result<Vec<Specialisation>> {
    let mut all = Vec::new();
    for shader in declared().map(|declared| declared.shader) {
        for Specialisation { variant, name, .. } in variants(shader)? {
            let overrides = shader::interface(shader.stem, &shader::module(shader, variant)?)?.overrides;
            let mut some = vec![Specialisation { shader, variant, constants: Vec::new(), name }];
            for (key, values) in OVERRIDES.iter().filter(|(key, _)| overrides.iter().any(|name| name == key)) {
                // The tiles of the generator have sixteen quads side by side.
                let of_tiles = (shader, *key) == (generator::DECLARED.shader, "K_SLICES");
                let values: Vec<_> =
                    values.iter().filter(|(_, value)| !of_tiles || [1, 4, 16].contains(value)).copied().collect();
                let each = |one: Specialisation| {
                    values.clone().into_iter().map(move |(label, value)| {
                        let constants = one.constants.iter().copied().chain([(*key, value)]).collect();
                        Specialisation { constants, name: format!("{}.{label}", one.name), ..one.clone() }
                    })
                };
                some = some.into_iter().flat_map(each).collect();
            }
            all.extend(some);
        }
    }
    Ok(all)
}

/// The variants of a shader that differ, with no overrides set.
fn variants(shader: Shader) -> Result<Vec<Specialisation>> {
    let mut texts = Vec::new();
    let mut found = Vec::new();
    for variant in Variant::all() {
        let text = shader::link(shader, variant)?;
        if texts.contains(&text) {
            continue;
        }
        texts.push(text);
        let half = if variant.precision == Precision::F16 { ".f16" } else { "" };
        let subgroups = if variant.subgroups { ".subgroups" } else { "" };
        let sums = match variant.sums {
            Sums::Registers => "",
            Sums::Staged => ".staged",
            Sums::Cooperative => ".cooperative",
            Sums::CooperativePlain => ".cooperative_plain",
        };
        let near = if variant.near { ".near" } else { "" };
        let wide = if variant.wide { ".wide" } else { "" };
        let name = format!("{}{half}{subgroups}{sums}{near}{wide}", shader.stem);
        found.push(Specialisation { shader, variant, constants: Vec::new(), name });
    }
    Ok(found)
}

/// The files of a language: name and content. Shaders that it cannot express are left out.
pub fn emit(language: Language) -> Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    let all = if language == Language::Wgsl {
        declared().map(|declared| variants(declared.shader)).collect::<Result<Vec<_>>>()?.concat()
    } else {
        specialisations()?
    };
    for one in all {
        if language.can_say(one.variant) {
            files.push((format!("{}.{}", one.name, language.extension()), translate(&one, language)?));
        }
    }
    Ok(files)
}

/// One specialisation in a language.
///
/// As when it runs here, workgroup memory is not zero in the beginning: no shader reads what none of its threads has written.
pub fn translate(one: &Specialisation, language: Language) -> Result<Vec<u8>> {
    let failed = |reason: &dyn std::fmt::Display| Error::Shader {
        shader: one.name.clone(),
        reason: format!("does not translate to {language:?}: {reason}"),
    };
    let module = shader::module(one.shader, one.variant)?;
    let constants: Vec<_> = one.constants.iter().map(|&(name, value)| (name, f64::from(value))).collect();
    let buffers = shader::interface(one.shader.stem, &module)?.writes.len() as u32;
    let (module, info) = shader::specialise(one.shader.stem, &module, &constants)?;
    let params = (ResourceBinding { group: 1, binding: 0 }, 8);
    let storage = (0..buffers).map(|binding| (ResourceBinding { group: 0, binding }, binding));
    let bindings = storage.chain([params]);
    match language {
        Language::Wgsl => {
            // Browsers want the extension named; naga, which reads these files, knows it without and refuses the line.
            let enable = if one.variant.subgroups { "enable subgroups;\n\n" } else { "" };
            Ok(format!("{enable}{}", shader::link(one.shader, one.variant)?).into_bytes())
        }
        Language::Spirv => {
            let options = spv::Options {
                lang_version: (1, 3),
                zero_initialize_workgroup_memory: spv::ZeroInitializeWorkgroupMemoryMode::None,
                ..Default::default()
            };
            let entry = spv::PipelineOptions { shader_stage: naga::ShaderStage::Compute, entry_point: "main".into() };
            let words = spv::write_vec(&module, &info, &options, Some(&entry)).map_err(|error| failed(&error))?;
            Ok(words.into_iter().flat_map(u32::to_le_bytes).collect())
        }
        Language::Msl => {
            let target = |slot: u32| msl::BindTarget { buffer: Some(slot as u8), mutable: true, ..Default::default() };
            let resources = msl::EntryPointResources {
                resources: bindings.map(|(binding, slot)| (binding, target(slot))).collect(),
                immediates_buffer: None,
                sizes_buffer: Some(9),
            };
            let options = msl::Options {
                lang_version: if one.variant.subgroups { (2, 4) } else { (2, 1) },
                per_entry_point_map: [("main".to_owned(), resources)].into(),
                fake_missing_bindings: false,
                zero_initialize_workgroup_memory: false,
                ..Default::default()
            };
            let written = msl::write_string(&module, &info, &options, &msl::PipelineOptions::default());
            Ok(written.map_err(|error| failed(&error))?.0.into_bytes())
        }
        Language::Hlsl => {
            let target = |register| hlsl::BindTarget { register, ..Default::default() };
            let options = hlsl::Options {
                shader_model: hlsl::ShaderModel::V6_0,
                binding_map: bindings.map(|(binding, slot)| (binding, target(slot))).collect(),
                fake_missing_bindings: false,
                zero_initialize_workgroup_memory: false,
                ..Default::default()
            };
            let mut text = String::new();
            let pipeline = hlsl::PipelineOptions::default();
            let mut writer = hlsl::Writer::new(&mut text, &options, &pipeline);
            writer.write(&module, &info, None).map_err(|error| failed(&error))?;
            Ok(text.into_bytes())
        }
        Language::Glsl => {
            let options = glsl::Options {
                version: glsl::Version::Embedded { version: 310, is_webgl: false },
                writer_flags: glsl::WriterFlags::empty(),
                binding_map: bindings.map(|(binding, slot)| (binding, slot as u8)).collect(),
                zero_initialize_workgroup_memory: false,
            };
            let entry = glsl::PipelineOptions {
                shader_stage: naga::ShaderStage::Compute,
                entry_point: "main".to_owned(),
                multiview: None,
            };
            let mut text = String::new();
            let policies = BoundsCheckPolicies::default();
            glsl::Writer::new(&mut text, &module, &info, &options, &entry, policies)
                .and_then(|mut writer| writer.write())
                .map_err(|error| failed(&error))?;
            Ok(text.into_bytes())
        }
    }
}
