// d_table[id] += Σ d_out[row] over the rows of each id, in their order: a thread for each quad of each id, no atomics.

#import grid

@group(0) @binding(0) var<storage, read> symbols: array<u32>;              // (count): the different ids
@group(0) @binding(1) var<storage, read> starts: array<u32>;               // (count + 1): where the rows of each begin
@group(0) @binding(2) var<storage, read> rows: array<u32>;                 // rows, by id
@group(0) @binding(3) var<storage, read> d_out: array<vec4<f32>>;          // (rows, embedding)
@group(0) @binding(4) var<storage, read_write> d_table: array<vec4<f32>>;  // (vocab, embedding)

struct Params {
    count: u32, // of ids
    quads: u32, // of a row
}
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let index = grid_index(workgroup) * 256u + thread;
    let symbol = index / params.quads;
    let quad = index % params.quads;
    if symbol >= params.count {
        return;
    }
    var sum = vec4(0.0);
    let end = starts[symbol + 1u];
    var place = starts[symbol];
    // Four at a time, so that as many loads are under way.
    for (; place + 3u < end; place += 4u) {
        let at = vec4(rows[place], rows[place + 1u], rows[place + 2u], rows[place + 3u]) * params.quads + vec4(quad);
        sum += (d_out[at.x] + d_out[at.y]) + (d_out[at.z] + d_out[at.w]);
    }
    for (; place < end; place += 1u) {
        sum += d_out[rows[place] * params.quads + quad];
    }
    d_table[symbols[symbol] * params.quads + quad] += sum;
}
