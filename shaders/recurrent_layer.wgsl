// One position of a recurrent layer over sequences, in all its directions: the recurrent product, the gates and
// the new state in one dispatch. The products of the inputs stand ready, so the host asks for one of these a position.
//
// Step t is position t of the forward direction and length − 1 − t of the reverse one. A sentence that has ended
// keeps its state; its output is zero from there on.

#import cell
#import finish_registers
#import inputs
#import positions
#import product
#import weights

@group(0) @binding(1) var<storage, read> gates: array<vec4<f32>>;           // (batch · len, directions · quads): W_ih x + b
@group(0) @binding(2) var<storage, read> lengths: array<u32>;               // (batch)
@group(0) @binding(3) var<storage, read> previous_hidden: array<vec4<f32>>; // (batch, directions · hidden)
@group(0) @binding(4) var<storage, read> previous_cell: array<f32>;         // the same
@group(0) @binding(5) var<storage, read_write> next_hidden: array<f32>;     // the same
@group(0) @binding(6) var<storage, read_write> next_cell: array<f32>;       // the same
@group(0) @binding(7) var<storage, read_write> output: array<f32>;          // (batch · len, directions · hidden)

struct Params {
    batch: u32,
    len: u32,
    step: u32,
    hidden: u32,     // units of a direction
    quads: u32,      // quads of gates of a direction
    inputs: u32,     // quads of a direction's hidden state
    first: u32,      // where the recurrent weights begin
    directions: u32,
    pitch: u32,      // quads from one row of a state or of the output to the next
}
@group(1) @binding(0) var<uniform> params: Params;

// A workgroup works on one direction.
var<private> direction: u32;

// Whether the units of both directions are known to begin at a quad's border.
override ALIGNED: bool = false;

fn begin_of(row: u32) -> u32 {
    return row * params.pitch + direction * params.hidden / 4u;
}

fn input(place: u32) -> vec4<f32> {
    let low = previous_hidden[place];
    if ALIGNED {
        return low;
    }
    // What lies behind the row's last unit is multiplied by zero weights, so any finite value will do.
    let high = previous_hidden[min(place + 1u, params.batch * params.pitch - 1u)];
    // By two units, and by one: a load behind a branch would wait for the one before.
    let shift = direction * params.hidden % 4u;
    let first = select(low, vec4(low.zw, high.xy), shift >= 2u);
    let second = select(high, vec4(high.zw, 0.0, 0.0), shift >= 2u);
    return select(first, vec4(first.yzw, second.x), shift % 2u == 1u);
}

fn store(row: u32, unit: u32, next: Unit) {
    let place = direction * params.hidden + unit;
    let state = row * params.pitch * 4u + place;
    let length = lengths[row];
    let position = position_at(params.step, length, direction);
    let shown = (row * params.len + position) * params.pitch * 4u + place;
    if params.step < length {
        output[shown] = next.hidden;
        next_hidden[state] = next.hidden;
        if CELL == LSTM {
            next_cell[state] = next.cell;
        }
    } else {
        output[shown] = 0.0;
        next_hidden[state] = previous_hidden[state / 4u][state % 4u];
        if CELL == LSTM {
            next_cell[state] = previous_cell[state];
        }
    }
}

fn finish(row: u32, quad: u32, y: vec4<f32>) {
    let position = position_at(params.step, lengths[row], direction);
    let place = (row * params.len + position) * params.directions + direction;
    let sums = gates[place * params.quads + quad] + y;
    if CELL == TANH {
        for (var i = 0u; i < 4u; i += 1u) {
            if 4u * quad + i < params.hidden {
                store(row, 4u * quad + i, Unit(bounded_tanh(sums[i]), 0.0));
            }
        }
        return;
    }
    let state = row * params.pitch * 4u + direction * params.hidden + quad;
    if CELL == GRU {
        store(row, quad, gru(sums, previous_hidden[state / 4u][state % 4u]));
    } else {
        store(row, quad, lstm(sums, previous_cell[state]));
    }
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    direction = workgroup.z;
    let first = params.first + workgroup.z * params.quads;
    let stride = params.directions * params.quads;
    product(Shape(params.batch, params.quads, params.inputs, first, stride), workgroup, thread);
}
