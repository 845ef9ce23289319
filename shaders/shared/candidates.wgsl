// The best of a tile of 64 symbols and its part of the softmax, all that beam search needs of their logits.
//
// Sixteen threads side by side have a quad of a row's logits each. Of every row and tile there is one pair of numbers
// (largest, Σ exp(logit − largest)), and behind it `keep` pairs (logit, symbol), the best first, with LOWEST where there
// is no further symbol.
//
// The importing shader has `candidates` (rows, tiles, 1 + keep), in `params` what stands in those of `generator`, and
// room for every thread's logits:
//   fn put_tile_logits(slot: u32, logits: vec4<f32>)
//   fn tile_logits(slot: u32) -> vec4<f32>

const TILE_QUADS: u32 = 16u;
const TILE_THREADS: u32 = 256u;
const LOWEST: f32 = -3.4028233e38;

// Of every thread's logits the largest, then their Σ exp.
var<workgroup> tile_max: array<f32, TILE_THREADS>;
var<workgroup> tile_sum: array<f32, TILE_THREADS>;

// The four symbols of a quad.
fn symbols_of(quad: u32) -> vec4<u32> {
    return vec4(4u * quad) + vec4(0u, 1u, 2u, 3u);
}

// The logits of symbols that may be chosen, LOWEST for the others.
fn choosable(logits: vec4<f32>, symbols: vec4<u32>) -> vec4<f32> {
    let avoided = (symbols == vec4(params.avoid_0)) | (symbols == vec4(params.avoid_1));
    return select(logits, vec4(LOWEST), avoided);
}

// 1 for each of four logits that this one comes before, whether those of a lower symbol or not.
fn before(logit: f32, is_lower: bool, others: vec4<f32>) -> vec4<u32> {
    let better = (vec4(logit) > others) | ((vec4(logit) == others) & vec4(is_lower));
    return select(vec4(0u), vec4(1u), better);
}

// How many of a quad come before each of four logits, where the quad's symbols are lower or are not.
fn quad_before(quad: vec4<f32>, is_lower: bool, others: vec4<f32>) -> vec4<u32> {
    return before(quad.x, is_lower, others) + before(quad.y, is_lower, others)
        + before(quad.z, is_lower, others) + before(quad.w, is_lower, others);
}

// How many of the lower symbols of a quad equal each.
fn ties(quad: vec4<f32>) -> vec4<u32> {
    let x = vec4(quad.x) == quad;
    let y = vec4(quad.y) == quad;
    let z = vec4(quad.z) == quad;
    return select(vec4(0u), vec4(0u, 1u, 1u, 1u), x) + select(vec4(0u), vec4(0u, 0u, 1u, 1u), y)
        + select(vec4(0u), vec4(0u, 0u, 0u, 1u), z);
}

fn largest_of(logits: vec4<f32>) -> f32 {
    return max(max(logits.x, logits.y), max(logits.z, logits.w));
}

// Keeps the best of tile `tile` of row `row`. A thread that `has_quad` has the one at `slot` % TILE_QUADS of it, with LOWEST
// where there is no symbol. All threads of the workgroup call this together.
fn keep_tile(row: u32, tile: u32, slot: u32, has_quad: bool, logits: vec4<f32>) {
    let own = slot % TILE_QUADS;
    let first = slot - own;
    let symbols = symbols_of(tile * TILE_QUADS + own);
    let mine = choosable(logits, symbols);
    if has_quad {
        put_tile_logits(slot, mine);
        tile_max[slot] = largest_of(logits);
    }
    workgroupBarrier();
    var largest = LOWEST;
    // Of equals the lower symbol comes first.
    var rank = ties(mine);
    if has_quad {
        for (var other = 0u; other < TILE_QUADS; other += 1u) {
            largest = max(largest, tile_max[first + other]);
            rank += quad_before(tile_logits(first + other), other < own, mine);
        }
        let exponentials = exp(logits - vec4(largest));
        tile_sum[slot] = (exponentials.x + exponentials.y) + (exponentials.z + exponentials.w);
    }
    workgroupBarrier();
    if has_quad && row < params.rows {
        let place = row * params.pitch + tile * (1u + params.keep);
        for (var i = 0u; i < 4u; i += 1u) {
            if rank[i] < params.keep {
                candidates[place + 1u + rank[i]] = vec2(mine[i], f32(symbols[i]));
            }
        }
        if own == 0u {
            var sum = 0.0;
            for (var other = 0u; other < TILE_QUADS; other += 1u) {
                sum += tile_sum[first + other];
            }
            candidates[place] = vec2(largest, sum);
        }
    }
    workgroupBarrier();
}
