// The column of every row's largest element; ties go to the lower column. A workgroup a row.

#import grid
#import row_choice

@group(0) @binding(0) var<storage, read> logits: array<f32>;      // (rows, cols)
@group(0) @binding(1) var<storage, read_write> out: array<u32>;   // (rows)

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
    var place = min(thread, params.cols - 1u);
    var largest = logits[first + place];
    for (var col = thread; col < params.cols; col += REDUCE_THREADS) {
        if logits[first + col] > largest {
            largest = logits[first + col];
            place = col;
        }
    }
    let chosen = place_of(thread, workgroup_max(thread, largest), largest, place);
    if thread == 0u {
        out[row] = min(chosen, params.cols - 1u);
    }
}
