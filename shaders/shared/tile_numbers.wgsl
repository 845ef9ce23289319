// Two numbers of every thread's, in workgroup memory of their own.

var<workgroup> tile_numbers: array<vec2<f32>, 256>;

fn put_tile_max(slot: u32, largest: f32) {
    tile_numbers[slot].x = largest;
}

fn tile_max(slot: u32) -> f32 {
    return tile_numbers[slot].x;
}

fn put_tile_sum(slot: u32, sum: f32) {
    tile_numbers[slot].y = sum;
}

fn tile_sum(slot: u32) -> f32 {
    return tile_numbers[slot].y;
}
