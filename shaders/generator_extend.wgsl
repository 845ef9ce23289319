// Generator and step of beam search in one dispatch, for small vocabularies: a workgroup has all logits of its sentence's
// hypotheses, and keeps of them what the search needs in its own memory.
//
// Eight slices share a quad of logits, each with every eighth quad of the inputs, and add up in workgroup memory.

#import candidates
#import extend_step
#import grid
#import inputs
#import product
#import weights

@group(0) @binding(1) var<storage, read> attentional: array<vec4<f32>>;     // (batch · width, hidden)
@group(0) @binding(2) var<storage, read> limits: array<vec4<f32>>;          // (batch, 2): symbols, lp of that many
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
    rows: u32,    // whose candidates are kept: those of a sentence
    pitch: u32,   // pairs from one hypothesis's candidates to the next
    symbols: u32,
    step: u32,
    row: u32,     // of the step in the trellis
    eos: u32,
    pad: u32,
    length_penalty: f32,
    quads: u32,   // of symbols
    inputs: u32,  // quads of the attentional state
    avoid_0: u32, // symbols that are not to be chosen
    avoid_1: u32,
}
@group(1) @binding(0) var<uniform> params: Params;

const MAX_BEAM: u32 = 8u;
const SLICES: u32 = REDUCE_THREADS / TILE_QUADS;

// Of a hypothesis two tiles of symbols, with a pair for the softmax and one for each of the best.
var<workgroup> candidates: array<vec2<f32>, MAX_BEAM * 2u * (1u + MAX_BEAM)>;
// What each slice has of four hypotheses' logits; then, once they are added up, a row of them in the first column.
var<workgroup> partial: array<mat4x4<f32>, REDUCE_THREADS>;

// The hypotheses of one sentence.
var<private> first_row: u32;

fn candidates_of(sentence: u32, hypothesis: u32) -> u32 {
    return hypothesis * params.pitch;
}

fn penalty_of(row: u32) -> f32 {
    return 0.0;
}

fn put_tile_logits(slot: u32, logits: vec4<f32>) {
    partial[slot][0] = logits;
}

fn tile_logits(slot: u32) -> vec4<f32> {
    return partial[slot][0];
}

fn begin_of(hypothesis: u32) -> u32 {
    return (first_row + hypothesis) * params.inputs;
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
    return select(vec4(LOWEST), y + bias(4u * params.inputs * params.quads, quad), present);
}

// Keeps the best of a tile, of four hypotheses from `hypothesis` on.
fn keep_four(hypothesis: u32, tile: u32, thread: u32) {
    let shape = Shape(params.rows, params.quads, params.inputs, 0u, params.quads);
    let slice = thread / TILE_QUADS;
    let quad = tile * TILE_QUADS + thread % TILE_QUADS;
    var y: mat4x4<f32>;
    if quad < params.quads {
        let rows = rows_from(shape, hypothesis);
        for (var k = slice; k < params.inputs; k += SLICES) {
            y = plus_product(y, weight_block(shape, quad, k), input_block(rows, k));
        }
    }
    partial[thread] = y;
    workgroupBarrier();
    // Each of the first four slices adds up one hypothesis.
    var sum = vec4(0.0);
    if slice < 4u {
        for (var other = thread % TILE_QUADS; other < REDUCE_THREADS; other += TILE_QUADS) {
            sum += partial[other][slice];
        }
    }
    workgroupBarrier();
    keep_tile(hypothesis + slice, tile, thread, slice < 4u, logits_of(quad, sum));
}

@compute @workgroup_size(REDUCE_THREADS)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let sentence = grid_index(workgroup);
    if sentence >= params.batch {
        return;
    }
    let live = live_of(sentence, thread);
    if live == 0u {
        return;
    }
    first_row = sentence * params.width;
    for (var hypothesis = 0u; hypothesis < params.rows; hypothesis += 4u) {
        for (var tile = 0u; tile < params.tiles; tile += 1u) {
            keep_four(hypothesis, tile, thread);
        }
    }
    extend(sentence, live, thread);
}
