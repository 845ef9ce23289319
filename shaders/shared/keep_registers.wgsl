// A product in registers, of which only the best of every tile of symbols is kept. A tile has as many quads as stand side
// by side, so 1, 4 or 16 threads share a block.
//
// The importing shader says what the sums become:
//   fn logits_of(quad: u32, y: vec4<f32>) -> vec4<f32>

#import candidates
#import registers
#import tile_logits

// All threads of the workgroup call this.
fn keep_product(shape: Shape, workgroup: vec3<u32>, thread: u32) {
    let place = place_in(workgroup, thread);
    let y = summed(shape, place);
    let tile = workgroup.x;
    if K_SLICES == 1u {
        // There is room for one row of every thread's four.
        keep_tile(place.row, tile, thread, true, logits_of(place.quad, y[0]));
        keep_tile(place.row + 1u, tile, thread, true, logits_of(place.quad, y[1]));
        keep_tile(place.row + 2u, tile, thread, true, logits_of(place.quad, y[2]));
        keep_tile(place.row + 3u, tile, thread, true, logits_of(place.quad, y[3]));
    } else {
        let mine = logits_of(place.quad, shared_rows(shape, workgroup, thread, y));
        let block = thread / TILE_QUADS / K_SLICES;
        let slot = (4u * block + place.slice) * TILE_QUADS + thread % TILE_QUADS;
        keep_tile(place.row + place.slice, tile, slot, place.slice < 4u, mine);
    }
}
