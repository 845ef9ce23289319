// The gradient of the state that a recurrent layer began with: through the gates of each direction's first step, and
// what the update gate of a GRU lets pass.

#import hidden_gradient

@group(0) @binding(0) var<storage, read> weight_hh: array<vec4<f32>>;    // (directions · blocks · units, hidden)
@group(0) @binding(1) var<storage, read> lengths: array<u32>;            // (batch)
@group(0) @binding(2) var<storage, read> gates: array<vec4<f32>>;        // (batch · len, directions · blocks · units)
@group(0) @binding(3) var<storage, read> carry: array<f32>;              // (batch, directions · hidden): z ⊙ d_h
@group(0) @binding(4) var<storage, read_write> d_initial: array<f32>;    // (batch, directions · hidden)

struct Params {
    batch: u32,
    len: u32,
    hidden: u32, // units of a direction
    quads: u32,  // the same in quads
    directions: u32,
    pitch: u32,  // floats from one row of `d_initial` or `carry` to the next
}
@group(1) @binding(0) var<uniform> params: Params;

fn next_step() -> u32 {
    return 0u;
}

fn finish(row: u32, quad: u32, y: vec4<f32>) {
    var d_hidden = y;
    if CELL == GRU {
        d_hidden += carried(row, quad);
    }
    let first = row * params.pitch + direction * params.hidden;
    for (var i = 0u; i < 4u; i += 1u) {
        if 4u * quad + i < params.hidden {
            d_initial[first + 4u * quad + i] = d_hidden[i];
        }
    }
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    hidden_gradient(workgroup, thread);
}
