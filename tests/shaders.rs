//! Every shader parses, validates, agrees with its Rust side and translates, on a machine without a GPU.

use seq2seq::gpu::shader::{self, SHADERS, Variant};

#[test]
fn every_shader_validates() {
    for (stem, _) in SHADERS {
        for variant in Variant::ALL {
            let module = shader::module(stem, variant).unwrap_or_else(|error| panic!("{error}"));
            shader::specialise(stem, &module, &[]).unwrap_or_else(|error| panic!("{error}"));
            std::fs::create_dir_all("/tmp/w/wgsl").unwrap();
            std::fs::write(
                format!("/tmp/w/wgsl/{stem}{}.wgsl", variant.subgroups),
                shader::link(stem, variant).unwrap(),
            )
            .unwrap();
        }
    }
}
