// The gradients of v, the sum of all keys' shares, and of v_p, Σ_t d_z_t tanh(W_p h_t): a row of workgroups each.
//
// A thread adds up a quad of every 16th row, four at a time, so that as many loads are under way; one of them the 16 sums:
// always in one order.

#import activation

@group(0) @binding(0) var<storage, read> shares: array<vec4<f32>>;           // (keys, hidden)
@group(0) @binding(1) var<storage, read> position: array<vec4<f32>>;         // (queries, hidden): W_p h_t
@group(0) @binding(2) var<storage, read> d_scores: array<f32>;               // (queries, src_len + 1): d_z in the last
@group(0) @binding(3) var<storage, read_write> d_vectors: array<vec4<f32>>;  // (2, hidden): v, v_p

struct Params {
    keys: u32,         // rows of `shares`; 0 where v has no gradient
    queries: u32,      // rows of `position`; 0 where v_p has none
    quads: u32,        // of a row
    src_len: u32,
    scores_pitch: u32, // floats from one row of `d_scores` to the next
}
@group(1) @binding(0) var<uniform> params: Params;

const QUADS: u32 = 16u;
const SLICES: u32 = 16u;

var<workgroup> sums: array<vec4<f32>, QUADS * SLICES>;

// Where the rows that a slice adds up at a time stand behind the first.
const BEHIND = SLICES * vec4(0u, 1u, 2u, 3u);

// The last row stands in for those behind it,
fn rows_from(first: u32, count: u32) -> vec4<u32> {
    return min(vec4(first) + BEHIND, vec4(count - 1u));
}

// which count for nothing.
fn counts_from(first: u32, count: u32) -> vec4<f32> {
    return select(vec4(0.0), vec4(1.0), vec4(first) + BEHIND < vec4(count));
}

@compute @workgroup_size(QUADS * SLICES)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let quad = workgroup.x * QUADS + thread % QUADS;
    var sum = vec4(0.0);
    if quad < params.quads && workgroup.y == 0u {
        for (var row = thread / QUADS; row < params.keys; row += 4u * SLICES) {
            let at = rows_from(row, params.keys) * params.quads + quad;
            sum += mat4x4(shares[at.x], shares[at.y], shares[at.z], shares[at.w]) * counts_from(row, params.keys);
        }
    } else if quad < params.quads {
        for (var row = thread / QUADS; row < params.queries; row += 4u * SLICES) {
            let rows = rows_from(row, params.queries);
            let at = rows * params.quads + quad;
            let last = rows * params.scores_pitch + params.src_len;
            let d_z = vec4(d_scores[last.x], d_scores[last.y], d_scores[last.z], d_scores[last.w]);
            sum += mat4x4(
                bounded_tanh4(position[at.x]),
                bounded_tanh4(position[at.y]),
                bounded_tanh4(position[at.z]),
                bounded_tanh4(position[at.w]),
            ) * (d_z * counts_from(row, params.queries));
        }
    }
    sums[thread] = sum;
    workgroupBarrier();
    if thread < QUADS && quad < params.quads {
        for (var slice = 1u; slice < SLICES; slice += 1u) {
            sum += sums[slice * QUADS + thread];
        }
        d_vectors[workgroup.y * params.quads + quad] += sum;
    }
}
