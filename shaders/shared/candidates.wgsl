// The best of a tile of 64 symbols and its part of the softmax, all that beam search needs of their logits.
//
// Sixteen threads side by side have a quad of a row's logits each. Of every row and tile there is one pair of numbers
// (largest, Σ exp(logit − largest)), and behind it `keep` pairs (logit, symbol), the best first, with LOWEST where there
// is no further symbol.
//
// The importing shader has `candidates` (rows, tiles, 1 + keep), in `params` what stands in those of `generator`, and room
// for every thread's logits:
//   fn put_tile_logits(slot: u32, logits: vec4<f32>)
//   fn tile_logits(slot: u32) -> vec4<f32>

#import quad

const TILE_QUADS: u32 = 16u;
const TILE_THREADS: u32 = 256u;
const LOWEST: f32 = -3.4028233e38;

// Of every quad (largest, Σ exp(logit − largest)), and the largest of the logits that may be chosen.
var<workgroup> parts: array<vec2<f32>, TILE_THREADS>;
var<workgroup> bests: array<f32, TILE_THREADS>;
// The quads of every tile that have the largest of these, the best first.
var<workgroup> leaders: array<u32, TILE_THREADS>;

// The four symbols of a quad.
fn symbols_of(quad: u32) -> vec4<u32> {
    return four_from(4u * quad);
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

// How many quads have a larger logit than the largest of this one, or the same of a lower symbol.
fn quads_before(slot: u32, best: f32) -> u32 {
    let own = slot % TILE_QUADS;
    var count = vec4(0u);
    for (var other = 0u; other < TILE_QUADS; other += 4u) {
        let place = slot - own + other;
        let rivals = vec4(bests[place], bests[place + 1u], bests[place + 2u], bests[place + 3u]);
        let are_lower = four_from(other) < vec4(own);
        count += select(vec4(0u), vec4(1u), (rivals > vec4(best)) | ((rivals == vec4(best)) & are_lower));
    }
    return (count.x + count.y) + (count.z + count.w);
}

fn part_of(logits: vec4<f32>) -> vec2<f32> {
    let largest = max(largest_of(logits), LOWEST);
    let exponentials = exp(logits - vec4(largest));
    return vec2(largest, (exponentials.x + exponentials.y) + (exponentials.z + exponentials.w));
}

// What the quads from slot `first` on have together.
fn part_of_tile(first: u32) -> vec2<f32> {
    var largest = LOWEST;
    for (var slot = first; slot < first + TILE_QUADS; slot += 1u) {
        largest = max(largest, parts[slot].x);
    }
    var sum = 0.0;
    for (var slot = first; slot < first + TILE_QUADS; slot += 1u) {
        sum += parts[slot].y * exp(parts[slot].x - largest);
    }
    return vec2(largest, sum);
}

// Keeps the best of tile `tile` of row `row`. A thread that `has_quad` has the one at `slot` % TILE_QUADS of it, with LOWEST
// where there is no symbol. All threads of the workgroup call this together.
//
// The best `keep` logits are in the `keep` quads whose best are the largest: only these are compared one by one.
fn keep_tile(row: u32, tile: u32, slot: u32, has_quad: bool, logits: vec4<f32>) {
    let own = slot % TILE_QUADS;
    let first = slot - own;
    let symbols = symbols_of(tile * TILE_QUADS + own);
    let mine = choosable(logits, symbols);
    let best = largest_of(mine);
    let count = min(params.keep, TILE_QUADS);
    if has_quad {
        put_tile_logits(slot, mine);
        parts[slot] = part_of(logits);
        bests[slot] = best;
    }
    workgroupBarrier();
    var leads = false;
    if has_quad {
        let order = quads_before(slot, best);
        leads = order < count;
        if leads {
            leaders[first + order] = own;
        }
    }
    workgroupBarrier();
    let kept = row * params.pitch + tile * (1u + params.keep);
    if leads && row < params.rows {
        // Of equals the lower symbol comes first.
        var rank = ties(mine);
        for (var order = 0u; order < count; order += 1u) {
            let other = leaders[first + order];
            rank += quad_before(tile_logits(first + other), other < own, mine);
        }
        for (var i = 0u; i < 4u; i += 1u) {
            if rank[i] < params.keep {
                candidates[kept + 1u + rank[i]] = vec2(mine[i], f32(symbols[i]));
            }
        }
    }
    if has_quad && row < params.rows && own == 0u {
        candidates[kept] = part_of_tile(first);
    }
    workgroupBarrier();
}
