// Tiles of outputs: what is the same in every product, whatever order its weights are read in.
//
// A thread computes four rows × one quad of outputs in registers. Where there are few rows, K_SLICES threads share
// such a tile, each with every K_SLICES-th summand, and add up in workgroup memory, always in one order. Neighbouring
// threads read neighbouring quads and the same rows, so caches serve where tiles in workgroup memory would otherwise
// be needed; on software adapters this is an order of magnitude faster than those.
//
// The importing shader says what is summed and what becomes of it:
//   fn accumulate(shape: Shape, row: u32, quad: u32, slice: u32) -> Tile    the summands of a slice
//   fn finish(row: u32, quad: u32, y: vec4<f32>)                            outputs 4 quad … 4 quad + 3 of a row

// Threads side by side, each with its quad of outputs.
const QUADS: u32 = 16u;
const THREADS: u32 = 256u;
// Threads that share one tile: 1, 4 or 16.
override K_SLICES: u32 = 1u;

var<workgroup> partial: array<vec4<f32>, THREADS>;

struct Shape {
    rows: u32,
    quads: u32,  // of outputs, ⌈outputs / 4⌉
    inputs: u32, // quads of inputs
    first: u32,  // where this product's weights begin, in quads
    stride: u32, // from one input's quads to the next
}

struct Tile {
    row_0: vec4<f32>,
    row_1: vec4<f32>,
    row_2: vec4<f32>,
    row_3: vec4<f32>,
}

fn finish_within(shape: Shape, row: u32, quad: u32, y: vec4<f32>) {
    if row < shape.rows && quad < shape.quads {
        finish(row, quad, y);
    }
}

// Adds up one row of the slices' tiles; slice `owner` finishes it.
fn finish_shared(shape: Shape, row: u32, quad: u32, slice: u32, owner: u32, thread: u32, y: vec4<f32>) {
    partial[thread] = y;
    workgroupBarrier();
    if slice == owner {
        var sum = vec4(0.0);
        let first = thread - slice * QUADS;
        for (var other = 0u; other < K_SLICES; other += 1u) {
            sum += partial[first + other * QUADS];
        }
        finish_within(shape, row, quad, sum);
    }
    workgroupBarrier();
}

// The tile of this thread. A workgroup covers QUADS quads and THREADS / QUADS / K_SLICES · 4 rows.
fn product(shape: Shape, workgroup: vec3<u32>, thread: u32) {
    let quad = workgroup.x * QUADS + thread % QUADS;
    let slice = thread / QUADS % K_SLICES;
    let groups = THREADS / QUADS / K_SLICES;
    let row = 4u * (workgroup.y * groups + thread / QUADS / K_SLICES);
    var y: Tile;
    if row < shape.rows && quad < shape.quads {
        y = accumulate(shape, row, quad, slice);
    }
    if K_SLICES == 1u {
        finish_within(shape, row, quad, y.row_0);
        finish_within(shape, row + 1u, quad, y.row_1);
        finish_within(shape, row + 2u, quad, y.row_2);
        finish_within(shape, row + 3u, quad, y.row_3);
    } else {
        finish_shared(shape, row, quad, slice, 0u, thread, y.row_0);
        finish_shared(shape, row + 1u, quad, slice, 1u, thread, y.row_1);
        finish_shared(shape, row + 2u, quad, slice, 2u, thread, y.row_2);
        finish_shared(shape, row + 3u, quad, slice, 3u, thread, y.row_3);
    }
}
