// Row b · len + position of a sequence becomes row b, or the reverse.

#import grid

override PUT: u32 = 0u; // 0: out of the sequence, 1: into it

@group(0) @binding(0) var<storage, read> given: array<vec4<f32>>;       // (batch · len, cols), or (batch, cols)
@group(0) @binding(1) var<storage, read_write> taken: array<vec4<f32>>; // (batch, cols), or (batch · len, cols)

struct Params {
    batch: u32,
    len: u32,
    position: u32,
    quads: u32, // of a row
}
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let row = grid_index(workgroup) * 256u + thread;
    let sentence = row / params.quads;
    if sentence < params.batch {
        let position = (sentence * params.len + params.position) * params.quads + row % params.quads;
        taken[select(row, position, PUT == 1u)] = given[select(position, row, PUT == 1u)];
    }
}
