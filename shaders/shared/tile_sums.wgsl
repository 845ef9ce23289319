// A number of every thread's, in workgroup memory of its own.

var<workgroup> tile_sums: array<f32, 256>;

fn put_tile_sum(slot: u32, sum: f32) {
    tile_sums[slot] = sum;
}

fn tile_sum(slot: u32) -> f32 {
    return tile_sums[slot];
}
