// From the gradients of the scores vᵀ tanh(query_t + key_s) to those of the keys, and each key's share of that of v.

#import activation
#import grid
#import quad

@group(0) @binding(0) var<storage, read> query: array<vec4<f32>>;          // (batch · tgt_len, key_size)
@group(0) @binding(1) var<storage, read> keys: array<vec4<f32>>;           // (batch · src_len, key_size)
@group(0) @binding(2) var<storage, read> vectors: array<vec4<f32>>;        // (2, hidden): v, v_p
@group(0) @binding(3) var<storage, read> d_scores: array<f32>;             // (batch · tgt_len, src_len + 1)
@group(0) @binding(4) var<storage, read_write> d_keys: array<vec4<f32>>;   // (batch · src_len, key_size)
@group(0) @binding(5) var<storage, read_write> shares: array<vec4<f32>>;   // (batch · src_len, key_size)

struct Params {
    batch: u32,
    tgt_len: u32,
    src_len: u32,
    quads: u32,        // of a key
    scores_pitch: u32, // floats from one row of `d_scores` to the next
}
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let index = grid_index(workgroup) * 256u + thread;
    let row = index / params.quads;
    let quad = index % params.quads;
    if row >= params.batch * params.src_len {
        return;
    }
    let first = row / params.src_len * params.tgt_len;
    let end = first + params.tgt_len;
    let s = row % params.src_len;
    let key = keys[index];
    var d_key = vec4(0.0);
    var share = vec4(0.0);
    var t = first;
    // Four queries at a time, so that as many loads are under way.
    for (; t + 3u < end; t += 4u) {
        let at = four_from(t);
        let scores = at * params.scores_pitch + s;
        let d = vec4(d_scores[scores.x], d_scores[scores.y], d_scores[scores.z], d_scores[scores.w]);
        let queries = at * params.quads + quad;
        let x = query[queries.x] + key;
        let y = query[queries.y] + key;
        let z = query[queries.z] + key;
        let w = query[queries.w] + key;
        d_key += mat4x4(tanh_slope4(x), tanh_slope4(y), tanh_slope4(z), tanh_slope4(w)) * d;
        share += mat4x4(bounded_tanh4(x), bounded_tanh4(y), bounded_tanh4(z), bounded_tanh4(w)) * d;
    }
    for (; t < end; t += 1u) {
        let d_score = d_scores[t * params.scores_pitch + s];
        let compared = query[t * params.quads + quad] + key;
        d_key += d_score * tanh_slope4(compared);
        share += d_score * bounded_tanh4(compared);
    }
    d_keys[index] += d_key * vectors[quad];
    shares[index] = share;
}
