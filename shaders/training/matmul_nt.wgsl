// activation(A Bᵀ + bias), or activation(A Bᵀ + bias + out): a linear layer while it learns.

#import activated
#import finish
#import inputs
#import product_nt
#import quad

@group(0) @binding(0) var<storage, read> a: array<vec4<f32>>;          // (rows, inner)
@group(0) @binding(1) var<storage, read> b: array<vec4<f32>>;          // (cols, inner)
@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>;       // (1, cols)
@group(0) @binding(3) var<storage, read_write> out: array<vec4<f32>>;  // (rows, cols)

struct Params {
    rows: u32,
    cols: u32,
    inputs: u32, // quads of the inner size
    bias: u32,   // 1 where there is one
}
@group(1) @binding(0) var<uniform> params: Params;

override ACCUMULATE: bool = false;

fn begin_of(row: u32) -> u32 {
    return row * params.inputs;
}

fn input(place: u32) -> vec4<f32> {
    return a[place];
}

// The last output stands in for those behind it, whose place is padding.
fn weights_of(quad: u32, i: u32) -> u32 {
    return min(4u * quad + i, params.cols - 1u) * params.inputs;
}

fn weight(index: u32) -> vec4<f32> {
    return b[index];
}

fn finish(row: u32, quad: u32, y: vec4<f32>) {
    let place = row * ((params.cols + 3u) / 4u) + quad;
    var sum = y;
    if params.bias == 1u {
        sum += bias[quad];
    }
    if ACCUMULATE {
        sum += out[place];
    }
    out[place] = select(vec4(0.0), activated(sum), within(quad, params.cols));
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    product(Shape(params.rows, (params.cols + 3u) / 4u, params.inputs, 0u, 0u), workgroup, thread);
}
