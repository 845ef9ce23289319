// activation(W x + b), or activation(W x + b + out), for every row x.

#import activated
#import finish_weights
#import inputs
#import product
#import weights

@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;          // (rows, inputs)
@group(0) @binding(2) var<storage, read_write> out: array<vec4<f32>>;  // (rows, outputs)

struct Params {
    rows: u32,
    quads: u32,  // of outputs
    inputs: u32, // quads of x
    bias: u32,   // where the biases begin
}
@group(1) @binding(0) var<uniform> params: Params;

override ACCUMULATE: bool = false;

fn begin_of(row: u32) -> u32 {
    return row * params.inputs;
}

fn input(place: u32) -> vec4<f32> {
    return x[place];
}

fn finish(row: u32, quad: u32, y: vec4<f32>) {
    let place = row * params.quads + quad;
    var sum = y + bias(params.bias, quad);
    if ACCUMULATE {
        sum += out[place];
    }
    out[place] = activated(sum);
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let shape = Shape(params.rows, params.quads, params.inputs, 0u, params.quads);
    product(shape, workgroup, thread);
}
