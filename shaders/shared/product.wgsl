// y = W x for a tile of rows and outputs: the product inside linear, the recurrent steps and the generator.
//
// A thread computes four rows × one quad of outputs in registers. Where there are few rows, K_SLICES threads share
// such a tile, each with every K_SLICES-th quad of inputs, and add up in workgroup memory, always in one order.
// Neighbouring threads read neighbouring quads of W and the same x, so caches serve where tiles in workgroup memory
// would otherwise be needed; on software adapters this is an order of magnitude faster than those.
//
// The importing shader says where x comes from and what becomes of y:
//   fn input(row: u32, k: u32) -> vec4<f32>             inputs 4k … 4k + 3 of a row
//   fn finish(row: u32, quad: u32, y: vec4<f32>)        outputs 4 quad … 4 quad + 3 of a row

#import weights

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

// The last row stands in for those behind it, which are dropped when they are finished.
fn accumulate(shape: Shape, row: u32, quad: u32, slice: u32) -> Tile {
    let last = shape.rows - 1u;
    let row_0 = min(row, last);
    let row_1 = min(row + 1u, last);
    let row_2 = min(row + 2u, last);
    let row_3 = min(row + 3u, last);
    var y: Tile;
    for (var k = slice; k < shape.inputs; k += K_SLICES) {
        let place = shape.first + 4u * k * shape.stride + quad;
        let w_0 = weight(place);
        let w_1 = weight(place + shape.stride);
        let w_2 = weight(place + 2u * shape.stride);
        let w_3 = weight(place + 3u * shape.stride);
        let x_0 = input(row_0, k);
        y.row_0 += x_0.x * w_0 + x_0.y * w_1 + x_0.z * w_2 + x_0.w * w_3;
        let x_1 = input(row_1, k);
        y.row_1 += x_1.x * w_0 + x_1.y * w_1 + x_1.z * w_2 + x_1.w * w_3;
        let x_2 = input(row_2, k);
        y.row_2 += x_2.x * w_0 + x_2.y * w_1 + x_2.z * w_2 + x_2.w * w_3;
        let x_3 = input(row_3, k);
        y.row_3 += x_3.x * w_0 + x_3.y * w_1 + x_3.z * w_2 + x_3.w * w_3;
    }
    return y;
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
