//! Every shader parses, validates, agrees with its Rust side and translates, on a machine without a GPU.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use seq2seq::gpu::kernels::declared;
use seq2seq::gpu::shader::{self, Shader, Sums, Variant};
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

            let of_override = |size| matches!(size, naga::ArraySize::Pending(_));
            let sized = module.types.iter().any(|(_, one)| match one.inner {
                naga::TypeInner::Array { size, .. } => of_override(size),
                _ => false,
            });
            assert!(!sized, "{stem}: naga cannot write an array of an override's size for a browser");

            let (module, _) = shader::specialise(stem, &module, &[]).unwrap_or_else(|error| panic!("{error}"));
            let entry = &module.entry_points[0];
            assert_eq!(entry.name, "main", "{stem}");
            // Shaders that have wide workgroups say so by an import.
            let is_wide = variant.wide && declared.shader.text.contains("#import threads\n");
            let threads = if is_wide { 1024 } else { declared.threads };
            assert_eq!(entry.workgroup_size, [threads, 1, 1], "{stem}: threads of a workgroup");
            assert!(declared.threads <= 256, "{stem}: WebGPU promises no more than 256 invocations");
            let workgroup_bytes: u32 = module
                .global_variables
                .iter()
                .filter(|(_, variable)| variable.space == naga::AddressSpace::WorkGroup)
                .map(|(_, variable)| module.types[variable.ty].inner.size(module.to_ctx()))
                .sum();
            // The generator of halves is for adapters that have as much.
            let of_halves = variant.sums.of_halves() && stem == "generator";
            let most = if is_wide {
                32768
            } else if of_halves {
                18432
            } else {
                16384
            };
            assert!(workgroup_bytes <= most, "{stem}: {workgroup_bytes} bytes of workgroup memory");
        }
    }
}

/// The lines of HLSL that write a component of a vector by an index that is computed. To do so FXC, a compiler of Direct3D 12,
/// unrolls all loops around them, and refuses those that it cannot. Arrays in workgroup memory are none of its vectors.
fn components_written_by_index(hlsl: &str) -> Vec<String> {
    let dimensions = |name: &str| {
        let mut shared = hlsl.lines().filter_map(|line| line.strip_prefix("groupshared "));
        let declared = shared.find_map(|line| line.split_once(&format!(" {name}[")));
        declared.map_or(0, |(_, rest)| 1 + rest.matches('[').count())
    };
    let writes = |line: &&str| {
        let target = line.split_once(" = ").map_or("", |(target, _)| target.trim_start());
        let (name, indices) = target.split_once('[').unwrap_or_default();
        // Naga writes so every index that it does not know.
        indices.matches("min(uint(").count() > dimensions(name)
    };
    hlsl.lines().filter(writes).map(str::to_owned).collect()
}

#[test]
fn components_written_by_index_are_found() {
    let hlsl = "groupshared float4 held[8][4];\n    held[min(uint(i), 7u)][min(uint(j), 3u)] = x;\n    y[0] = x;\n";
    assert_eq!(components_written_by_index(hlsl), Vec::<String>::new());
    let component = "    logits[min(uint(i), 3u)] = LOWEST;";
    let of_shared = "    held[min(uint(i), 7u)][min(uint(j), 3u)][min(uint(k), 3u)] = 1.0;";
    let hlsl = format!("{hlsl}{component}\n{of_shared}\n");
    assert_eq!(components_written_by_index(&hlsl), [component, of_shared]);
}

#[test]
fn every_specialisation_translates() {
    let all = specialisations().unwrap_or_else(|error| panic!("{error}"));
    assert!(all.len() > 100, "only {} specialisations", all.len());
    let names: BTreeSet<_> = all.iter().map(|one| &one.name).collect();
    assert_eq!(names.len(), all.len(), "names are unique");
    for one in &all {
        for language in Language::ALL {
            if !language.can_say(one.variant) {
                continue;
            }
            let text = translate(one, language).unwrap_or_else(|error| panic!("{error}"));
            assert!(!text.is_empty(), "{} in {language:?}", one.name);
            if language == Language::Hlsl {
                let written = components_written_by_index(&String::from_utf8_lossy(&text));
                assert!(written.is_empty(), "{}: FXC may refuse {written:?}", one.name);
            }
        }
    }
    println!("{} specialisations in {} languages", all.len(), Language::ALL.len());
}

