// Several steps of greedy search in one dispatch: recurrent layers, attention, attentional state, generator, choice.
// Sentences need nothing of each other, so a workgroup keeps the state of one in its memory, and reads all weights of the
// decoder at every step, from a cache: for weights that one processor reads in less time than a step's dispatches take.
// `greedy_extend` makes what is chosen a part of the search.
//
// What a symbol brings to the gates of the first layer stands in a table: W_ih x + b.
//
// Every product has one row. `slices` threads share a quad of outputs, each with every `slices`-th quad of inputs, and add up
// in workgroup memory, always in one order; neighbouring threads read neighbouring quads.
//
// The scores are products (dot, scaled_dot, general) without a window: Luong, Pham and Manning 2015, eqs. 5–8.

#import activated
#import cell
#import quad
#import threads
#import weights

@group(0) @binding(1) var<storage, read> keys: array<vec4<f32>>;            // (batch · src_len, hidden)
@group(0) @binding(2) var<storage, read> values: array<vec4<f32>>;          // (batch · src_len, hidden): W_cc h̄
@group(0) @binding(3) var<storage, read> lengths: array<u32>;               // (batch)
@group(0) @binding(4) var<storage, read> frontier: array<u32>;              // (2, batch): symbols, rows continued
@group(0) @binding(5) var<storage, read> previous: array<vec4<f32>>;        // the states before, see `part_of`
@group(0) @binding(6) var<storage, read_write> next: array<vec4<f32>>;      // the states behind, then (batch, steps) choices
@group(0) @binding(7) var<storage, read_write> alignment: array<f32>;       // (batch · rows, src_len)

struct Params {
    steps: u32,
    src_len: u32,
    rows: u32,          // of each sentence in `alignment`: one a step, or one for all
    pitch: u32,         // floats from one row of `alignment` to the next
    previous_rows: u32, // of each part of `previous`
    next_rows: u32,     // of each part of `next`: the batch
    layers: u32,
    feed: u32,          // quads of the attentional state that is fed; 0 without
    hidden_quads: u32,
    gate_quads: u32,
    upper: u32,         // where the second layer's weights begin
    upper_size: u32,    // from one upper layer's weights to the next's
    projection: u32,    // where W_ch begins
    generator: u32,     // where W_s begins
    table: u32,         // where what symbols bring begins (vocab, gates)
    symbols: u32,
    avoid_0: u32,       // symbols that are not to be chosen
    avoid_1: u32,
    eos: u32,
    scale: f32,         // of the scores
}
@group(1) @binding(0) var<uniform> params: Params;

// Threads that share a quad of outputs are not more.
const MOST_SLICES: u32 = 16u;
// Threads that share the score of a source position.
const TEAM: u32 = 16u;
const LOWEST: f32 = -3.4028233e38;
// Stands for the symbol where none can be chosen.
const NONE: f32 = -1.0;

// What products read, in quads: the attentional state, the hidden states of all layers. Not vectors: a unit is written alone,
// and writing a part of a vector may write all of it.
const ATTENTIONAL: u32 = 0u;
const HIDDEN: u32 = 64u;
var<workgroup> held: array<array<f32, 4>, 192>;
var<workgroup> cells: array<f32, 512>;
// Of every source position the score, then its weight.
var<workgroup> attended: array<f32, 1024>;
var<workgroup> partial: array<vec4<f32>, THREADS>;
var<workgroup> chosen: u32;

// A thread's share of a product: one quad of outputs, and one slice of the inputs.
struct Share {
    columns: u32, // threads side by side, one for each quad
    slices: u32,
    quad: u32,
    slice: u32,
}

// The next power of two, from 1 on.
fn width_of(count: u32) -> u32 {
    return 1u << (32u - countLeadingZeros(count - 1u));
}

fn share_of(thread: u32, quads: u32) -> Share {
    let columns = width_of(quads);
    return Share(columns, min(THREADS / columns, MOST_SLICES), thread % columns, thread / columns);
}

