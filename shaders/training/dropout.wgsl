// y ← y ⊙ mask / (1 − rate), the mask a hash of seed and place: it is drawn again where it is needed again.

#import grid

@group(0) @binding(0) var<storage, read_write> y: array<vec4<f32>>; // (rows, cols)

struct Params {
    rows: u32,
    cols: u32,
    seed: u32,      // pcg of the seed
    threshold: u32, // what is drawn below it is dropped
    scale: f32,
}
@group(1) @binding(0) var<uniform> params: Params;

// Jarzynski and Olano 2020.
fn pcg(input: u32) -> u32 {
    let state = input * 747796405u + 2891336453u;
    let word = ((state >> ((state >> 28u) + 4u)) ^ state) * 277803737u;
    return (word >> 22u) ^ word;
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let index = grid_index(workgroup) * 256u + thread;
    let quads = (params.cols + 3u) / 4u;
    let row = index / quads;
    if row >= params.rows {
        return;
    }
    // Places are counted without padding.
    let first = row * params.cols + 4u * (index % quads) + params.seed;
    let drawn = vec4(pcg(first), pcg(first + 1u), pcg(first + 2u), pcg(first + 3u));
    y[index] = select(vec4(0.0), y[index] * params.scale, drawn >= vec4(params.threshold));
}
