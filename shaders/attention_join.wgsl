// One attention of those over the chunks of a source, a workgroup for each (target position, sentence): Milakov and
// Gimelshein 2018, "Online normalizer calculation for softmax".
//
// Of the whole softmax, whose largest score is M, chunk c has exp(m_c − M) Σ exp(score − m_c), divided by the sum of these.

#import query
#import reduce
#import softmax

@group(0) @binding(0) var<storage, read> parts: array<vec4<f32>>;         // (batch · tgt_len · chunks, memory_size + 4)
@group(0) @binding(1) var<storage, read> lengths: array<u32>;             // (batch)
@group(0) @binding(2) var<storage, read_write> alignment: array<f32>;     // (batch · rows, src_len): weights in chunks, in all
@group(0) @binding(3) var<storage, read_write> context: array<vec4<f32>>; // (batch · tgt_len, memory_size)

struct Params {
    tgt_len: u32,
    src_len: u32,
    rows: u32,            // of each sentence in `alignment`
    first_row: u32,       // where the first query's weights stand among them
    alignment_pitch: u32, // floats from one row to the next
    memory_quads: u32,
    chunk: u32,           // source positions of a chunk
    chunks: u32,          // of a query
}
@group(1) @binding(0) var<uniform> params: Params;

const MOST_CHUNKS: u32 = 1024u;

// What each chunk has of the softmax, before it is divided by their sum.
var<workgroup> shares: array<f32, MOST_CHUNKS>;

// The first quad of a chunk.
fn place_of(q: Query, chunk: u32) -> u32 {
    return (q.index * params.chunks + chunk) * (params.memory_quads + 1u);
}

fn softmax_of(q: Query, chunk: u32) -> Softmax {
    let softmax = parts[place_of(q, chunk) + params.memory_quads];
    return Softmax(softmax.x, softmax.y);
}

// Writes the shares of the first chunks; what they are to be multiplied by, in every thread.
fn write_shares(q: Query, chunks: u32, thread: u32) -> f32 {
    var largest = OUTSIDE;
    for (var chunk = thread; chunk < chunks; chunk += REDUCE_THREADS) {
        largest = max(largest, softmax_of(q, chunk).largest);
    }
    largest = workgroup_max(thread, largest);
    var sum = 0.0;
    for (var chunk = thread; chunk < chunks; chunk += REDUCE_THREADS) {
        let softmax = softmax_of(q, chunk);
        let share = exp(softmax.largest - largest) * softmax.sum;
        shares[chunk] = share;
        sum += share;
    }
    // The threads wait for each other here, and so for all shares.
    sum = workgroup_sum(thread, sum);
    // Of windows that hold nothing.
    if sum == 0.0 {
        return 0.0;
    }
    return 1.0 / sum;
}

// A chunk's share of a quad of the context.
fn part_of(q: Query, chunk: u32, column: u32) -> vec4<f32> {
    return shares[chunk] * parts[place_of(q, chunk) + column];
}

@compute @workgroup_size(REDUCE_THREADS)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let q = query_of(workgroup, params.alignment_pitch);
    // Those behind the end of the sentence have nothing.
    let chunks = (q.length + params.chunk - 1u) / params.chunk;
    let factor = write_shares(q, chunks, thread);
    for (var s = thread; s < q.length; s += REDUCE_THREADS) {
        alignment[q.row + s] *= factor * shares[s / params.chunk];
    }
    for (var column = thread; column < params.memory_quads; column += REDUCE_THREADS) {
        var sum = vec4(0.0);
        var chunk = 0u;
        // Four at a time, so that as many loads are under way.
        for (; chunk + 4u <= chunks; chunk += 4u) {
            let low = part_of(q, chunk, column) + part_of(q, chunk + 1u, column);
            let high = part_of(q, chunk + 2u, column) + part_of(q, chunk + 3u, column);
            sum += low + high;
        }
        for (; chunk < chunks; chunk += 1u) {
            sum += part_of(q, chunk, column);
        }
        context[q.index * params.memory_quads + column] = factor * sum;
    }
}
