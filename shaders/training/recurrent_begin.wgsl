// Lets each direction of a recurrent layer begin with a state in place of zeros.

#import grid
#import quad
#import sequence

@group(0) @binding(0) var<storage, read> lengths: array<u32>;                    // (batch)
@group(0) @binding(1) var<storage, read> hidden: array<f32>;                     // (batch, directions · hidden)
@group(0) @binding(2) var<storage, read> cell: array<f32>;                       // the same
@group(0) @binding(3) var<storage, read_write> previous: array<vec4<f32>>;       // (batch · len, directions · units)
@group(0) @binding(4) var<storage, read_write> previous_cell: array<vec4<f32>>;  // the same

struct Params {
    batch: u32,
    len: u32,
    hidden: u32, // units of a direction
    quads: u32,  // the same in quads
    directions: u32,
    pitch: u32,  // floats from one row of the state to the next
}
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let index = grid_index(workgroup) * 256u + thread;
    let quad = index % params.quads;
    direction = index / params.quads % params.directions;
    let sentence = index / params.quads / params.directions;
    if sentence >= params.batch {
        return;
    }
    let start = sentence * params.pitch + direction * params.hidden;
    // The last unit stands in for those behind it.
    let at = vec4(start) + min(four_from(4u * quad), vec4(params.hidden - 1u));
    let are_units = within(quad, params.hidden);
    let place = units_of(row_of(sentence, 0u)) + quad;
    let first_hidden = vec4(hidden[at.x], hidden[at.y], hidden[at.z], hidden[at.w]);
    previous[place] = select(vec4(0.0), first_hidden, are_units);
    if CELL == LSTM {
        let first_cell = vec4(cell[at.x], cell[at.y], cell[at.z], cell[at.w]);
        previous_cell[place] = select(vec4(0.0), first_cell, are_units);
    }
}
