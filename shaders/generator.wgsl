// W_s h̃_t + b_s, of which only what the choice of a token needs is kept: for every tile of 64 symbols the largest
// logit, its symbol and Σ exp(logit − largest). The logits themselves are never written.

#import product
#import weights

@group(0) @binding(1) var<storage, read> attentional: array<vec4<f32>>;     // (rows, hidden)
@group(0) @binding(2) var<storage, read_write> tiles: array<vec4<f32>>;     // (rows, tiles): largest, Σ exp, symbol

struct Params {
    rows: u32,
    quads: u32,  // of symbols
    inputs: u32, // quads of the attentional state
    bias: u32,   // where the biases begin
    symbols: u32,
}
@group(1) @binding(0) var<uniform> params: Params;

const LOWEST: f32 = -3.4028234e38;

// One number of each of a tile's quads: at most THREADS / QUADS · 4 rows of QUADS quads.
var<workgroup> largest: array<f32, 4u * THREADS>;
var<workgroup> sum: array<f32, 4u * THREADS>;
var<workgroup> symbol: array<u32, 4u * THREADS>;
var<private> first_row: u32;

fn input(row: u32, k: u32) -> vec4<f32> {
    return attentional[row * params.inputs + k];
}

fn finish(row: u32, quad: u32, y: vec4<f32>) {
    let logits = y + bias(params.bias, quad);
    var top = LOWEST;
    var chosen = 4u * quad;
    for (var i = 0u; i < 4u; i += 1u) {
        if 4u * quad + i < params.symbols && logits[i] > top {
            top = logits[i];
            chosen = 4u * quad + i;
        }
    }
    var exponentials = 0.0;
    for (var i = 0u; i < 4u; i += 1u) {
        if 4u * quad + i < params.symbols {
            exponentials += exp(logits[i] - top);
        }
    }
    let place = (row - first_row) * QUADS + quad % QUADS;
    largest[place] = top;
    sum[place] = exponentials;
    symbol[place] = chosen;
}

// The tile's numbers for one row, from those of its quads in ascending order.
fn write_tile(row: u32, workgroup: vec3<u32>) {
    let first = (row - first_row) * QUADS;
    let quads = min(QUADS, params.quads - workgroup.x * QUADS);
    var top = largest[first];
    var chosen = symbol[first];
    for (var quad = 1u; quad < quads; quad += 1u) {
        if largest[first + quad] > top {
            top = largest[first + quad];
            chosen = symbol[first + quad];
        }
    }
    var exponentials = 0.0;
    for (var quad = 0u; quad < quads; quad += 1u) {
        exponentials += sum[first + quad] * exp(largest[first + quad] - top);
    }
    let width = (params.quads + QUADS - 1u) / QUADS;
    tiles[row * width + workgroup.x] = vec4(top, exponentials, f32(chosen), 0.0);
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let rows = 4u * THREADS / QUADS / K_SLICES;
    first_row = workgroup.y * rows;
    product(Shape(params.rows, params.quads, params.inputs, 0u, params.quads), workgroup, thread);
    workgroupBarrier();
    if thread < rows && first_row + thread < params.rows {
        write_tile(first_row + thread, workgroup);
    }
}
