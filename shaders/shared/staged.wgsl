// A product for many rows on hardware: blocks of x and W pass through workgroup memory, where every thread that needs
// them reads them.
//
// A thread computes four rows × two quads of outputs in registers, sixteen inputs at a time. While these are multiplied the
// next sixteen are on their way to registers.
//
// The importing shader says what is multiplied, as in `block`.

#import fetched

// A thread's rows and quads of outputs are the inner places of what lies apart, so that the index it has to compute, and that
// is checked against the array's end, is one for all of them.
var<workgroup> staged_x: array<array<array<vec4<f32>, DEPTH>, LINES>, ROWS / LINES>;          // (rows, quads of inputs)
var<workgroup> staged_w: array<array<array<vec4<f32>, COLUMNS>, QUADS / COLUMNS>, 4u * DEPTH>; // (inputs, quads of outputs)

// Two blocks of a thread's outputs, those of quads `column` and `column` + COLUMNS.
struct Tile {
    left: mat4x4<f32>,
    right: mat4x4<f32>,
}

fn put_x(row: u32, k: u32, x: vec4<f32>) {
    staged_x[row / LINES][row % LINES][k] = x;
}

fn put_w(input: u32, quad: u32, w: vec4<f32>) {
    staged_w[input][quad / COLUMNS][quad % COLUMNS] = w;
}

fn staged_input_block(line: u32, k: u32) -> mat4x4<f32> {
    return mat4x4(staged_x[0][line][k], staged_x[1][line][k], staged_x[2][line][k], staged_x[3][line][k]);
}

fn staged_weight_block(half: u32, column: u32, k: u32) -> mat4x4<f32> {
    let input = 4u * k;
    return mat4x4(
        staged_w[input][half][column],
        staged_w[input + 1u][half][column],
        staged_w[input + 2u][half][column],
        staged_w[input + 3u][half][column],
    );
}

fn plus_staged(y: Tile, thread: u32, k: u32) -> Tile {
    let x = staged_input_block(thread / COLUMNS, k);
    let column = thread % COLUMNS;
    return Tile(
        plus_product(y.left, staged_weight_block(0u, column, k), x),
        plus_product(y.right, staged_weight_block(1u, column, k), x),
    );
}

// The outputs of this thread. All threads of the workgroup call this.
fn tile_of(shape: Shape, workgroup: vec3<u32>, thread: u32) -> Tile {
    var y: Tile;
    let rows = fetched_rows(shape, workgroup, thread);
    var next = fetched(shape, rows, workgroup, thread, 0u);
    for (var k = 0u; k < shape.inputs; k += DEPTH) {
        put(thread, next);
        workgroupBarrier();
        next = fetched(shape, rows, workgroup, thread, k + DEPTH);
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
