// activation(W [x_0; x_1] + b) for every row.

#import activated
#import finish
#import product
#import weights

@group(0) @binding(1) var<storage, read> input_0: array<vec4<f32>>;    // (rows, inputs_0)
@group(0) @binding(2) var<storage, read> input_1: array<vec4<f32>>;    // (rows, inputs_1)
@group(0) @binding(3) var<storage, read_write> out: array<vec4<f32>>;  // (rows, outputs)

struct Params {
    rows: u32,
    quads: u32,    // of outputs
    inputs_0: u32, // quads of x_0
    inputs_1: u32, // quads of x_1; 0 where there is none
    bias: u32,     // where the biases begin
}
@group(1) @binding(0) var<uniform> params: Params;

fn input(row: u32, k: u32) -> vec4<f32> {
    if k < params.inputs_0 {
        return input_0[row * params.inputs_0 + k];
    }
    return input_1[row * params.inputs_1 + k - params.inputs_0];
}

fn finish(row: u32, quad: u32, y: vec4<f32>) {
    out[row * params.quads + quad] = activated(y + bias(params.bias, quad));
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let shape = Shape(params.rows, params.quads, params.inputs_0 + params.inputs_1, 0u, params.quads);
    product(shape, workgroup, thread);
}
