// A step of beam search: the best extensions of a sentence's live hypotheses live on or are finished, and the search ends
// when none that lives can win. A workgroup a sentence.
//
// The importing shader has `limits`, `frontier`, `trellis`, `status`, `log_prob`, `finished` and in `params` what stands in
// those of `extend`, MAX_BEAM, and of every tile of symbols (largest, Σ exp), then `keep` times (logit, symbol), the best
// first, in an array `candidates`:
//   fn candidates_of(sentence: u32, hypothesis: u32) -> u32   where those of a hypothesis begin
//   fn penalty_of(row: u32) -> f32                            for what was not attended to

#import row_choice

// Stands in place of a logit once its extension was chosen.
const TAKEN: f32 = 3.4028233e38;

// Of every live hypothesis Σ ln p before the step, and what makes probabilities of its logits.
var<workgroup> earlier: array<f32, MAX_BEAM>;
var<workgroup> largest: array<f32, MAX_BEAM>;
var<workgroup> log_sum: array<f32, MAX_BEAM>;
// The extensions chosen, the best first.
var<workgroup> chosen_place: array<u32, MAX_BEAM>;
var<workgroup> chosen_logit: array<f32, MAX_BEAM>;
var<workgroup> alive: u32;

// An extension: hypothesis · symbols + symbol, and what it is compared by.
struct Extension {
    key: f32,
    place: u32,
    logit: f32,
    at: u32, // in `candidates`
}

// L + ln p of a hypothesis with this logit.
fn log_prob_of(hypothesis: u32, logit: f32) -> f32 {
    return earlier[hypothesis] + ((logit - largest[hypothesis]) - log_sum[hypothesis]);
}

// Each team prepares every so-manieth hypothesis.
fn prepare(sentence: u32, live: u32, thread: u32) {
    let mine = team(thread);
    let count = team_count(thread);
    for (var first = 0u; first < live; first += count) {
        let hypothesis = first + mine.index;
        let known = hypothesis < live;
        let place = candidates_of(sentence, min(hypothesis, live - 1u));
        var top = LOWEST;
        for (var tile = mine.lane; tile < params.tiles; tile += mine.lanes) {
            top = max(top, candidates[place + tile * (1u + params.keep)].x);
        }
        top = team_max(thread, top);
        var sum = 0.0;
        for (var tile = mine.lane; tile < params.tiles; tile += mine.lanes) {
            let part = candidates[place + tile * (1u + params.keep)];
            sum += part.y * exp(part.x - top);
        }
        sum = team_sum(thread, sum);
        if known && mine.lane == 0u {
            earlier[hypothesis] = log_prob[sentence * params.beam + hypothesis].x;
            largest[hypothesis] = top;
            log_sum[hypothesis] = log(sum);
        }
    }
    workgroupBarrier();
}

// The best extension that was not taken, in the thread's share of the lists: one of every hypothesis and tile.
//
// Keys are log probabilities relative to the first hypothesis: of one hypothesis alone they are the logits themselves.
fn best_left(sentence: u32, live: u32, thread: u32) -> Extension {
    var best = Extension(LOWEST, NOWHERE, LOWEST, 0u);
    for (var list = thread; list < live * params.tiles; list += REDUCE_THREADS) {
        let hypothesis = list / params.tiles;
        let first = candidates_of(sentence, hypothesis) + list % params.tiles * (1u + params.keep) + 1u;
        let offset = log_prob_of(hypothesis, 0.0) - log_prob_of(0u, 0.0);
        var at = first;
        while at < first + params.keep && candidates[at].x == TAKEN {
            at += 1u;
        }
        if at < first + params.keep && candidates[at].x > LOWEST {
            let logit = candidates[at].x;
            let key = logit + offset;
            let place = hypothesis * params.symbols + u32(candidates[at].y);
            if key > best.key || (key == best.key && place < best.place) {
                best = Extension(key, place, logit, at);
            }
        }
    }
    return best;
}

// Chooses the best extensions, in their order; those that were not found are NOWHERE.
fn choose(sentence: u32, live: u32, thread: u32) {
    var mine = best_left(sentence, live, thread);
    for (var rank = 0u; rank < params.beam; rank += 1u) {
        let top = workgroup_max(thread, mine.key);
        let place = place_of(thread, top, mine.key, mine.place);
        if place == NOWHERE {
            if thread == 0u {
                chosen_place[rank] = NOWHERE;
            }
        } else if mine.place == place {
            chosen_place[rank] = place;
            chosen_logit[rank] = mine.logit;
            candidates[mine.at].x = TAKEN;
            mine = best_left(sentence, live, thread);
        }
    }
    workgroupBarrier();
}

// Puts a finished hypothesis in its place, if it is among the best; how many there are then.
fn finish_hypothesis(sentence: u32, count: u32, hypothesis: vec4<f32>) -> u32 {
    let first = sentence * params.n_best;
    var place = count;
    while place > 0u && finished[first + place - 1u].x < hypothesis.x {
        place -= 1u;
    }
    if place == params.n_best {
        return count;
    }
    let last = min(count, params.n_best - 1u);
    for (var at = last; at > place; at -= 1u) {
        finished[first + at] = finished[first + at - 1u];
    }
    finished[first + place] = hypothesis;
    return last + 1u;
}

// What was chosen lives or is finished: the work of one thread.
fn keep(sentence: u32) {
    let rows = params.batch * params.beam;
    let first = sentence * params.beam;
    let steps = params.row * 2u * rows;
    var count = status[params.batch + sentence];
    var live = 0u;
    for (var rank = 0u; rank < params.beam; rank += 1u) {
        let place = chosen_place[rank];
        if place == NOWHERE {
            break;
        }
        let hypothesis = place / params.symbols;
        let symbol = place % params.symbols;
        let likelihood = log_prob_of(hypothesis, chosen_logit[rank]);
        if symbol == params.eos {
            let score = likelihood / params.length_penalty + penalty_of(first + hypothesis);
            count = finish_hypothesis(sentence, count, vec4(score, likelihood, f32(params.step), f32(hypothesis)));
        } else {
            frontier[first + live] = symbol;
            frontier[rows + first + live] = sentence * params.width + hypothesis;
            trellis[steps + first + live] = symbol;
            trellis[steps + rows + first + live] = hypothesis;
            log_prob[first + live].x = likelihood;
            live += 1u;
        }
    }
    // Rows without a hypothesis are computed with the others: they continue one that exists.
    for (var spare = live; spare < params.beam; spare += 1u) {
        frontier[first + spare] = params.pad;
        frontier[rows + first + spare] = sentence * params.width;
    }
    // None that lives can come to a better score than the best of them would have if it went on to the limit at no cost.
    let limit = limits[sentence];
    let worst = finished[sentence * params.n_best + params.n_best - 1u].x;
    let won = count == params.n_best && log_prob[first].x / limit.y <= worst;
    let ended = live == 0u || f32(params.step + 1u) >= limit.x || won;
    status[sentence] = live;
    status[params.batch + sentence] = count;
    status[2u * params.batch + sentence] = select(0u, params.step + 1u, ended);
}

// How many hypotheses of a sentence live, in every thread; none where its search has ended.
fn live_of(sentence: u32, thread: u32) -> u32 {
    if thread == 0u {
        let ended = status[2u * params.batch + sentence] != 0u;
        alive = select(min(status[sentence], params.width), 0u, ended);
    }
    return workgroupUniformLoad(&alive);
}

fn extend(sentence: u32, live: u32, thread: u32) {
    prepare(sentence, live, thread);
    choose(sentence, live, thread);
    if thread == 0u {
        keep(sentence);
    }
}
