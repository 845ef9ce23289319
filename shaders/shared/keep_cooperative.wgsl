// A product by matrices, of which only the best of every tile of symbols is kept.
//
// The importing shader says what the sums become:
//   fn logits_of(quad: u32, y: vec4<f32>) -> vec4<f32>

#import candidates
#import cooperative

// A thread's logits take the place of its sums.
fn put_tile_logits(slot: u32, logits: vec4<f32>) {
    staged_sums[slot] = logits;
}

fn tile_logits(slot: u32) -> vec4<f32> {
    return staged_sums[slot];
}

// One matrix of every team. A tile's quads are as many as stand side by side, so every line of threads has two rows of it.
fn keep_sums(row: u32, tile: u32, quad: u32, thread: u32, sums: Sums) {
    lay_down(sums, thread);
    keep_tile(row, tile, thread, true, logits_of(quad, staged_sums[thread]));
    keep_tile(row + LINES, tile, thread, true, logits_of(quad, staged_sums[thread + THREADS]));
}

// All threads of the workgroup call this.
fn keep_product(shape: Shape, workgroup: vec3<u32>, thread: u32) {
    let place = place_in(workgroup, thread);
    let y = tile_of(shape, workgroup, thread);
    let lower = place.row + 2u * LINES;
    keep_sums(place.row, 2u * workgroup.x, place.quad, thread, y.upper_left);
    keep_sums(lower, 2u * workgroup.x, place.quad, thread, y.lower_left);
    // The last workgroup of a row may have but one tile.
    if workgroup.x * QUADS + COLUMNS < shape.quads {
        keep_sums(place.row, 2u * workgroup.x + 1u, place.quad + COLUMNS, thread, y.upper_right);
        keep_sums(lower, 2u * workgroup.x + 1u, place.quad + COLUMNS, thread, y.lower_right);
    }
}