// What four held numbers bring to a quad of outputs, by the weights from `place` on.
fn product_of(h: vec4<f32>, quads: u32, place: u32) -> vec4<f32> {
    return (h.x * weight(place) + h.y * weight(place + quads))
        + (h.z * weight(place + 2u * quads) + h.w * weight(place + 3u * quads));
}

// What a thread has of the product of `count` held quads, from `at` on, and of the weights behind `first`.
fn summed(mine: Share, quads: u32, first: u32, at: u32, count: u32) -> vec4<f32> {
    var sum = vec4(0.0);
    if mine.quad >= quads || mine.slice >= mine.slices {
        return sum;
    }
    let step = 4u * mine.slices * quads;
    var place = first + mine.quad + 4u * mine.slice * quads;
    var k = mine.slice;
    // Two quads at a time, so that eight loads are under way.
    for (; k + mine.slices < count; k += 2u * mine.slices) {
        sum += product_of(held_quad(at + k), quads, place)
            + product_of(held_quad(at + k + mine.slices), quads, place + step);
        place += 2u * step;
    }
    if k < count {
        sum += product_of(held_quad(at + k), quads, place);
    }
    return sum;
}

// The sum over all slices of a quad, in the first. All threads call this; when it ends nobody reads what was held.
fn shared_sum(thread: u32, mine: Share, y: vec4<f32>) -> vec4<f32> {
    partial[thread] = y;
    workgroupBarrier();
    var sum = vec4(0.0);
    if mine.slice == 0u {
        for (var other = thread; other < mine.columns * mine.slices; other += mine.columns) {
            sum += partial[other];
        }
    }
    workgroupBarrier();
    return sum;
}

// (largest of all, largest of those that may be chosen, its symbol) of two; of equals the lower symbol.
fn better(a: vec3<f32>, b: vec3<f32>) -> vec3<f32> {
    let second = b.y > a.y || (b.y == a.y && b.z < a.z);
    return vec3(max(a.x, b.x), select(a.yz, b.yz, second));
}

// The best of `width` threads, a power of two, in all. All threads call this.
fn best_of(thread: u32, width: u32, mine: vec3<f32>) -> vec3<f32> {
    partial[thread] = vec4(mine, 0.0);
    for (var half = width / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if thread < half {
            partial[thread] = vec4(better(partial[thread].xyz, partial[thread + half].xyz), 0.0);
        }
    }
    workgroupBarrier();
    let best = partial[0].xyz;
    workgroupBarrier();
    return best;
}

// The sum over `width` threads, a power of two, in all. All threads call this.
fn total_of(thread: u32, width: u32, mine: f32) -> f32 {
    partial[thread] = vec4(mine);
    for (var half = width / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if thread < half {
            partial[thread] += partial[thread + half];
        }
    }
    workgroupBarrier();
    let total = partial[0].x;
    workgroupBarrier();
    return total;
}

// The states are 2 · layers + 1 parts of a row for each sentence: the hidden states of all layers, their cells, and the
// attentional state.
fn part_of(part: u32, rows: u32, row: u32) -> u32 {
    return (part * rows + row) * params.hidden_quads;
}

fn hold(at: u32, quad: vec4<f32>) {
    held[at] = array(quad.x, quad.y, quad.z, quad.w);
}

fn held_quad(at: u32) -> vec4<f32> {
    return vec4(held[at][0], held[at][1], held[at][2], held[at][3]);
}

// Takes up the states that a row continues.
fn take_up(row: u32, thread: u32) {
    for (var quad = thread; quad < params.layers * params.hidden_quads; quad += THREADS) {
        let place = part_of(quad / params.hidden_quads, params.previous_rows, row) + quad % params.hidden_quads;
        let cell = previous[place + part_of(params.layers, params.previous_rows, 0u)];
        hold(HIDDEN + quad, previous[place]);
        cells[4u * quad] = cell.x;
        cells[4u * quad + 1u] = cell.y;
        cells[4u * quad + 2u] = cell.z;
        cells[4u * quad + 3u] = cell.w;
    }
    let attentional = part_of(2u * params.layers, params.previous_rows, row);
    for (var quad = thread; quad < params.hidden_quads; quad += THREADS) {
        hold(ATTENTIONAL + quad, previous[attentional + quad]);
    }
}

