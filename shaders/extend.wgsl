// A step of beam search, from candidates that another dispatch has found.

#import extend_step
#import grid

@group(0) @binding(0) var<storage, read> penalty: array<vec4<f32>>;         // (batch · beam, 1)
@group(0) @binding(1) var<storage, read> limits: array<vec4<f32>>;          // (batch, 2): symbols, lp of that many
// Of every tile of symbols (largest, Σ exp), then `keep` times (logit, symbol), the best first.
@group(0) @binding(2) var<storage, read_write> candidates: array<vec2<f32>>; // (batch · width, tiles, 1 + keep)
@group(0) @binding(3) var<storage, read_write> frontier: array<u32>;        // (2, batch · beam): symbols, rows continued
@group(0) @binding(4) var<storage, read_write> trellis: array<u32>;         // (steps, 2, batch · beam)
@group(0) @binding(5) var<storage, read_write> status: array<u32>;          // (3, batch): live, finished, ended
@group(0) @binding(6) var<storage, read_write> log_prob: array<vec4<f32>>;  // (batch · beam, 1)
@group(0) @binding(7) var<storage, read_write> finished: array<vec4<f32>>;  // (batch, n_best): score, ln p, step, row

struct Params {
    batch: u32,
    width: u32,   // hypotheses of a sentence in this step
    beam: u32,
    n_best: u32,
    tiles: u32,   // of symbols
    keep: u32,    // candidates of a tile
    pitch: u32,   // pairs from one row's candidates to the next
    symbols: u32,
    step: u32,
    row: u32,     // of the step in the trellis
    eos: u32,
    pad: u32,
    covered: u32, // whether there are penalties
    length_penalty: f32,
}
@group(1) @binding(0) var<uniform> params: Params;

const LOWEST: f32 = -3.4028233e38;
const MAX_BEAM: u32 = 512u;

fn candidates_of(sentence: u32, hypothesis: u32) -> u32 {
    return (sentence * params.width + hypothesis) * params.pitch;
}

fn penalty_of(row: u32) -> f32 {
    if params.covered == 1u {
        return penalty[row].x;
    }
    return 0.0;
}

@compute @workgroup_size(REDUCE_THREADS)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let sentence = grid_index(workgroup);
    if sentence >= params.batch {
        return;
    }
    let live = live_of(sentence, thread);
    if live > 0u {
        extend(sentence, live, thread);
    }
}
