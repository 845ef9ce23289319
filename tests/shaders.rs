//! Every shader parses, validates, agrees with its Rust side and translates, on a machine without a GPU.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use seq2seq::gpu::kernels::declared;
use seq2seq::gpu::shader::{self, Shader, Variant};
use seq2seq::gpu::translate::{Language, emit, specialisations, translate};

fn stems(folder: &str) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let files = std::fs::read_dir(&folder).expect("the folder is part of the sources");
    let paths = files.map(|file| file.expect("readable").path()).filter(|path| path.is_file());
    paths.map(|path| path.file_stem().expect("a file's name").to_string_lossy().into_owned()).collect()
}

#[test]
fn a_kernel_has_one_stem_everywhere() {
    let mut all = BTreeSet::new();
    for folder in ["", "training/"] {
        let shaders = stems(&format!("shaders/{folder}"));
        let mut hosts = stems(&format!("src/gpu/kernels/{folder}"));
        hosts.remove("mod");
        assert_eq!(shaders, hosts, "shaders/{folder}*.wgsl and src/gpu/kernels/{folder}*.rs");
        all.extend(shaders);
    }
    assert_eq!(all, declared().map(|declared| declared.shader.stem.to_owned()).collect(), "the lists in mod.rs");
}

#[test]
fn every_shader_agrees_with_its_rust_side() {
    for declared in declared() {
        for variant in Variant::all() {
            let stem = declared.shader.stem;
            let module = shader::module(declared.shader, variant).unwrap_or_else(|error| panic!("{error}"));
            let found = shader::interface(stem, &module).unwrap_or_else(|error| panic!("{error}"));

            let offsets = (0..).step_by(4);
            let fields: Vec<_> = declared
                .fields
                .iter()
                .zip(offsets)
                .map(|((name, kind), offset)| ((*name).to_owned(), (*kind).to_owned(), offset))
                .collect();
            assert_eq!(found.params, fields, "{stem}: Params");

            let writes = [vec![false; declared.reads], vec![true; declared.writes]].concat();
            assert_eq!(found.writes, writes, "{stem}: bindings that are written");
            assert!(writes.len() <= 8, "{stem}: WebGPU promises no more than 8 storage buffers");

            let (module, _) = shader::specialise(stem, &module, &[]).unwrap_or_else(|error| panic!("{error}"));
            let entry = &module.entry_points[0];
            assert_eq!(entry.name, "main", "{stem}");
            assert_eq!(entry.workgroup_size, [declared.threads, 1, 1], "{stem}: threads of a workgroup");
            assert!(declared.threads <= 256, "{stem}: WebGPU promises no more than 256 invocations");
            let workgroup_bytes: u32 = module
                .global_variables
                .iter()
                .filter(|(_, variable)| variable.space == naga::AddressSpace::WorkGroup)
                .map(|(_, variable)| module.types[variable.ty].inner.size(module.to_ctx()))
                .sum();
            assert!(workgroup_bytes <= 16384, "{stem}: {workgroup_bytes} bytes of workgroup memory");
        }
    }
}

#[test]
fn every_specialisation_translates() {
    let all = specialisations().unwrap_or_else(|error| panic!("{error}"));
    assert!(all.len() > 100, "only {} specialisations", all.len());
    let names: BTreeSet<_> = all.iter().map(|one| &one.name).collect();
    assert_eq!(names.len(), all.len(), "names are unique");
    for one in &all {
        for language in Language::ALL {
            if language == Language::Glsl && one.variant.subgroups {
                continue;
            }
            let text = translate(one, language).unwrap_or_else(|error| panic!("{error}"));
            assert!(!text.is_empty(), "{} in {language:?}", one.name);
        }
    }
    println!("{} specialisations in {} languages", all.len(), Language::ALL.len());
}

#[test]
fn a_shader_that_is_wrong_is_refused() {
    let linear = declared().map(|declared| declared.shader).find(|shader| shader.stem == "linear").expect("a kernel");
    let text = shader::link(linear, Variant::all()[0]).unwrap_or_else(|error| panic!("{error}"));
    let broken = text.replace("-> vec4<f32>", "-> vec3<f32>");
    assert_ne!(text, broken);
    let refused = match naga::front::wgsl::parse_str(&broken) {
        Ok(module) => shader::specialise("linear", &module, &[]).is_err(),
        Err(_) => true,
    };
    assert!(refused, "the checks above would not notice a wrong type");
    let lost = Shader { stem: "lost", text: "#import no_such_file\n" };
    let error = shader::link(lost, Variant::all()[0]).expect_err("an error").to_string();
    assert_eq!(error, "shader lost: imports no_such_file: no such file");
}

/// `tint` is the compiler of Chrome; where it is installed, it judges too.
#[test]
fn tint_accepts_every_shader() {
    if Command::new("tint").arg("--help").output().is_err() {
        println!("skipped: tint is not installed");
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in emit(Language::Wgsl).unwrap_or_else(|error| panic!("{error}")) {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("writable");
        let output = Command::new("tint").args(["--format", "wgsl"]).arg(&path).args(["-o", "/dev/null"]).output();
        let output = output.expect("tint runs");
        assert!(output.status.success(), "{}: {}", path.display(), String::from_utf8_lossy(&output.stderr));
    }
}