fn put_down(row: u32, thread: u32) {
    for (var quad = thread; quad < params.layers * params.hidden_quads; quad += THREADS) {
        let place = part_of(quad / params.hidden_quads, params.next_rows, row) + quad % params.hidden_quads;
        let unit = 4u * quad;
        next[place] = held_quad(HIDDEN + quad);
        next[place + part_of(params.layers, params.next_rows, 0u)] =
            vec4(cells[unit], cells[unit + 1u], cells[unit + 2u], cells[unit + 3u]);
    }
    let attentional = part_of(2u * params.layers, params.next_rows, row);
    for (var quad = thread; quad < params.hidden_quads; quad += THREADS) {
        next[attentional + quad] = held_quad(ATTENTIONAL + quad);
    }
}

// Hidden state and cell of a layer after the symbol read last.
fn advance(layer: u32, thread: u32) {
    let quads = params.gate_quads;
    let mine = share_of(thread, quads);
    let units = params.hidden_quads;
    let hidden = HIDDEN + layer * units;
    // What the first layer reads but for the symbol is the attentional state, what others read is the layer below.
    var first = 0u;
    var inputs = params.feed;
    var below = ATTENTIONAL;
    if layer > 0u {
        first = params.upper + (layer - 1u) * params.upper_size;
        inputs = units;
        below = hidden - units;
    }
    let behind = first + 4u * inputs * quads;
    let y = summed(mine, quads, first, below, inputs) + summed(mine, quads, behind, hidden, units);
    var sums = shared_sum(thread, mine, y);
    if mine.slice == 0u && mine.quad < quads {
        if layer == 0u {
            sums += bias(params.table, chosen * quads + mine.quad);
        } else {
            sums += bias(behind + 4u * units * quads, mine.quad);
        }
        let unit = hidden + mine.quad / 4u;
        let i = mine.quad % 4u;
        let cell = 4u * layer * units + mine.quad;
        if CELL == TANH {
            hold(hidden + mine.quad, bounded_tanh4(sums));
        } else if CELL == GRU {
            held[unit][i] = gru(sums, held[unit][i]).hidden;
        } else {
            let next_unit = lstm(sums, cells[cell]);
            held[unit][i] = next_unit.hidden;
            cells[cell] = next_unit.cell;
        }
    }
    workgroupBarrier();
}

// The weights of the source positions, in `attended`: softmax of the products of hidden state and keys.
fn attend(sentence: u32, length: u32, hidden: u32, thread: u32) {
    let lane = thread % TEAM;
    for (var first = 0u; first < length; first += THREADS / TEAM) {
        let s = first + thread / TEAM;
        var sum = 0.0;
        if s < length {
            let key = (sentence * params.src_len + s) * params.hidden_quads;
            var k = lane;
            for (; k + TEAM < params.hidden_quads; k += 2u * TEAM) {
                sum += dot(keys[key + k], held_quad(hidden + k)) + dot(keys[key + k + TEAM], held_quad(hidden + k + TEAM));
            }
            if k < params.hidden_quads {
                sum += dot(keys[key + k], held_quad(hidden + k));
            }
        }
        partial[thread] = vec4(sum);
        workgroupBarrier();
        if lane == 0u && s < length {
            var score = 0.0;
            for (var other = thread; other < thread + TEAM; other += 1u) {
                score += partial[other].x;
            }
            attended[s] = score * params.scale;
        }
        workgroupBarrier();
    }
    let width = min(THREADS, width_of(length));
    var largest = LOWEST;
    for (var s = thread; s < length; s += THREADS) {
        largest = max(largest, attended[s]);
    }
    largest = best_of(thread, width, vec3(largest, LOWEST, NONE)).x;
    var total = 0.0;
    for (var s = thread; s < length; s += THREADS) {
        attended[s] = exp(attended[s] - largest);
        total += attended[s];
    }
    total = total_of(thread, width, total);
    for (var s = thread; s < length; s += THREADS) {
        attended[s] /= total;
    }
    workgroupBarrier();
}

