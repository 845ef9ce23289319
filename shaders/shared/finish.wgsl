// What becomes of a product, an output at a time.
//
// The importing shader says what that is:
//   fn finish(row: u32, quad: u32, y: vec4<f32>)        outputs 4 quad … 4 quad + 3 of a row

#import tile

fn finish_within(shape: Shape, row: u32, quad: u32, y: vec4<f32>) {
    if row < shape.rows && quad < shape.quads {
        finish(row, quad, y);
    }
}

fn finish_shared(shape: Shape, place: Place, owner: u32, thread: u32, y: vec4<f32>) {
    let sum = shared_row(place, owner, thread, y);
    if place.slice == owner {
        finish_within(shape, place.row + owner, place.quad, sum);
    }
}

// The tile of this thread, to its end.
fn product(shape: Shape, workgroup: vec3<u32>, thread: u32) {
    let place = place_in(workgroup, thread);
    let y = tile_of(shape, place);
    if K_SLICES == 1u {
        finish_within(shape, place.row, place.quad, y.row_0);
        finish_within(shape, place.row + 1u, place.quad, y.row_1);
        finish_within(shape, place.row + 2u, place.quad, y.row_2);
        finish_within(shape, place.row + 3u, place.quad, y.row_3);
    } else {
        finish_shared(shape, place, 0u, thread, y.row_0);
        finish_shared(shape, place, 1u, thread, y.row_1);
        finish_shared(shape, place, 2u, thread, y.row_2);
        finish_shared(shape, place, 3u, thread, y.row_3);
    }
}
