// What beam search needs of probabilities that are given: their logarithms are the logits.

#import candidates
#import tile_logits

@group(0) @binding(0) var<storage, read> probabilities: array<vec4<f32>>;      // (rows, symbols)
@group(0) @binding(1) var<storage, read_write> candidates: array<vec2<f32>>;   // (rows, tiles, 1 + keep)

struct Params {
    rows: u32,
    quads: u32,   // of symbols
    symbols: u32,
    keep: u32,    // candidates of a tile
    pitch: u32,   // pairs from one row's candidates to the next
    avoid_0: u32, // symbols that are not to be chosen
    avoid_1: u32,
}
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(TILE_THREADS)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let row = workgroup.y * (TILE_THREADS / TILE_QUADS) + thread / TILE_QUADS;
    let quad = workgroup.x * TILE_QUADS + thread % TILE_QUADS;
    var logits = vec4(LOWEST);
    if row < params.rows && quad < params.quads {
        let p = probabilities[row * params.quads + quad];
        let possible = (symbols_of(quad) < vec4(params.symbols)) & (p > vec4(0.0));
        logits = select(vec4(LOWEST), log(max(p, vec4(1e-37))), possible);
    }
    keep_tile(row, workgroup.x, thread, true, logits);
}