// activation(Σ_s a_t(s) W_cc h̄_s + W_ch h_t + b_c)
fn write_attentional(sentence: u32, length: u32, hidden: u32, thread: u32) {
    let quads = params.hidden_quads;
    let mine = share_of(thread, quads);
    var sum = summed(mine, quads, params.projection, hidden, quads);
    if mine.quad < quads && mine.slice < mine.slices {
        let step = mine.slices;
        let first = sentence * params.src_len * quads + mine.quad;
        var s = mine.slice;
        for (; s + 3u * step < length; s += 4u * step) {
            sum += (attended[s] * values[first + s * quads] + attended[s + step] * values[first + (s + step) * quads])
                + (attended[s + 2u * step] * values[first + (s + 2u * step) * quads]
                    + attended[s + 3u * step] * values[first + (s + 3u * step) * quads]);
        }
        for (; s < length; s += step) {
            sum += attended[s] * values[first + s * quads];
        }
    }
    sum = shared_sum(thread, mine, sum);
    if mine.slice == 0u && mine.quad < quads {
        let biased = sum + bias(params.projection + 4u * quads * quads, mine.quad);
        hold(ATTENTIONAL + mine.quad, activated(biased));
    }
    workgroupBarrier();
}

// The symbol of the largest logit, and its log probability; NONE where no logit may be chosen.
fn choose(thread: u32) -> vec2<f32> {
    let quads = (params.symbols + 3u) / 4u;
    let mine = share_of(thread, quads);
    let y = shared_sum(thread, mine, summed(mine, quads, params.generator, ATTENTIONAL, params.hidden_quads));
    var best = vec3(LOWEST, LOWEST, NONE);
    var logits = vec4(LOWEST);
    if mine.slice == 0u && mine.quad < quads {
        let biased = y + bias(params.generator + 4u * params.hidden_quads * quads, mine.quad);
        logits = select(vec4(LOWEST), biased, within(mine.quad, params.symbols));
        for (var i = 0u; i < 4u; i += 1u) {
            let symbol = 4u * mine.quad + i;
            let avoided = symbol == params.avoid_0 || symbol == params.avoid_1;
            let found = vec3(logits[i], select(logits[i], LOWEST, avoided), f32(symbol));
            best = better(best, found);
        }
    }
    best = best_of(thread, width_of(quads), best);
    let shares = exp(logits - vec4(best.x));
    let total = total_of(thread, width_of(quads), (shares.x + shares.y) + (shares.z + shares.w));
    let log_prob = (best.y - best.x) - log(total);
    // Logits that have left the range of 32 bits choose nothing.
    return vec2(select(NONE, best.z, abs(log_prob) <= -LOWEST), log_prob);
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let sentence = workgroup.x;
    let length = lengths[sentence];
    let hidden = HIDDEN + (params.layers - 1u) * params.hidden_quads;
    take_up(frontier[params.next_rows + sentence], thread);
    if thread == 0u {
        chosen = frontier[sentence];
    }
    workgroupBarrier();

    for (var step = 0u; step < params.steps; step += 1u) {
        for (var layer = 0u; layer < params.layers; layer += 1u) {
            advance(layer, thread);
        }
        attend(sentence, length, hidden, thread);
        let row = (sentence * params.rows + min(step, params.rows - 1u)) * params.pitch;
        for (var s = thread; s < params.src_len; s += THREADS) {
            var share = 0.0;
            if s < length {
                share = attended[s];
            }
            alignment[row + s] = share;
        }
        write_attentional(sentence, length, hidden, thread);
        let choice = choose(thread);
        if thread == 0u {
            let choices = part_of(2u * params.layers + 1u, params.next_rows, 0u);
            next[choices + sentence * params.steps + step] = vec4(choice, 0.0, 0.0);
            chosen = select(u32(choice.x), params.eos, choice.x < 0.0);
        }
        if workgroupUniformLoad(&chosen) == params.eos {
            break;
        }
    }
    put_down(sentence, thread);
}
