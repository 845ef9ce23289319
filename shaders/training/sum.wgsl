// The sum of a few numbers in one workgroup: added to what is there, or its root in place of that.

#import reduce

@group(0) @binding(0) var<storage, read> terms: array<f32>;          // (count)
@group(0) @binding(1) var<storage, read_write> total: array<f32>;    // (1, 1)

struct Params {
    count: u32,
}
@group(1) @binding(0) var<uniform> params: Params;

override ROOT: bool = false;

@compute @workgroup_size(REDUCE_THREADS)
fn main(@builtin(local_invocation_index) thread: u32) {
    var sum = 0.0;
    for (var place = thread; place < params.count; place += REDUCE_THREADS) {
        sum += terms[place];
    }
    sum = workgroup_sum(thread, sum);
    if thread == 0u {
        if ROOT {
            total[0] = sqrt(sum);
        } else {
            total[0] += sum;
        }
    }
}
