// What `greedy_steps` has chosen becomes a part of the search, as `extend` does it of a beam of one, several steps at once.
// A thread a sentence.

@group(0) @binding(0) var<storage, read> states: array<vec4<f32>>;          // behind the states (batch, steps) choices
@group(0) @binding(1) var<storage, read> limits: array<vec4<f32>>;          // (batch, 2): symbols, lp of that many
@group(0) @binding(2) var<storage, read_write> frontier: array<u32>;        // (2, batch): symbols, rows continued
@group(0) @binding(3) var<storage, read_write> trellis: array<u32>;         // (steps, 2, batch)
@group(0) @binding(4) var<storage, read_write> status: array<u32>;          // (3, batch): live, finished, ended
@group(0) @binding(5) var<storage, read_write> log_prob: array<vec4<f32>>;  // (batch, 1)
@group(0) @binding(6) var<storage, read_write> finished: array<vec4<f32>>;  // (batch, 1): score, ln p, step, row

struct Params {
    batch: u32,
    steps: u32,
    step: u32,    // the first
    choices: u32, // where they begin
    eos: u32,
    pad: u32,
}
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let sentence = invocation.x;
    let batch = params.batch;
    if sentence >= batch || status[2u * batch + sentence] != 0u {
        return;
    }
    var likelihood = log_prob[sentence].x;
    // Rows without a hypothesis are computed with the others.
    var last = params.pad;
    var live = false;
    var ended = 0u;
    for (var i = 0u; i < params.steps && ended == 0u; i += 1u) {
        let step = params.step + i;
        // (symbol, ln p); no symbol is below 0.
        let choice = states[params.choices + sentence * params.steps + i];
        let found = choice.x >= 0.0;
        let symbol = u32(max(choice.x, 0.0));
        live = found && symbol != params.eos;
        if found {
            likelihood += choice.y;
        }
        if live {
            last = symbol;
            trellis[i * 2u * batch + sentence] = symbol;
            trellis[i * 2u * batch + batch + sentence] = 0u;
        } else if found {
            finished[sentence] = vec4(likelihood, likelihood, f32(step), 0.0);
            status[batch + sentence] = 1u;
        }
        if !live || f32(step + 1u) >= limits[sentence].x {
            ended = step + 1u;
        }
    }
    log_prob[sentence].x = likelihood;
    status[sentence] = select(0u, 1u, live);
    status[2u * batch + sentence] = ended;
    frontier[sentence] = select(params.pad, last, live);
    frontier[batch + sentence] = sentence;
}
