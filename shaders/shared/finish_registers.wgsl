// A product in registers, to its end.

#import finish_within
#import registers

fn finish_shared(shape: Shape, workgroup: vec3<u32>, owner: u32, thread: u32, y: vec4<f32>) {
    let sum = shared_row(shape, workgroup, owner, thread, y);
    let place = place_in(workgroup, thread);
    if place.slice == owner {
        finish_within(shape, place.row + owner, place.quad, sum);
    }
}

// The block of this thread, to its end. All threads of the workgroup call this.
fn product(shape: Shape, workgroup: vec3<u32>, thread: u32) {
    let place = place_in(workgroup, thread);
    let y = summed(shape, place);
    if K_SLICES == 1u {
        finish_block(shape, place.row, 1u, place.quad, y);
    } else {
        finish_shared(shape, workgroup, 0u, thread, y[0]);
        finish_shared(shape, workgroup, 1u, thread, y[1]);
        finish_shared(shape, workgroup, 2u, thread, y[2]);
        finish_shared(shape, workgroup, 3u, thread, y[3]);
    }
}
