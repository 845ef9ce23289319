// Attention of one query over the source, or over a chunk of it, a workgroup for each (target position, sentence, chunk):
// Luong, Pham and Manning 2015, eqs. 7–10, with the scores and windows of the model format.
//
// The importing shader says where scores, and then weights, are kept: `scores`, one of `scores_near` and `scores_far`; and
// what is beside the context, with bindings 0 and 5: `context_alone` or `context_and_hidden`.
//   fn beside(q: Query, mine: Share) -> vec4<f32>            summands of a quad of columns
//   fn finished(column: u32, sum: vec4<f32>) -> vec4<f32>    what becomes of the sum

#import quad
#import score
#import softmax
#import window

@group(0) @binding(1) var<storage, read> query: array<vec4<f32>>;          // (batch · tgt_len, key_size)
@group(0) @binding(2) var<storage, read> keys: array<vec4<f32>>;           // (batch · src_len, key_size)
@group(0) @binding(3) var<storage, read> memory: array<vec4<f32>>;         // (batch · src_len, memory_size)
@group(0) @binding(4) var<storage, read> lengths: array<u32>;              // (batch)
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
    hidden_quads: u32,   // quads of v, v_p and W_p h_t, or of h_t
    half_width: f32,     // D
    scale: f32,          // of the scores
    chunk: u32,          // source positions of a workgroup, where a source is divided
    chunks: u32,         // of a query
}
@group(1) @binding(0) var<uniform> params: Params;

// A lane's share of the sums that are the scores of four source positions from s on: four, so that as many loads are
// under way.
fn partial_scores(q: Query, s: u32, mine: Team) -> vec4<f32> {
    // The last position stands in for those behind it.
    let positions = min(four_from(s), vec4(params.src_len - 1u));
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
    if s < q.end {
        keep_score(q, s, select(OUTSIDE, score, within_window(s, q, centre)));
    }
}

// Each team scores its share of the source positions, four at a time. Beyond the window stands OUTSIDE.
fn write_scores(q: Query, centre: f32, thread: u32) {
    if SCORE == LOCATION {
        for (var s = q.first + thread; s < q.end; s += REDUCE_THREADS) {
            write_score(q, s, centre, query[q.index * params.query_pitch + s / 4u][s % 4u]);
        }
        return;
    }
    let mine = team(thread);
    let stride = 4u * team_count(thread);
    for (var first = q.first; first < q.end; first += stride) {
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
fn scores_to_weights(q: Query, centre: f32, thread: u32) -> Softmax {
    var largest = OUTSIDE;
    for (var s = q.first + thread; s < q.end; s += REDUCE_THREADS) {
        largest = max(largest, kept(q, s));
    }
    largest = workgroup_max(thread, largest);
    var sum = 0.0;
    for (var s = q.first + thread; s < q.end; s += REDUCE_THREADS) {
        if within_window(s, q, centre) {
            sum += exp(kept(q, s) - largest);
        }
    }
    sum = workgroup_sum(thread, sum);
    for (var s = q.first + thread; s < q.end; s += REDUCE_THREADS) {
        var weight = 0.0;
        if within_window(s, q, centre) {
            weight = exp(kept(q, s) - largest) / sum * gaussian(s, centre);
        }
        keep_weight(q, s, weight);
    }
    return Softmax(largest, sum);
}

// The weights of a query, which all threads may read afterwards.
fn weigh(q: Query, centre: f32, thread: u32) -> Softmax {
    write_scores(q, centre, thread);
    storageBarrier();
    workgroupBarrier();
    let softmax = scores_to_weights(q, centre, thread);
    storageBarrier();
    workgroupBarrier();
    return softmax;
}

// What a thread has of a quad of columns. Where there are fewer quads than threads several share one, each with some of its
// summands.
struct Share {
    column: u32,
    slice: u32,
}

// Quads of columns that the workgroup has at a time.
fn width() -> u32 {
    return min(params.memory_quads, REDUCE_THREADS);
}

// Threads that share one.
fn slices() -> u32 {
    return select(1u, REDUCE_THREADS / width(), SHARED_COLUMNS);
}

fn share_of(thread: u32, first: u32) -> Share {
    return Share(first + thread % width(), thread / width());
}

var<workgroup> partial: array<vec4<f32>, REDUCE_THREADS>;

// The sum over the slices, in the first; always in one order. All threads call this. Where there are several slices all quads
// have their turn at once, so nobody overwrites what others still read.
fn sum_of_slices(thread: u32, sum: vec4<f32>) -> vec4<f32> {
    if slices() == 1u {
        return sum;
    }
    partial[thread] = sum;
    workgroupBarrier();
    var total = sum;
    if thread < width() {
        for (var other = thread + width(); other < slices() * width(); other += width()) {
            total += partial[other];
        }
    }
    return total;
}

// a_t(s) h̄_s, a quad of its columns, which stands at `place`.
fn weighted(q: Query, s: u32, place: u32, is_near: bool) -> vec4<f32> {
    return weight_of(q, s, is_near) * memory[place];
}

// A share of Σ_s a_t(s) h̄_s, of the positions up to `end` whose weights are all near or all far: of each for itself that
// would be a branch, behind which a load waits for the one before.
fn partial_context(q: Query, mine: Share, next: ptr<function, u32>, end: u32, is_near: bool) -> vec4<f32> {
    let step = slices();
    let pitch = step * params.memory_quads;
    var s = *next;
    var place = (q.sentence * params.src_len + s) * params.memory_quads + mine.column;
    var sum = vec4(0.0);
    // Eight at a time, so that as many loads are under way.
    for (; s + 7u * step < end; s += 8u * step) {
        let low = weighted(q, s, place, is_near) + weighted(q, s + step, place + pitch, is_near);
        let high = weighted(q, s + 2u * step, place + 2u * pitch, is_near)
            + weighted(q, s + 3u * step, place + 3u * pitch, is_near);
        let next_low = weighted(q, s + 4u * step, place + 4u * pitch, is_near)
            + weighted(q, s + 5u * step, place + 5u * pitch, is_near);
        let next_high = weighted(q, s + 6u * step, place + 6u * pitch, is_near)
            + weighted(q, s + 7u * step, place + 7u * pitch, is_near);
        sum += (low + high) + (next_low + next_high);
        place += 8u * pitch;
    }
    for (; s < end; s += step) {
        sum += weighted(q, s, place, is_near);
        place += pitch;
    }
    *next = s;
    return sum;
}

// A share of Σ_s a_t(s) h̄_s.
fn context_share(q: Query, mine: Share) -> vec4<f32> {
    let end = min(q.end, q.length);
    var s = q.first + mine.slice;
    let sum = partial_context(q, mine, &s, min(end, near_end(q)), true);
    return sum + partial_context(q, mine, &s, end, false);
}

// Σ_s a_t(s) h̄_s and what is beside it, from quad `place` of `context` on.
fn write_context(q: Query, place: u32, thread: u32) {
    for (var first = 0u; first < params.memory_quads; first += width()) {
        let mine = share_of(thread, first);
        let is_within = mine.column < params.memory_quads;
        var sum = vec4(0.0);
        if is_within && mine.slice < slices() {
            sum = context_share(q, mine) + beside(q, mine);
        }
        sum = sum_of_slices(thread, sum);
        if is_within && mine.slice == 0u {
            context[place + mine.column] = finished(mine.column, sum);
        }
    }
}
