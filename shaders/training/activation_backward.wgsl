// From y = activation(x) to the gradient of x: d_y times the slope, which y tells.

#import activated
#import grid

@group(0) @binding(0) var<storage, read> y: array<vec4<f32>>;          // (rows, cols)
@group(0) @binding(1) var<storage, read_write> d_y: array<vec4<f32>>;  // (rows, cols)

struct Params {
    quads: u32, // of all rows
}
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let index = grid_index(workgroup) * 256u + thread;
    if index < params.quads {
        d_y[index] *= slope_of_activated(y[index]);
    }
}
