// Σ_s a_t(s) h̄_s of all queries of a sentence at once: the contexts of attention as a product of matrices, which reads a
// source position once for many queries.

#import finish
#import inputs

@group(0) @binding(0) var<storage, read> alignment: array<vec4<f32>>;       // (batch · rows, src_len)
@group(0) @binding(1) var<storage, read> memory: array<vec4<f32>>;          // (batch · src_len, memory_size)
@group(0) @binding(2) var<storage, read> lengths: array<u32>;               // (batch)
@group(0) @binding(3) var<storage, read_write> context: array<vec4<f32>>;   // (batch · tgt_len, memory_size)

struct Params {
    tgt_len: u32,
    src_len: u32,
    rows: u32,         // of each sentence in `alignment`
    first_row: u32,    // where the first query's weights are among them
    weight_quads: u32, // from one row of `alignment` to the next
    memory_quads: u32,
}
@group(1) @binding(0) var<uniform> params: Params;

// A workgroup works on one sentence.
var<private> sentence: u32;

fn begin_of(row: u32) -> u32 {
    return (sentence * params.rows + params.first_row + row) * params.weight_quads;
}

fn input(place: u32) -> vec4<f32> {
    return alignment[place];
}

// The last position stands in for those behind it, which have no weight.
fn position(quad: u32, s: u32) -> vec4<f32> {
    return memory[(sentence * params.src_len + min(s, params.src_len - 1u)) * params.memory_quads + quad];
}

fn weight_block(shape: Shape, quad: u32, k: u32) -> mat4x4<f32> {
    return mat4x4(
        position(quad, 4u * k),
        position(quad, 4u * k + 1u),
        position(quad, 4u * k + 2u),
        position(quad, 4u * k + 3u),
    );
}

fn finish(row: u32, quad: u32, y: vec4<f32>) {
    context[(sentence * params.tgt_len + row) * params.memory_quads + quad] = y;
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    sentence = workgroup.z;
    // What lies behind the end of a sentence has no weight.
    let positions = min(lengths[workgroup.z], params.src_len);
    product(Shape(params.tgt_len, params.memory_quads, (positions + 3u) / 4u, 0u, 0u), workgroup, thread);
}
