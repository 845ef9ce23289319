// log softmax of every row: x − m − ln Σ exp(x − m), m the row's largest element. A workgroup a row.

#import grid
#import row_softmax

@group(0) @binding(1) var<storage, read_write> out: array<f32>;   // (rows, cols)

struct Params {
    rows: u32,
    cols: u32,
    pitch: u32, // floats from one row to the next
}
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(REDUCE_THREADS)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let row = grid_index(workgroup);
    if row >= params.rows {
        return;
    }
    let first = row * params.pitch;
    let softmax = row_softmax(thread, first, params.cols);
    let normaliser = softmax.largest + log(softmax.sum);
    for (var col = thread; col < params.cols; col += REDUCE_THREADS) {
        out[first + col] = logits[first + col] - normaliser;
    }
}
