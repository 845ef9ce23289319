// A model's share of the probabilities of an ensemble: share · softmax(logits). A workgroup a row.

#import grid
#import row_softmax

@group(0) @binding(1) var<storage, read_write> probabilities: array<f32>;  // (rows, cols)

struct Params {
    rows: u32,
    cols: u32,
    pitch: u32,   // floats from one row to the next
    share: f32,
    replace: u32, // whether what was there is replaced, not added to
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
    let scale = params.share / softmax.sum;
    for (var col = thread; col < params.cols; col += REDUCE_THREADS) {
        let before = select(probabilities[first + col], 0.0, params.replace == 1u);
        probabilities[first + col] = before + scale * exp(logits[first + col] - softmax.largest);
    }
}
