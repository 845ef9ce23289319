// Every thread's logits, in workgroup memory of their own.

var<workgroup> logits_of_tiles: array<vec4<f32>, 256>;

fn put_tile_logits(slot: u32, logits: vec4<f32>) {
    logits_of_tiles[slot] = logits;
}

fn tile_logits(slot: u32) -> vec4<f32> {
    return logits_of_tiles[slot];
}