/// What a module of SPIR-V says of matrices. There is no software adapter that runs them: this is what can be known without one.
#[derive(Debug, Default, PartialEq)]
struct Matrices {
    capabilities: BTreeSet<u32>,
    products: usize,
    /// Of each load: the layout, and vectors from one row to the next.
    loads: Vec<[u32; 2]>,
    stores: Vec<[u32; 2]>,
}

impl Matrices {
    /// Capabilities: arithmetic in 16 bits, the memory model that matrices need, and matrices.
    const CAPABILITIES: [u32; 3] = [9, 5345, 6022];

    fn of(module: &[u8]) -> Self {
        let words: Vec<u32> = module.as_chunks().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect();
        let (mut found, mut constants) = (Self::default(), BTreeMap::new());
        // An instruction begins with its length and its code, behind a header of five words.
        let mut rest = &words[5..];
        while let Some(&first) = rest.first() {
            let (instruction, behind) = rest.split_at((first >> 16) as usize);
            rest = behind;
            let constant = |place: usize| constants[&instruction[place]];
            match first & 0xffff {
                17 => drop(found.capabilities.insert(instruction[1])),
                43 => drop(constants.insert(instruction[2], instruction[3])),
                4457 => found.loads.push([4, 5].map(constant)),
                4458 => found.stores.push([3, 4].map(constant)),
                4459 => found.products += 1,
                _ => {}
            }
        }
        found
    }
}

#[test]
fn cooperative_matrices_become_spirv() {
    let all = specialisations().unwrap_or_else(|error| panic!("{error}"));
    let with = |sums| all.iter().filter(move |one| one.variant.sums == sums);
    let matrices = |one| Matrices::of(&translate(one, Language::Spirv).unwrap_or_else(|error| panic!("{error}")));
    let stems: BTreeSet<_> = with(Sums::Cooperative).map(|one| one.shader.stem).collect();
    assert_eq!(stems, BTreeSet::from(["generator", "linear", "recurrent_step"]));
    for one in with(Sums::Cooperative) {
        let found = matrices(one);
        assert!(found.capabilities.is_superset(&Matrices::CAPABILITIES.into()), "{}: {found:?}", one.name);
        // Row by row: four quads of inputs, four of a matrix of weights, sixteen of outputs.
        let expected = Matrices {
            capabilities: found.capabilities.clone(),
            products: 1,
            loads: vec![[0, 4]; 2],
            stores: vec![[0, 16]],
        };
        assert_eq!(found, expected, "{}", one.name);
    }
    // The others have none, and so would one that was linked with the wrong files.
    for one in [Sums::Registers, Sums::Staged, Sums::CooperativePlain].into_iter().flat_map(with) {
        let found = matrices(one);
        assert_eq!(
            (found.products, found.loads.len(), found.capabilities.contains(&6022)),
            (0, 0, false),
            "{}",
            one.name
        );
    }
}

#[test]
fn matrices_in_the_wrong_place_are_refused() {
    let linear = declared().map(|declared| declared.shader).find(|shader| shader.stem == "linear").expect("a kernel");
    let cooperative = |variant: &Variant| variant.sums == Sums::Cooperative;
    let variant = Variant::all().into_iter().find(cooperative).expect("a variant");
    let text = shader::link(linear, variant).unwrap_or_else(|error| panic!("{error}"));
    for (right, wrong) in [
        ("coopMultiplyAdd(x, w, y)", "coopMultiplyAdd(w, x, y)"),
        ("coopStoreT(y, &staged_sums[place], COLUMNS)", "coopStoreT(y, &staged_x[place], COLUMNS)"),
        ("enable wgpu_cooperative_matrix;\n", ""),
    ] {
        let broken = text.replace(right, wrong);
        assert_ne!(text, broken);
        let module = naga::front::wgsl::parse_str(&broken);
        assert!(
            module.is_err() || module.is_ok_and(|module| shader::specialise("linear", &module, &[]).is_err()),
            "{wrong}"
        );
    }
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
        // No browser has the matrices: they are an extension of wgpu's.
        if String::from_utf8_lossy(&text).contains("enable wgpu_cooperative_matrix") {
            continue;
        }
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("writable");
        let output = Command::new("tint").args(["--format", "wgsl"]).arg(&path).args(["-o", "/dev/null"]).output();
        let output = output.expect("tint runs");
        assert!(output.status.success(), "{}: {}", path.display(), String::from_utf8_lossy(&output.stderr));
    }
}
