// A product through workgroup memory, to its end.

#import finish_within
#import staged

// The outputs of this thread, to their end. All threads of the workgroup call this.
fn product(shape: Shape, workgroup: vec3<u32>, thread: u32) {
    let place = place_in(workgroup, thread);
    let y = tile_of(shape, workgroup, thread);
    finish_block(shape, place.row, LINES, place.quad, y.left);
    finish_block(shape, place.row, LINES, place.quad + COLUMNS, y.right);
}
