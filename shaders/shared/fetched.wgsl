// What a workgroup of many rows fetches of x and W, sixteen inputs at a time: a block of one or the other a thread.
//
// A workgroup computes 64 rows × 32 quads of outputs. The importing file keeps what was fetched in workgroup memory:
//   fn put_x(row: u32, k: u32, x: vec4<f32>)           inputs 4k … 4k + 3, of those fetched, of one of its rows
//   fn put_w(input: u32, quad: u32, w: vec4<f32>)      what an input weighs in one of its quads of outputs

#import block

const THREADS: u32 = 256u;
// Outputs of a workgroup.
const ROWS: u32 = 64u;
const QUADS: u32 = 32u;
// Quads of inputs that are fetched at a time.
const DEPTH: u32 = 4u;
// Threads side by side. A thread's rows and quads of outputs lie apart, so that neighbours read what lies side by side.
const COLUMNS: u32 = 16u;
const LINES: u32 = 16u;

// The first threads fetch blocks of x, the last ones of W.
const X_THREADS: u32 = ROWS / 4u * DEPTH;
const W_THREADS: u32 = QUADS * DEPTH;

// Where a thread's outputs are.
struct Place {
    row: u32,  // the first of four, LINES apart
    quad: u32, // the first of two, COLUMNS apart
}

fn place_in(workgroup: vec3<u32>, thread: u32) -> Place {
    return Place(workgroup.y * ROWS + thread / COLUMNS, workgroup.x * QUADS + thread % COLUMNS);
}

// The rows of x that a thread fetches blocks of, if it does.
fn fetched_rows(shape: Shape, workgroup: vec3<u32>, thread: u32) -> Rows {
    return rows_from(shape, workgroup.y * ROWS + thread / DEPTH * 4u);
}

// The block of x or W that this thread fetches for the inputs from quad k on; nothing behind the last.
fn fetched(shape: Shape, rows: Rows, workgroup: vec3<u32>, thread: u32, k: u32) -> mat4x4<f32> {
    if thread < X_THREADS {
        let at = k + thread % DEPTH;
        if at < shape.inputs {
            return input_block(rows, at);
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

// Keeps the block that this thread has fetched.
fn put(thread: u32, block: mat4x4<f32>) {
    if thread < X_THREADS {
        let row = thread / DEPTH * 4u;
        let k = thread % DEPTH;
        put_x(row, k, block[0]);
        put_x(row + 1u, k, block[1]);
        put_x(row + 2u, k, block[2]);
        put_x(row + 3u, k, block[3]);
    } else if thread >= THREADS - W_THREADS {
        let mine = thread - (THREADS - W_THREADS);
        let input = mine / QUADS * 4u;
        let quad = mine % QUADS;
        put_w(input, quad, block[0]);
        put_w(input + 1u, quad, block[1]);
        put_w(input + 2u, quad, block[2]);
        put_w(input + 3u, quad, block[3]);
    }
}
