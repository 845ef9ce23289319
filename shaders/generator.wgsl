// W_s h̃_t + b_s, of which only what beam search needs is kept: the logits themselves are never written.

#import inputs
#import keep
#import product
#import weights

@group(0) @binding(1) var<storage, read> attentional: array<vec4<f32>>;        // (rows, hidden)
@group(0) @binding(2) var<storage, read_write> candidates: array<vec2<f32>>;   // (rows, tiles, 1 + keep)

struct Params {
    rows: u32,
    quads: u32,   // of symbols
    inputs: u32,  // quads of the attentional state
    bias: u32,    // where the biases begin
    symbols: u32,
    keep: u32,    // candidates of a tile
    pitch: u32,   // pairs from one row's candidates to the next
    avoid_0: u32, // symbols that are not to be chosen
    avoid_1: u32,
}
@group(1) @binding(0) var<uniform> params: Params;

fn begin_of(row: u32) -> u32 {
    return row * params.inputs;
}

fn input(place: u32) -> vec4<f32> {
    return attentional[place];
}

// The logits of a quad, from its sums.
fn logits_of(quad: u32, y: vec4<f32>) -> vec4<f32> {
    if quad >= params.quads {
        return vec4(LOWEST);
    }
    let present = symbols_of(quad) < vec4(params.symbols);
    return select(vec4(LOWEST), y + bias(params.bias, quad), present);
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    keep_product(Shape(params.rows, params.quads, params.inputs, 0u, params.quads), workgroup, thread);
}
