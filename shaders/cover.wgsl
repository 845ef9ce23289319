// What was attended to so far, Σ_t a_t(s), and the penalty for what was not: β Σ_s ln min(Σ_t a_t(s), 1), Wu et al. 2016,
// eq. 14. A workgroup a row.

#import grid
#import reduce

@group(0) @binding(0) var<storage, read> weights: array<f32>;              // (batch · rows, src_len)
@group(0) @binding(1) var<storage, read> previous: array<f32>;             // (batch · beam, src_len)
@group(0) @binding(2) var<storage, read> frontier: array<u32>;             // (2, batch · beam)
@group(0) @binding(3) var<storage, read> status: array<u32>;               // (3, batch)
@group(0) @binding(4) var<storage, read> lengths: array<u32>;              // (batch)
@group(0) @binding(5) var<storage, read_write> sums: array<f32>;           // (batch · beam, src_len)
@group(0) @binding(6) var<storage, read_write> penalty: array<vec4<f32>>;  // (batch · beam, 1)

struct Params {
    batch: u32,
    beam: u32,
    width: u32,     // hypotheses of a sentence in this step
    rows: u32,      // of a sentence in `weights`
    first_row: u32, // of this step among them
    pitch: u32,     // floats from one row to the next
    cols: u32,
    step: u32,
    share: f32,
    replace: u32,   // whether the sums begin anew, from those of the step before
    factor: f32,    // β
    least: f32,     // what a position counts as at least
}
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(REDUCE_THREADS)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let row = grid_index(workgroup);
    if row >= params.batch * params.beam {
        return;
    }
    let sentence = row / params.beam;
    let ended = status[2u * params.batch + sentence];
    if ended != 0u && ended != params.step + 1u {
        return;
    }
    let hypothesis = frontier[params.batch * params.beam + row] - sentence * params.width;
    let before = (sentence * params.beam + hypothesis) * params.pitch;
    let attended = (sentence * params.rows + params.first_row + hypothesis) * params.pitch;
    var logarithms = 0.0;
    for (var s = thread; s < params.cols; s += REDUCE_THREADS) {
        let place = row * params.pitch + s;
        var sum = 0.0;
        if params.replace == 1u {
            sum = previous[before + s];
        } else {
            sum = sums[place];
        }
        sum += params.share * weights[attended + s];
        sums[place] = sum;
        if s < lengths[sentence] && sum < 1.0 {
            logarithms += log(max(sum, params.least));
        }
    }
    logarithms = workgroup_sum(thread, logarithms);
    if thread == 0u {
        penalty[row].x = params.factor * logarithms;
    }
}
