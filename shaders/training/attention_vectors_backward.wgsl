// The gradients of v, the sum of all keys' shares, and of v_p, Σ_t d_z_t tanh(W_p h_t): a row of workgroups each.
//
// A thread adds up a quad of every 16th row, one of them the 16 sums: always in one order.

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

@compute @workgroup_size(QUADS * SLICES)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let quad = workgroup.x * QUADS + thread % QUADS;
    var sum = vec4(0.0);
    if quad < params.quads && workgroup.y == 0u {
        for (var row = thread / QUADS; row < params.keys; row += SLICES) {
            sum += shares[row * params.quads + quad];
        }
    } else if quad < params.quads {
        for (var row = thread / QUADS; row < params.queries; row += SLICES) {
            let d_z = d_scores[row * params.scores_pitch + params.src_len];
            sum += d_z * bounded_tanh4(position[row * params.quads + quad]);
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
