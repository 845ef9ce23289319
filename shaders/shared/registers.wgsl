// A product for few rows, and for software adapters: a thread computes a block of outputs in registers.
//
// Where there are few rows, K_SLICES threads share a block, each with every K_SLICES-th quad of inputs, and add up in
// workgroup memory, always in one order. Neighbouring threads read neighbouring quads and the same rows, so caches serve
// where tiles in workgroup memory would otherwise be needed; on software adapters this is an order of magnitude faster.
//
// The importing shader says what is multiplied, as in `block`.

#import block

const THREADS: u32 = 256u;
// Threads that share one block: 1, 4, 8, 16, 32 or 64.
override K_SLICES: u32 = 1u;

var<workgroup> partial: array<vec4<f32>, THREADS>;

// Threads side by side, each with its quad of outputs. A workgroup reads its rows of x and its columns of W once each, so that
// all of them together read the least where it has about as many of both.
fn columns() -> u32 {
    if K_SLICES > 16u {
        return 4u;
    }
    return select(16u, 8u, K_SLICES == 8u);
}

// Where a thread's block is. A workgroup covers columns() quads and the rows of THREADS / columns() / K_SLICES blocks.
struct Place {
    row: u32,   // the first of four
    quad: u32,
    slice: u32,
}

fn rows_of_workgroup() -> u32 {
    return 4u * (THREADS / columns() / K_SLICES);
}

fn place_in(workgroup: vec3<u32>, thread: u32) -> Place {
    let block = thread / columns() / K_SLICES;
    let row = workgroup.y * rows_of_workgroup() + 4u * block;
    return Place(row, workgroup.x * columns() + thread % columns(), thread / columns() % K_SLICES);
}

// y and the product of the inputs from quad k on.
fn plus_inputs(y: mat4x4<f32>, shape: Shape, rows: Rows, quad: u32, k: u32) -> mat4x4<f32> {
    return plus_product(y, weight_block(shape, quad, k), input_block(rows, k));
}

// The summands of this thread's slice.
fn summed(shape: Shape, place: Place) -> mat4x4<f32> {
    var y: mat4x4<f32>;
    if place.row < shape.rows && place.quad < shape.quads {
        let rows = rows_from(shape, place.row);
        let quad = place.quad;
        var k = place.slice;
        // Two at a time, so that as many loads are under way. A sum of sums: what is rounded away grows with the longest.
        for (; k + K_SLICES < shape.inputs; k += 2u * K_SLICES) {
            y += plus_inputs(plus_inputs(mat4x4<f32>(), shape, rows, quad, k), shape, rows, quad, k + K_SLICES);
        }
        if k < shape.inputs {
            y += plus_inputs(mat4x4<f32>(), shape, rows, quad, k);
        }
    }
    return y;
}

// Row `owner` of the slices' blocks, added up in slice `owner`: in the others it is nothing.
fn shared_row(shape: Shape, workgroup: vec3<u32>, owner: u32, thread: u32, y: vec4<f32>) -> vec4<f32> {
    // The first block has the first rows: if it lacks this one, nobody waits for any.
    if workgroup.y * rows_of_workgroup() + owner >= shape.rows {
        return vec4(0.0);
    }
    partial[thread] = y;
    workgroupBarrier();
    var sum = vec4(0.0);
    let step = columns();
    let slice = thread / step % K_SLICES;
    if slice == owner {
        let first = thread - slice * step;
        for (var other = first; other < first + K_SLICES * step; other += 4u * step) {
            sum += (partial[other] + partial[other + step]) + (partial[other + 2u * step] + partial[other + 3u * step]);
        }
    }
    workgroupBarrier();
    return sum;
}

// The row of the slices' blocks that a thread has the end of: each of the first four slices one. All threads call this, with
// the same `shape`, which compilers see of what comes from `params` and the workgroup's place, not of a private variable.
fn shared_rows(shape: Shape, workgroup: vec3<u32>, thread: u32, y: mat4x4<f32>) -> vec4<f32> {
    // Each is nothing but in the slice that has it.
    return (shared_row(shape, workgroup, 0u, thread, y[0]) + shared_row(shape, workgroup, 1u, thread, y[1]))
        + (shared_row(shape, workgroup, 2u, thread, y[2]) + shared_row(shape, workgroup, 3u, thread, y[3]));
}
