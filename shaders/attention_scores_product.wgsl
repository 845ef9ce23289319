// h_tᵀ key_s · scale of all queries of a sentence at once: the scores of attention as a product of matrices, which reads a
// key once for many queries. For scores that are products, without windows.

#import finish
#import inputs
#import product_nt
#import quad
#import softmax

@group(0) @binding(0) var<storage, read> query: array<vec4<f32>>;           // (batch · tgt_len, key_size)
@group(0) @binding(1) var<storage, read> keys: array<vec4<f32>>;            // (batch · src_len, key_size)
@group(0) @binding(2) var<storage, read> lengths: array<u32>;               // (batch)
@group(0) @binding(3) var<storage, read_write> scores: array<vec4<f32>>;    // (batch · rows, src_len)

struct Params {
    tgt_len: u32,
    src_len: u32,
    rows: u32,         // of each sentence in `scores`
    first_row: u32,    // where the first query's scores go among them
    score_quads: u32,  // from one row of `scores` to the next
    key_quads: u32,
    scale: f32,
}
@group(1) @binding(0) var<uniform> params: Params;

// A workgroup works on one sentence.
var<private> sentence: u32;

fn begin_of(row: u32) -> u32 {
    return (sentence * params.tgt_len + row) * params.key_quads;
}

fn input(place: u32) -> vec4<f32> {
    return query[place];
}

// The last position stands in for those behind it, whose scores are dropped.
fn weights_of(quad: u32, i: u32) -> u32 {
    return (sentence * params.src_len + min(4u * quad + i, params.src_len - 1u)) * params.key_quads;
}

fn weight(index: u32) -> vec4<f32> {
    return keys[index];
}

fn finish(row: u32, quad: u32, y: vec4<f32>) {
    let inside = select(vec4(OUTSIDE), y * params.scale, within(quad, lengths[sentence]));
    let place = (sentence * params.rows + params.first_row + row) * params.score_quads + quad;
    scores[place] = select(vec4(0.0), inside, within(quad, params.src_len));
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    sentence = workgroup.z;
    product(Shape(params.tgt_len, params.score_quads, params.key_quads, 0u, 0u), workgroup, thread);
}
