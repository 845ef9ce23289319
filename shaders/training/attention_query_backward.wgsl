// From the gradients of the scores to that of the query, a workgroup for each query.

#import activation
#import quad
#import score

@group(0) @binding(0) var<storage, read> query: array<vec4<f32>>;          // (batch · tgt_len, key_size)
@group(0) @binding(1) var<storage, read> keys: array<vec4<f32>>;           // (batch · src_len, key_size)
@group(0) @binding(2) var<storage, read> lengths: array<u32>;              // (batch)
@group(0) @binding(3) var<storage, read> vectors: array<vec4<f32>>;        // (2, hidden): v, v_p
@group(0) @binding(4) var<storage, read> d_scores: array<f32>;             // (batch · rows, src_len + 1)
@group(0) @binding(5) var<storage, read_write> d_query: array<vec4<f32>>;  // (batch · tgt_len, key_size)

struct Params {
    tgt_len: u32,
    src_len: u32,
    rows: u32,         // of each sentence in `d_scores`
    first_row: u32,    // where the first query's gradients stand among them
    scores_pitch: u32, // floats from one row to the next
    query_quads: u32,
    scale: f32,        // of the scores
}
@group(1) @binding(0) var<uniform> params: Params;

const THREADS: u32 = 128u;

// What a source position brings to a quad of d_query.
fn summand_of(row: u32, place: u32, s: u32, compared: vec4<f32>) -> vec4<f32> {
    let key = keys[place + s * params.query_quads];
    if SCORE == ADDITIVE {
        return d_scores[row + s] * tanh_slope4(compared + key);
    }
    return d_scores[row + s] * key;
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let sentence = workgroup.y;
    let length = lengths[sentence];
    let row = (sentence * params.rows + params.first_row + workgroup.x) * params.scores_pitch;
    let first = (sentence * params.tgt_len + workgroup.x) * params.query_quads;
    for (var k = thread; k < params.query_quads; k += THREADS) {
        var sum = vec4(0.0);
        if SCORE == LOCATION {
            // The last position stands in for those behind it, of which nothing comes.
            let at = vec4(row) + min(four_from(4u * k), vec4(max(length, 1u) - 1u));
            let d = vec4(d_scores[at.x], d_scores[at.y], d_scores[at.z], d_scores[at.w]);
            sum = select(vec4(0.0), d, within(k, length));
        } else {
            let compared = query[first + k];
            let place = sentence * params.src_len * params.query_quads + k;
            var s = 0u;
            // Four at a time, so that as many loads are under way.
            for (; s + 3u < length; s += 4u) {
                sum += (summand_of(row, place, s, compared) + summand_of(row, place, s + 1u, compared))
                    + (summand_of(row, place, s + 2u, compared) + summand_of(row, place, s + 3u, compared));
            }
            for (; s < length; s += 1u) {
                sum += summand_of(row, place, s, compared);
            }
            sum *= select(vec4(params.scale), vectors[k], SCORE == ADDITIVE);
        }
        d_query[first + k] += sum;
    }
}
