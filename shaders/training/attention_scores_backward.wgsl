// From d_c_t to the gradients of the scores and of W_p h_t, a workgroup for each query.
//
// With p the softmax and γ the Gaussian, a = p ⊙ γ: d_a_s = d_cᵀ h̄_s, d_score_s = p_s (γ_s d_a_s − Σ_j a_j d_a_j).
// Where the weight is zero, outside the window above all, the gradient is zero.

#import quad
#import window

@group(0) @binding(0) var<storage, read> position: array<vec4<f32>>;         // (batch · tgt_len, hidden): W_p h_t
@group(0) @binding(1) var<storage, read> memory: array<vec4<f32>>;           // (batch · src_len, memory_size)
@group(0) @binding(2) var<storage, read> lengths: array<u32>;                // (batch)
@group(0) @binding(3) var<storage, read> vectors: array<vec4<f32>>;          // (2, hidden): v, v_p
@group(0) @binding(4) var<storage, read> alignment: array<f32>;              // (batch · rows, src_len)
@group(0) @binding(5) var<storage, read> d_context: array<vec4<f32>>;        // (batch · tgt_len, memory_size)
@group(0) @binding(6) var<storage, read_write> d_scores: array<f32>;         // (batch · rows, src_len + 1)
@group(0) @binding(7) var<storage, read_write> d_position: array<vec4<f32>>; // (batch · tgt_len, hidden)

struct Params {
    tgt_len: u32,
    src_len: u32,
    rows: u32,            // of each sentence in `alignment`
    first_row: u32,       // where the first query's weights stand among them
    first_position: u32,  // t of the first query
    position_step: u32,   // from one query's to the next's
    alignment_pitch: u32, // floats from one row to the next
    scores_pitch: u32,    // the same of `d_scores`
    memory_quads: u32,
    hidden_quads: u32,    // quads of v, v_p and W_p h_t
    half_width: f32,      // D
}
@group(1) @binding(0) var<uniform> params: Params;

// A lane's share of d_c · h̄_s of four source positions from s on: four, so that as many loads are under way. Positions
// without weight have none.
fn partial_weight_gradients(q: Query, s: u32, mine: Team) -> vec4<f32> {
    // The last position stands in for those behind it.
    let positions = min(four_from(s), vec4(params.src_len - 1u));
    let at = vec4(q.row) + positions;
    let has_weight = vec4(alignment[at.x], alignment[at.y], alignment[at.z], alignment[at.w]) != vec4(0.0);
    var sums = vec4(0.0);
    if any(has_weight) {
        let rows = (vec4(q.sentence * params.src_len) + positions) * params.memory_quads;
        for (var k = mine.lane; k < params.memory_quads; k += mine.lanes) {
            let d = d_context[q.index * params.memory_quads + k];
            sums += vec4(
                dot(d, memory[rows.x + k]),
                dot(d, memory[rows.y + k]),
                dot(d, memory[rows.z + k]),
                dot(d, memory[rows.w + k]),
            );
        }
    }
    return select(vec4(0.0), sums, has_weight);
}

// d_a_s of every position, each team its share of them, in the place of the gradient of its score.
fn write_weight_gradients(q: Query, d_row: u32, thread: u32) {
    let mine = team(thread);
    let stride = 4u * team_count(thread);
    for (var first = 0u; first < params.src_len; first += stride) {
        let s = first + 4u * mine.index;
        let shares = partial_weight_gradients(q, s, mine);
        let sums = vec4(
            team_sum(thread, shares.x),
            team_sum(thread, shares.y),
            team_sum(thread, shares.z),
            team_sum(thread, shares.w),
        );
        for (var i = 0u; i < 4u; i += 1u) {
            if mine.lane == 0u && s + i < params.src_len {
                d_scores[d_row + s + i] = sums[i];
            }
        }
    }
}

// From p_t = S_b · sigmoid(z) to z = v_pᵀ tanh(W_p h_t) and W_p h_t; `moment` is Σ_s a_s d_a_s (s − p_t) / σ.
fn write_position_gradients(q: Query, centre: f32, moment: f32, d_row: u32, thread: u32) {
    var d_centre = 0.0;
    if params.half_width > 0.0 {
        d_centre = moment / (0.5 * params.half_width);
    }
    let d_z = d_centre * centre * (1.0 - centre / f32(q.length));
    if thread == 0u {
        d_scores[d_row + params.src_len] = d_z;
    }
    for (var k = thread; k < params.hidden_quads; k += REDUCE_THREADS) {
        let place = q.index * params.hidden_quads + k;
        d_position[place] += d_z * vectors[params.hidden_quads + k] * tanh_slope4(position[place]);
    }
}

@compute @workgroup_size(REDUCE_THREADS)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let q = query_of(workgroup, params.alignment_pitch);
    let d_row = q.row / params.alignment_pitch * params.scores_pitch;
    let centre = window_centre(q, workgroup.x, thread);
    write_weight_gradients(q, d_row, thread);
    storageBarrier();
    workgroupBarrier();
    var sum = 0.0;
    var moment = 0.0;
    for (var s = thread; s < params.src_len; s += REDUCE_THREADS) {
        let product = alignment[q.row + s] * d_scores[d_row + s];
        sum += product;
        if WINDOW == LOCAL_P && product != 0.0 {
            moment += product * window_distance(s, centre);
        }
    }
    sum = workgroup_sum(thread, sum);
    for (var s = thread; s < params.src_len; s += REDUCE_THREADS) {
        let weight = alignment[q.row + s];
        var gradient = 0.0;
        if weight != 0.0 {
            gradient = weight * (d_scores[d_row + s] - sum / gaussian(s, centre));
        }
        d_scores[d_row + s] = gradient;
    }
    if WINDOW == LOCAL_P {
        write_position_gradients(q, centre, workgroup_sum(thread, moment), d_row, thread);
    } else if thread == 0u {
        d_scores[d_row + params.src_len] = 0.0;
    }
}
