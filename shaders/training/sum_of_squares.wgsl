// The sum of the squares of each workgroup's share of a list: the first half of a norm.

#import reduce

@group(0) @binding(0) var<storage, read> numbers: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> sums: array<f32>;     // (workgroups)

struct Params {
    quads: u32,
    workgroups: u32,
}
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(REDUCE_THREADS)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    var squares = vec4(0.0);
    let stride = params.workgroups * REDUCE_THREADS;
    for (var place = workgroup.x * REDUCE_THREADS + thread; place < params.quads; place += stride) {
        squares += numbers[place] * numbers[place];
    }
    let sum = workgroup_sum(thread, squares.x + squares.y + squares.z + squares.w);
    if thread == 0u {
        sums[workgroup.x] = sum;
    }
}
