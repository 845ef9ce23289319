// A product by matrices, to its end.

#import cooperative
#import finish_within

// One matrix of every team; of it this thread has two rows.
fn finish_sums(shape: Shape, row: u32, quad: u32, thread: u32, sums: Sums) {
    lay_down(sums, thread);
    finish_within(shape, row, quad, staged_sums[thread]);
    finish_within(shape, row + LINES, quad, staged_sums[thread + THREADS]);
    workgroupBarrier();
}

// All threads of the workgroup call this.
fn product(shape: Shape, workgroup: vec3<u32>, thread: u32) {
    let place = place_in(workgroup, thread);
    let y = tile_of(shape, workgroup, thread);
    let lower = place.row + 2u * LINES;
    finish_sums(shape, place.row, place.quad, thread, y.upper_left);
    finish_sums(shape, place.row, place.quad + COLUMNS, thread, y.upper_right);
    finish_sums(shape, lower, place.quad, thread, y.lower_left);
    finish_sums(shape, lower, place.quad + COLUMNS, thread, y.lower_right);
}
