// Tiles of outputs: what is the same in every product, whatever order its weights are read in.
//
// A thread computes four rows × one quad of outputs in registers. Where there are few rows, K_SLICES threads share
// such a tile, each with every K_SLICES-th summand, and add up in workgroup memory, always in one order. Neighbouring
// threads read neighbouring quads and the same rows, so caches serve where tiles in workgroup memory would otherwise
// be needed; on software adapters this is an order of magnitude faster than those.
//
// The importing shader says what is summed; `finish` calls what becomes of it:
//   fn accumulate(shape: Shape, row: u32, quad: u32, slice: u32) -> Tile    the summands of a slice

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

// Where a thread's tile is. A workgroup covers QUADS quads and THREADS / QUADS / K_SLICES · 4 rows.
struct Place {
    row: u32,   // the first of four
    quad: u32,
    slice: u32,
}

fn place_in(workgroup: vec3<u32>, thread: u32) -> Place {
    let groups = THREADS / QUADS / K_SLICES;
    let row = 4u * (workgroup.y * groups + thread / QUADS / K_SLICES);
    return Place(row, workgroup.x * QUADS + thread % QUADS, thread / QUADS % K_SLICES);
}

// The summands of this thread's slice.
fn tile_of(shape: Shape, place: Place) -> Tile {
    var y: Tile;
    if place.row < shape.rows && place.quad < shape.quads {
        y = accumulate(shape, place.row, place.quad, place.slice);
    }
    return y;
}

// Row `owner` of the slices' tiles, added up in slice `owner`: in the others it is nothing. All threads call this.
fn shared_row(place: Place, owner: u32, thread: u32, y: vec4<f32>) -> vec4<f32> {
    partial[thread] = y;
    workgroupBarrier();
    var sum = vec4(0.0);
    if place.slice == owner {
        let first = thread - place.slice * QUADS;
        for (var other = 0u; other < K_SLICES; other += 1u) {
            sum += partial[first + other * QUADS];
        }
    }
    workgroupBarrier();
    return sum;
}
