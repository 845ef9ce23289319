// The row of a table for each id.

#import grid

@group(0) @binding(0) var<storage, read> table: array<vec4<f32>>;      // (vocab, embedding)
@group(0) @binding(1) var<storage, read> ids: array<u32>;              // (rows)
@group(0) @binding(2) var<storage, read_write> out: array<vec4<f32>>;  // (rows, embedding)

struct Params {
    rows: u32,
    quads: u32, // of a row
}
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let index = grid_index(workgroup) * 256u + thread;
    let row = index / params.quads;
    if row < params.rows {
        out[index] = table[ids[row] * params.quads + index % params.quads];
    }
}
