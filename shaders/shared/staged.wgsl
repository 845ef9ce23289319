// A product for many rows on hardware: blocks of x and W pass through workgroup memory, where every thread that needs
// them reads them.
//
// A thread computes four rows × two quads of outputs in registers, sixteen inputs at a time. While these are multiplied the
// next sixteen are on their way to registers.
//
// The importing shader says what is multiplied, as in `block`.

#import fetched

var<workgroup> staged_x: array<vec4<f32>, ROWS * DEPTH>;       // (rows, quads of inputs)
var<workgroup> staged_w: array<vec4<f32>, 4u * DEPTH * QUADS>; // (inputs, quads of outputs)

// Two blocks of a thread's outputs, those of quads `column` and `column` + COLUMNS.
struct Tile {
    left: mat4x4<f32>,
    right: mat4x4<f32>,
}

fn put_x(row: u32, k: u32, x: vec4<f32>) {
    staged_x[row * DEPTH + k] = x;
}

fn put_w(input: u32, quad: u32, w: vec4<f32>) {
    staged_w[input * QUADS + quad] = w;
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
        put(thread, next);
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
