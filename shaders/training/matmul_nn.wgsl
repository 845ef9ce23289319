// activation(A B + bias), or activation(A B + bias + out): the gradient of a linear layer's input, and with the weights
// transposed the layer itself.

#import activated
#import finish
#import inputs
#import product

@group(0) @binding(0) var<storage, read> a: array<vec4<f32>>;          // (rows, inner)
@group(0) @binding(1) var<storage, read> b: array<vec4<f32>>;          // (inner, cols)
@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>;       // (1, cols)
@group(0) @binding(3) var<storage, read_write> out: array<vec4<f32>>;  // (rows, cols)

struct Params {
    rows: u32,
    quads: u32, // of outputs
    inner: u32,
    bias: u32,  // 1 where there is one
}
@group(1) @binding(0) var<uniform> params: Params;

override ACCUMULATE: bool = false;

fn begin_of(row: u32) -> u32 {
    return row * ((params.inner + 3u) / 4u);
}

fn input(place: u32) -> vec4<f32> {
    return a[place];
}

// The columns of A are padded to quads, the rows of B are not.
fn weight(index: u32) -> vec4<f32> {
    let count = params.inner * params.quads;
    return select(vec4(0.0), b[min(index, count - 1u)], index < count);
}

fn finish(row: u32, quad: u32, y: vec4<f32>) {
    let place = row * params.quads + quad;
    var sum = y;
    if params.bias == 1u {
        sum += bias[quad];
    }
    if ACCUMULATE {
        sum += out[place];
    }
    out[place] = activated(sum);
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let inputs = (params.inner + 3u) / 4u;
    product(Shape(params.rows, params.quads, inputs, 0u, params.quads), workgroup, thread);
}
