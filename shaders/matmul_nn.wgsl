// A B, or A B + out: the gradient of a linear layer's input.

#import product

@group(0) @binding(0) var<storage, read> a: array<vec4<f32>>;          // (rows, inner)
@group(0) @binding(1) var<storage, read> b: array<vec4<f32>>;          // (inner, cols)
@group(0) @binding(2) var<storage, read_write> out: array<vec4<f32>>;  // (rows, cols)

struct Params {
    rows: u32,
    quads: u32, // of outputs
    inner: u32,
}
@group(1) @binding(0) var<uniform> params: Params;

override ACCUMULATE: bool = false;

fn input(row: u32, k: u32) -> vec4<f32> {
    return a[row * ((params.inner + 3u) / 4u) + k];
}

// The columns of A are padded to quads, the rows of B are not.
fn weight(index: u32) -> vec4<f32> {
    if index >= params.inner * params.quads {
        return vec4(0.0);
    }
    return b[index];
}

fn finish(row: u32, quad: u32, y: vec4<f32>) {
    let place = row * params.quads + quad;
    if ACCUMULATE {
        out[place] += y;
    } else {
        out[place] = y;
    }
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let inputs = (params.inner + 3u) / 4u;
    product(Shape(params.rows, params.quads, inputs, 0u, params.quads), workgroup, thread);
}
