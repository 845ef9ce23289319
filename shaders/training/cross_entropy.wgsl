// −Σ_v q(v) ln p(v) of every row, q = (1 − ε) at the target plus ε / V everywhere, and its gradient p − q in place of
// the logits. A workgroup a row. Rows without a target have no loss and no gradient.

#import grid
#import reduce

@group(0) @binding(0) var<storage, read> targets: array<u32>;        // of all rows
@group(0) @binding(1) var<storage, read_write> logits: array<f32>;   // (rows, symbols)
@group(0) @binding(2) var<storage, read_write> losses: array<f32>;   // of all rows

struct Params {
    rows: u32,
    cols: u32,
    pitch: u32, // floats from one row of logits to the next
    first: u32, // the first of these rows among all
    smoothing: f32,
    scale: f32, // of the gradients
}
@group(1) @binding(0) var<uniform> params: Params;

const NO_TARGET: u32 = 4294967295u;
override GRADIENT: bool = true;

@compute @workgroup_size(REDUCE_THREADS)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let row = grid_index(workgroup);
    if row >= params.rows {
        return;
    }
    let first = row * params.pitch;
    let target_col = targets[params.first + row];
    var largest = logits[first];
    for (var col = thread; col < params.cols; col += REDUCE_THREADS) {
        largest = max(largest, logits[first + col]);
    }
    largest = workgroup_max(thread, largest);
    let even = params.smoothing / f32(params.cols);
    // Σ_v q(v) (largest − x_v) beside Σ_v exp(x_v − largest): neither is large where the loss is small.
    var sum = 0.0;
    var below = 0.0;
    for (var col = thread; col < params.cols; col += REDUCE_THREADS) {
        let x = logits[first + col] - largest;
        sum += exp(x);
        below -= (even + select(0.0, 1.0 - params.smoothing, col == target_col)) * x;
    }
    sum = workgroup_sum(thread, sum);
    below = workgroup_sum(thread, below);
    let counts = target_col != NO_TARGET;
    if thread == 0u {
        losses[params.first + row] = select(0.0, log(sum) + below, counts);
    }
    if GRADIENT {
        for (var col = thread; col < params.cols; col += REDUCE_THREADS) {
            let wanted = even + select(0.0, 1.0 - params.smoothing, col == target_col);
            let gradient = params.scale * (exp(logits[first + col] - largest) / sum - wanted);
            logits[first + col] = select(0.0, gradient, counts);
        }
    }
}
