// Multiply-adds on registers that do not wait for one another, to measure how many the device does in a second.

#import grid

@group(0) @binding(0) var<storage, read> start: array<vec4<f32>>;            // (4)
@group(0) @binding(1) var<storage, read_write> result: array<vec4<f32>>;     // (threads)

struct Params {
    steps: u32,
}
@group(1) @binding(0) var<uniform> params: Params;

// Several in a round, so that what a loop costs is little beside them.
fn four_times(x: vec4<f32>, factor: vec4<f32>, term: vec4<f32>) -> vec4<f32> {
    return fma(fma(fma(fma(x, factor, term), factor, term), factor, term), factor, term);
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let index = grid_index(workgroup) * 256u + thread;
    let factor = start[0];
    let term = start[1];
    var a = start[2] + f32(index);
    var b = a + term;
    var c = b + term;
    var d = c + term;
    var e = d + term;
    var f = e + term;
    var g = f + term;
    var h = g + term;
    for (var step = 0u; step < params.steps; step += 1u) {
        a = four_times(a, factor, term);
        b = four_times(b, factor, term);
        c = four_times(c, factor, term);
        d = four_times(d, factor, term);
        e = four_times(e, factor, term);
        f = four_times(f, factor, term);
        g = four_times(g, factor, term);
        h = four_times(h, factor, term);
    }
    result[index] = a + b + c + d + e + f + g + h;
}
