// Multiply-adds on registers that do not wait for one another, to measure how many the device does in a second.

#import grid

@group(0) @binding(0) var<storage, read> start: array<vec4<f32>>;            // (4)
@group(0) @binding(1) var<storage, read_write> result: array<vec4<f32>>;     // (threads)

struct Params {
    steps: u32,
}
@group(1) @binding(0) var<uniform> params: Params;

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
        a = fma(a, factor, term);
        b = fma(b, factor, term);
        c = fma(c, factor, term);
        d = fma(d, factor, term);
        e = fma(e, factor, term);
        f = fma(f, factor, term);
        g = fma(g, factor, term);
        h = fma(h, factor, term);
    }
    result[index] = a + b + c + d + e + f + g + h;
}
