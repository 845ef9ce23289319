// One step of a recurrent layer backward, in all its directions: d_h from above, from the gates of the step behind and
// from the last state, then the gradients of the gates' sums in place of the gates. Beyond a sentence they are zero.

#import hidden_gradient

@group(0) @binding(0) var<storage, read> weight_hh: array<vec4<f32>>;      // (directions · blocks · units, hidden)
@group(0) @binding(1) var<storage, read> lengths: array<u32>;              // (batch)
@group(0) @binding(2) var<storage, read> d_output: array<f32>;             // (batch · len, directions · hidden)
@group(0) @binding(3) var<storage, read> d_last: array<f32>;               // (batch, directions · hidden)
@group(0) @binding(4) var<storage, read> previous: array<vec4<f32>>;       // (batch · len, directions · units)
@group(0) @binding(5) var<storage, read> previous_cell: array<vec4<f32>>;  // the same
@group(0) @binding(6) var<storage, read_write> gates: array<vec4<f32>>;    // (batch · len, directions · blocks · units)
@group(0) @binding(7) var<storage, read_write> carry: array<f32>;          // (batch, directions · hidden): d_c, or z ⊙ d_h

struct Params {
    batch: u32,
    len: u32,
    step: u32,
    hidden: u32, // units of a direction
    quads: u32,  // the same in quads
    directions: u32,
    pitch: u32,  // floats from one row of `d_output`, `d_last` or `carry` to the next
    last: u32,   // 1 where there is `d_last`
}
@group(1) @binding(0) var<uniform> params: Params;

fn next_step() -> u32 {
    return params.step + 1u;
}

// What reaches four units from outside the layer.
fn outer_gradient(row: u32, quad: u32) -> vec4<f32> {
    let columns = vec4(direction * params.hidden) + min(four_from(4u * quad), vec4(params.hidden - 1u));
    let at = vec4(row_of(row, params.step) * params.pitch) + columns;
    var sum = vec4(d_output[at.x], d_output[at.y], d_output[at.z], d_output[at.w]);
    if params.last == 1u && next_step() == lengths[row] {
        let last = vec4(row * params.pitch) + columns;
        sum += vec4(d_last[last.x], d_last[last.y], d_last[last.z], d_last[last.w]);
    }
    return sum;
}

fn carry_on(row: u32, quad: u32, handed: vec4<f32>) {
    for (var i = 0u; i < 4u; i += 1u) {
        if 4u * quad + i < params.hidden {
            carry[row * params.pitch + direction * params.hidden + 4u * quad + i] = handed[i];
        }
    }
}

fn tanh_backward(place: u32, d_hidden: vec4<f32>) {
    gates[place] = d_hidden * (1.0 - gates[place] * gates[place]);
}

// The backward of a cell returns what it hands on.
fn gru_backward(place: u32, state: u32, d_hidden: vec4<f32>) -> vec4<f32> {
    let candidate = gates[place];
    let reset = gates[place + params.quads];
    let update = gates[place + 2u * params.quads];
    let from_hidden = gates[place + 3u * params.quads];
    let d_candidate = d_hidden * (1.0 - update) * (1.0 - candidate * candidate);
    gates[place] = d_candidate;
    gates[place + params.quads] = d_candidate * from_hidden * reset * (1.0 - reset);
    gates[place + 2u * params.quads] = d_hidden * (previous[state] - candidate) * update * (1.0 - update);
    gates[place + 3u * params.quads] = d_candidate * reset;
    return d_hidden * update;
}

// c is not kept: it is f ⊙ c_{t−1} + i ⊙ g.
fn lstm_backward(place: u32, state: u32, d_hidden: vec4<f32>, d_next_cell: vec4<f32>) -> vec4<f32> {
    let in_gate = gates[place];
    let forget = gates[place + params.quads];
    let candidate = gates[place + 2u * params.quads];
    let out_gate = gates[place + 3u * params.quads];
    let before = previous_cell[state];
    let squashed = bounded_tanh4(forget * before + in_gate * candidate);
    let d_cell = d_next_cell + d_hidden * out_gate * (1.0 - squashed * squashed);
    gates[place] = d_cell * candidate * in_gate * (1.0 - in_gate);
    gates[place + params.quads] = d_cell * before * forget * (1.0 - forget);
    gates[place + 2u * params.quads] = d_cell * in_gate * (1.0 - candidate * candidate);
    gates[place + 3u * params.quads] = d_hidden * squashed * out_gate * (1.0 - out_gate);
    return d_cell * forget;
}

fn finish(row: u32, quad: u32, y: vec4<f32>) {
    if params.step >= lengths[row] {
        let place = gates_of(row * params.len + params.step) + quad;
        for (var block = 0u; block < blocks(); block += 1u) {
            gates[place + block * params.quads] = vec4(0.0);
        }
        return;
    }
    let d_hidden = select(vec4(0.0), y + outer_gradient(row, quad), within(quad, params.hidden));
    let step_row = row_of(row, params.step);
    let place = gates_of(step_row) + quad;
    let state = units_of(step_row) + quad;
    if CELL == TANH {
        tanh_backward(place, d_hidden);
    } else if CELL == GRU {
        carry_on(row, quad, gru_backward(place, state, d_hidden + carried(row, quad)));
    } else {
        carry_on(row, quad, lstm_backward(place, state, d_hidden, carried(row, quad)));
    }
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    hidden_gradient(workgroup, thread);
}
