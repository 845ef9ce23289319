// Attention of one query over the source, a workgroup for each (target position, sentence):
// Luong, Pham and Manning 2015, eqs. 7–10, with the scores and windows of the model format.

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
const OUTSIDE: f32 = -3.4028234e38;

// A lane's share of the sum that is the score of source position s.
fn partial_score(q: Query, s: u32, mine: Team) -> f32 {
    let key = (q.sentence * params.src_len + s) * params.key_quads;
    var sum = 0.0;
    for (var k = mine.lane; k < params.key_quads; k += mine.lanes) {
        let h = query[q.index * params.query_pitch + k];
        if SCORE == ADDITIVE {
            sum += dot(vectors[k], bounded_tanh4(h + keys[key + k]));
        } else {
            sum += dot(h, keys[key + k]);
        }
    }
    return sum;
}

// Each team scores its share of the source positions. Beyond the window stands OUTSIDE.
fn write_scores(q: Query, centre: f32, thread: u32) {
    let mine = team(thread);
    let count = team_count(thread);
    for (var first = 0u; first < params.src_len; first += count) {
        let s = first + mine.index;
        let allowed = s < params.src_len && within_window(s, q, centre);
        var score = 0.0;
        if SCORE != LOCATION {
            var share = 0.0;
            if allowed {
                share = partial_score(q, s, mine);
            }
            score = team_sum(thread, share) * params.scale;
        } else if allowed {
            score = query[q.index * params.query_pitch + s / 4u][s % 4u];
        }
        if mine.lane == 0u && s < params.src_len {
            alignment[q.row + s] = select(OUTSIDE, score, allowed);
        }
    }
}

// softmax over the window, the largest score subtracted, times the Gaussian. An empty window gives zeros.
fn scores_to_weights(q: Query, centre: f32, thread: u32) {
    var largest = OUTSIDE;
    for (var s = thread; s < params.src_len; s += REDUCE_THREADS) {
        largest = max(largest, alignment[q.row + s]);
    }
    largest = workgroup_max(thread, largest);
    var sum = 0.0;
    for (var s = thread; s < params.src_len; s += REDUCE_THREADS) {
        if within_window(s, q, centre) {
            sum += exp(alignment[q.row + s] - largest);
        }
    }
    sum = workgroup_sum(thread, sum);
    for (var s = thread; s < params.src_len; s += REDUCE_THREADS) {
        var weight = 0.0;
        if within_window(s, q, centre) {
            weight = exp(alignment[q.row + s] - largest) / sum * gaussian(s, centre);
        }
        alignment[q.row + s] = weight;
    }
}

// Σ_s a_t(s) h̄_s, a quad of columns a thread.
fn write_context(q: Query, thread: u32) {
    let first = q.sentence * params.src_len * params.memory_quads;
    for (var column = thread; column < params.memory_quads; column += REDUCE_THREADS) {
        var sum = vec4(0.0);
        for (var s = 0u; s < q.length; s += 1u) {
            sum += alignment[q.row + s] * memory[first + s * params.memory_quads + column];
        }
        context[q.index * params.memory_quads + column] = sum;
    }
}
