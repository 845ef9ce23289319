// A product in registers, to its end.

#import finish_within
#import registers

// The block of this thread, to its end. All threads of the workgroup call this.
fn product(shape: Shape, workgroup: vec3<u32>, thread: u32) {
    let place = place_in(workgroup, thread);
    let y = summed(shape, place);
    if K_SLICES == 1u {
        finish_block(shape, place.row, 1u, place.quad, y);
    } else {
        // All four at once: whoever finishes one waits for what it reads.
        let sum = shared_rows(shape, workgroup, thread, y);
        if place.slice < 4u {
            finish_within(shape, place.row + place.slice, place.quad, sum);
        }
    }
}
