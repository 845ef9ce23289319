// Attention of one query over the source, a workgroup for each (target position, sentence):
// Luong, Pham and Manning 2015, eqs. 7–10, with the scores and windows of the model format.
//
// The importing shader says where scores, and then weights, are kept: `scores`, one of `scores_near` and `scores_far`.

#import score
#import window

@group(0) @binding(0) var<storage, read> query: array<vec4<f32>>;          // (batch · tgt_len, key_size)
@group(0) @binding(1) var<storage, read> position: array<vec4<f32>>;       // (batch · tgt_len, hidden): W_p h_t
@group(0) @binding(2) var<storage, read> keys: array<vec4<f32>>;           // (batch · src_len, key_size)
@group(0) @binding(3) var<storage, read> memory: array<vec4<f32>>;         // (batch · src_len, memory_size)
@group(0) @binding(4) var<storage, read> lengths: array<u32>;              // (batch)
@group(0) @binding(5) var<storage, read> vectors: array<vec4<f32>>;        // (2, hidden): v, v_p
@group(0) @binding(6) var<storage, read_write> alignment: array<f32>;      // (batch · rows, src_len): scores, then weights
@group(0) @binding(7) var<storage, read_write> context: array<vec4<f32>>;  // (batch · tgt_len, memory_size)

struct Params {
    tgt_len: u32,
    src_len: u32,
    rows: u32,           // of each sentence in `alignment`
    first_row: u32,      // where the first query's weights go among them
    first_position: u32, // t of the first query
    position_step: u32,  // from one query's to the next's: 0 for the hypotheses of a beam
    alignment_pitch: u32, // floats from one row to the next
    key_quads: u32,      // quads of a key, and of a query but for the location score
    query_pitch: u32,    // quads from one query to the next
    memory_quads: u32,
    hidden_quads: u32,   // quads of v, v_p and W_p h_t
    half_width: f32,     // D
    scale: f32,          // of the scores
}
@group(1) @binding(0) var<uniform> params: Params;

// Below every score, and finite: −∞ is not a value that WGSL promises.
const OUTSIDE: f32 = -3.4028233e38;

// A lane's share of the sums that are the scores of four source positions from s on: four, so that as many loads are
// under way.
fn partial_scores(q: Query, s: u32, mine: Team) -> vec4<f32> {
    // The last position stands in for those behind it.
    let positions = min(vec4(s) + vec4(0u, 1u, 2u, 3u), vec4(params.src_len - 1u));
    let key = (vec4(q.sentence * params.src_len) + positions) * params.key_quads;
    var sums = vec4(0.0);
    for (var k = mine.lane; k < params.key_quads; k += mine.lanes) {
        let h = query[q.index * params.query_pitch + k];
        let key_0 = keys[key.x + k];
        let key_1 = keys[key.y + k];
        let key_2 = keys[key.z + k];
        let key_3 = keys[key.w + k];
        if SCORE == ADDITIVE {
            let v = vectors[k];
            sums += vec4(
                dot(v, bounded_tanh4(h + key_0)),
                dot(v, bounded_tanh4(h + key_1)),
                dot(v, bounded_tanh4(h + key_2)),
                dot(v, bounded_tanh4(h + key_3)),
            );
        } else {
            sums += vec4(dot(h, key_0), dot(h, key_1), dot(h, key_2), dot(h, key_3));
        }
    }
    return sums;
}

fn write_score(q: Query, s: u32, centre: f32, score: f32) {
    if s < params.src_len {
        keep_score(q, s, select(OUTSIDE, score, within_window(s, q, centre)));
    }
}

// Each team scores its share of the source positions, four at a time. Beyond the window stands OUTSIDE.
fn write_scores(q: Query, centre: f32, thread: u32) {
    if SCORE == LOCATION {
        for (var s = thread; s < params.src_len; s += REDUCE_THREADS) {
            write_score(q, s, centre, query[q.index * params.query_pitch + s / 4u][s % 4u]);
        }
        return;
    }
    let mine = team(thread);
    let stride = 4u * team_count(thread);
    for (var first = 0u; first < params.src_len; first += stride) {
        let s = first + 4u * mine.index;
        var shares = vec4(0.0);
        if within_reach(s, q, centre) {
            shares = partial_scores(q, s, mine);
        }
        let score_0 = team_sum(thread, shares.x) * params.scale;
        let score_1 = team_sum(thread, shares.y) * params.scale;
        let score_2 = team_sum(thread, shares.z) * params.scale;
        let score_3 = team_sum(thread, shares.w) * params.scale;
        if mine.lane == 0u {
            write_score(q, s, centre, score_0);
            write_score(q, s + 1u, centre, score_1);
            write_score(q, s + 2u, centre, score_2);
            write_score(q, s + 3u, centre, score_3);
        }
    }
}

// softmax over the window, the largest score subtracted, times the Gaussian. An empty window gives zeros.
fn scores_to_weights(q: Query, centre: f32, thread: u32) {
    var largest = OUTSIDE;
    for (var s = thread; s < params.src_len; s += REDUCE_THREADS) {
        largest = max(largest, kept(q, s));
    }
    largest = workgroup_max(thread, largest);
    var sum = 0.0;
    for (var s = thread; s < params.src_len; s += REDUCE_THREADS) {
        if within_window(s, q, centre) {
            sum += exp(kept(q, s) - largest);
        }
    }
    sum = workgroup_sum(thread, sum);
    for (var s = thread; s < params.src_len; s += REDUCE_THREADS) {
        var weight = 0.0;
        if within_window(s, q, centre) {
            weight = exp(kept(q, s) - largest) / sum * gaussian(s, centre);
        }
        keep_weight(q, s, weight);
    }
}

// a_t(s) h̄_s, a quad of its columns.
fn weighted(q: Query, s: u32, column: u32) -> vec4<f32> {
    return kept(q, s) * memory[(q.sentence * params.src_len + s) * params.memory_quads + column];
}

// Σ_s a_t(s) h̄_s, a quad of columns a thread.
fn write_context(q: Query, thread: u32) {
    for (var column = thread; column < params.memory_quads; column += REDUCE_THREADS) {
        var sum = vec4(0.0);
        var s = 0u;
        // Eight at a time, so that as many loads are under way.
        for (; s + 8u <= q.length; s += 8u) {
            let low = weighted(q, s, column) + weighted(q, s + 1u, column);
            let high = weighted(q, s + 2u, column) + weighted(q, s + 3u, column);
            let next_low = weighted(q, s + 4u, column) + weighted(q, s + 5u, column);
            let next_high = weighted(q, s + 6u, column) + weighted(q, s + 7u, column);
            sum += (low + high) + (next_low + next_high);
        }
        for (; s < q.length; s += 1u) {
            sum += weighted(q, s, column);
        }
        context[q.index * params.memory_quads + column] = sum;
    }
}
