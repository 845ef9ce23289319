// Row b becomes row b · len + position of a sequence.

#import grid

@group(0) @binding(0) var<storage, read> rows: array<vec4<f32>>;          // (batch, cols)
@group(0) @binding(1) var<storage, read_write> sequence: array<vec4<f32>>; // (batch · len, cols)

struct Params {
    batch: u32,
    len: u32,
    position: u32,
    quads: u32, // of a row
}
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let index = grid_index(workgroup) * 256u + thread;
    let sentence = index / params.quads;
    if sentence < params.batch {
        let place = (sentence * params.len + params.position) * params.quads + index % params.quads;
        sequence[place] = rows[index];
    }
}
