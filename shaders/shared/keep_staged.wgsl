// A product through workgroup memory, of which only the best of every tile of symbols is kept.
//
// The importing shader says what the sums become:
//   fn logits_of(quad: u32, y: vec4<f32>) -> vec4<f32>

#import candidates
#import staged

// What was staged is multiplied by then, and a workgroup has no more memory than that.
fn put_tile_logits(slot: u32, logits: vec4<f32>) {
    put_x(slot / DEPTH, slot % DEPTH, logits);
}

fn tile_logits(slot: u32) -> vec4<f32> {
    let row = slot / DEPTH;
    return staged_x[row / LINES][row % LINES][slot % DEPTH];
}

// A tile's quads are as many as stand side by side, so every line of threads has one row of it.
fn keep_block(row: u32, tile: u32, quad: u32, thread: u32, y: mat4x4<f32>) {
    keep_tile(row, tile, thread, true, logits_of(quad, y[0]));
    keep_tile(row + LINES, tile, thread, true, logits_of(quad, y[1]));
    keep_tile(row + 2u * LINES, tile, thread, true, logits_of(quad, y[2]));
    keep_tile(row + 3u * LINES, tile, thread, true, logits_of(quad, y[3]));
}

// All threads of the workgroup call this.
fn keep_product(shape: Shape, workgroup: vec3<u32>, thread: u32) {
    let place = place_in(workgroup, thread);
    let y = tile_of(shape, workgroup, thread);
    keep_block(place.row, 2u * workgroup.x, place.quad, thread, y.left);
    // The last workgroup of a row may have but one tile.
    if workgroup.x * QUADS + COLUMNS < shape.quads {
        keep_block(place.row, 2u * workgroup.x + 1u, place.quad + COLUMNS, thread, y.right);
    }
}
