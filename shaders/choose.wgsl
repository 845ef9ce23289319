// The next token of every sentence from the generator's tiles: the symbol of the largest logit, its log probability,
// and whether it ends the sentence. A workgroup a sentence.

#import grid
#import row_choice

@group(0) @binding(0) var<storage, read> tiles: array<vec4<f32>>;           // (batch, tiles): largest, Σ exp, symbol
@group(0) @binding(1) var<storage, read_write> previous: array<u32>;        // (batch)
@group(0) @binding(2) var<storage, read_write> finished: array<u32>;        // (batch)
@group(0) @binding(3) var<storage, read_write> tokens: array<u32>;          // (batch · max_length)
@group(0) @binding(4) var<storage, read_write> log_prob: array<vec4<f32>>;  // (batch, 1)

struct Params {
    batch: u32,
    tiles: u32, // of a sentence
    step: u32,
    max_length: u32,
    pad: u32,
    eos: u32,
}
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(REDUCE_THREADS)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let sentence = grid_index(workgroup);
    if sentence >= params.batch {
        return;
    }
    let first = sentence * params.tiles;
    var tile = min(thread, params.tiles - 1u);
    var largest = tiles[first + tile].x;
    for (var other = thread; other < params.tiles; other += REDUCE_THREADS) {
        if tiles[first + other].x > largest {
            largest = tiles[first + other].x;
            tile = other;
        }
    }
    let top = workgroup_max(thread, largest);
    tile = min(place_of(thread, top, largest, tile), params.tiles - 1u);
    var sum = 0.0;
    for (var other = thread; other < params.tiles; other += REDUCE_THREADS) {
        sum += tiles[first + other].y * exp(tiles[first + other].x - top);
    }
    sum = workgroup_sum(thread, sum);
    if thread == 0u {
        var token = params.pad;
        if finished[sentence] == 0u {
            token = u32(tiles[first + tile].z);
            log_prob[sentence].x -= log(sum);
            finished[sentence] = u32(token == params.eos);
        }
        tokens[sentence * params.max_length + params.step] = token;
        previous[sentence] = token;
    }
}
