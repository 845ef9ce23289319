// A product for many rows on hardware: blocks of x and W pass through workgroup memory, where every thread that needs
// them reads them.
//
// A workgroup computes 64 rows × 32 quads of outputs, a thread four rows × two quads of them in registers, sixteen inputs
// at a time. While these are multiplied the next sixteen are on their way to registers: a thread fetches one block.
//
// The importing shader says what is multiplied, as in `block`.

#import block

const THREADS: u32 = 256u;
// Outputs of a workgroup.
const ROWS: u32 = 64u;
const QUADS: u32 = 32u;
// Quads of inputs that are staged at a time.
const DEPTH: u32 = 4u;
// Threads side by side. A thread's rows and quads lie apart, so that neighbours read what lies side by side.
const COLUMNS: u32 = 16u;
const LINES: u32 = 16u;

var<workgroup> staged_x: array<vec4<f32>, ROWS * DEPTH>;       // (rows, quads of inputs)
var<workgroup> staged_w: array<vec4<f32>, 4u * DEPTH * QUADS>; // (inputs, quads of outputs)

// The first threads fetch blocks of x, the last ones of W.
const X_THREADS: u32 = ROWS / 4u * DEPTH;
const W_THREADS: u32 = QUADS * DEPTH;

// Two blocks of a thread's outputs, those of quads `column` and `column` + COLUMNS.
struct Tile {
    left: mat4x4<f32>,
    right: mat4x4<f32>,
}

// Where a thread's outputs are.
struct Place {
    row: u32,  // the first of four, LINES apart
    quad: u32, // the first of two, COLUMNS apart
}

fn place_in(workgroup: vec3<u32>, thread: u32) -> Place {
    return Place(workgroup.y * ROWS + thread / COLUMNS, workgroup.x * QUADS + thread % COLUMNS);
}

// The block of x or W that this thread fetches for the inputs from quad k on; nothing behind the last.
fn fetched(shape: Shape, workgroup: vec3<u32>, thread: u32, k: u32) -> mat4x4<f32> {
    if thread < X_THREADS {
        let at = k + thread % DEPTH;
        if at < shape.inputs {
            return input_block(shape, workgroup.y * ROWS + thread / DEPTH * 4u, at);
        }
    } else if thread >= THREADS - W_THREADS {
        let mine = thread - (THREADS - W_THREADS);
        let at = k + mine / QUADS;
        if at < shape.inputs {
            // The last quad stands in for those behind it, which are dropped when they are finished.
            return weight_block(shape, min(workgroup.x * QUADS + mine % QUADS, shape.quads - 1u), at);
        }
    }
    return mat4x4<f32>();
}

fn stage(thread: u32, block: mat4x4<f32>) {
    if thread < X_THREADS {
        let place = thread / DEPTH * 4u * DEPTH + thread % DEPTH;
        staged_x[place] = block[0];
        staged_x[place + DEPTH] = block[1];
        staged_x[place + 2u * DEPTH] = block[2];
        staged_x[place + 3u * DEPTH] = block[3];
    } else if thread >= THREADS - W_THREADS {
        let mine = thread - (THREADS - W_THREADS);
        let place = mine / QUADS * 4u * QUADS + mine % QUADS;
        staged_w[place] = block[0];
        staged_w[place + QUADS] = block[1];
        staged_w[place + 2u * QUADS] = block[2];
        staged_w[place + 3u * QUADS] = block[3];
    }
}

fn staged_input_block(line: u32, k: u32) -> mat4x4<f32> {
    let place = line * DEPTH + k;
    let step = LINES * DEPTH;
    return mat4x4(staged_x[place], staged_x[place + step], staged_x[place + 2u * step], staged_x[place + 3u * step]);
}

fn staged_weight_block(column: u32, k: u32) -> mat4x4<f32> {
    let place = 4u * k * QUADS + column;
    return mat4x4(staged_w[place], staged_w[place + QUADS], staged_w[place + 2u * QUADS], staged_w[place + 3u * QUADS]);
}

fn plus_staged(y: Tile, thread: u32, k: u32) -> Tile {
    let x = staged_input_block(thread / COLUMNS, k);
    let column = thread % COLUMNS;
    return Tile(
        plus_product(y.left, staged_weight_block(column, k), x),
        plus_product(y.right, staged_weight_block(column + COLUMNS, k), x),
    );
}

// The outputs of this thread. All threads of the workgroup call this.
fn tile_of(shape: Shape, workgroup: vec3<u32>, thread: u32) -> Tile {
    var y: Tile;
    var next = fetched(shape, workgroup, thread, 0u);
    for (var k = 0u; k < shape.inputs; k += DEPTH) {
        stage(thread, next);
        workgroupBarrier();
        next = fetched(shape, workgroup, thread, k + DEPTH);
        // A sum of sums: what is rounded away grows with the longest of them.
        var part: Tile;
        part = plus_staged(part, thread, 0u);
        part = plus_staged(part, thread, 1u);
        part = plus_staged(part, thread, 2u);
        part = plus_staged(part, thread, 3u);
        y = Tile(y.left + part.left, y.right + part.right);
        workgroupBarrier();
    }
    return y;
}
