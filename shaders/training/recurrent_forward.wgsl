// One step of a recurrent layer that keeps what backward needs, in all its directions: the recurrent product, the
// gates in place of their sums and the new state. Sentences that have ended are left alone.
//
// As in the products of the other recurrent kernels, a quad of outputs is one unit's gates, except for the tanh cell.

#import finish_registers
#import inputs
#import product_nt
#import sequence

@group(0) @binding(0) var<storage, read> weight_hh: array<vec4<f32>>;       // (directions · blocks · units, hidden)
@group(0) @binding(1) var<storage, read> lengths: array<u32>;               // (batch)
@group(0) @binding(2) var<storage, read_write> gates: array<f32>;           // (batch · len, directions · blocks · units)
@group(0) @binding(3) var<storage, read_write> previous: array<vec4<f32>>;  // (batch · len, directions · units)
@group(0) @binding(4) var<storage, read_write> previous_cell: array<f32>;   // the same
@group(0) @binding(5) var<storage, read_write> output: array<f32>;          // (batch · len, directions · hidden)
@group(0) @binding(6) var<storage, read_write> last_hidden: array<f32>;     // (batch, directions · hidden)
@group(0) @binding(7) var<storage, read_write> last_cell: array<f32>;       // the same

struct Params {
    batch: u32,
    len: u32,
    step: u32,
    hidden: u32, // units of a direction
    quads: u32,  // the same in quads
    directions: u32,
    pitch: u32,  // floats from one row of `output` or of a state to the next
}
@group(1) @binding(0) var<uniform> params: Params;

// The new hidden units of a workgroup's rows: one thread has one unit, and `previous` is written by quads.
var<workgroup> next_hidden: array<f32, 4u * THREADS>;
var<private> first_row: u32;

fn begin_of(row: u32) -> u32 {
    return units_of(row_of(row, params.step));
}

fn input(place: u32) -> vec4<f32> {
    return previous[place];
}

fn weights_of(quad: u32, i: u32) -> u32 {
    let block = select(4u * i * params.quads + quad, 4u * quad + i, CELL == TANH);
    return (4u * direction * blocks() * params.quads + block) * params.quads;
}

fn weight(index: u32) -> vec4<f32> {
    return weight_hh[index];
}

fn store(row: u32, unit: u32, next: Unit) {
    let column = direction * params.hidden + unit;
    output[row_of(row, params.step) * params.pitch + column] = next.hidden;
    if params.step + 1u == lengths[row] {
        last_hidden[row * params.pitch + column] = next.hidden;
        if CELL == LSTM {
            last_cell[row * params.pitch + column] = next.cell;
        }
    } else if CELL == LSTM {
        previous_cell[4u * units_of(row_of(row, params.step + 1u)) + unit] = next.cell;
    }
}

fn finish(row: u32, quad: u32, y: vec4<f32>) {
    if params.step >= lengths[row] {
        return;
    }
    let place = row_of(row, params.step);
    let first = 4u * gates_of(place);
    if CELL == TANH {
        var next = vec4(0.0);
        for (var i = 0u; i < 4u; i += 1u) {
            let unit = 4u * quad + i;
            if unit < params.hidden {
                let hidden = bounded_tanh(gates[first + unit] + y[i]);
                gates[first + unit] = hidden;
                store(row, unit, Unit(hidden, 0.0));
                next = select(next, vec4(hidden), four_from(0u) == vec4(i));
            }
        }
        if params.step + 1u < lengths[row] {
            previous[units_of(row_of(row, params.step + 1u)) + quad] = next;
        }
        return;
    }
    let block = 4u * params.quads;
    let unit = first + quad;
    let sums = y + vec4(gates[unit], gates[unit + block], gates[unit + 2u * block], gates[unit + 3u * block]);
    var next: Unit;
    var activations: vec4<f32>;
    if CELL == GRU {
        let units = gru_gates(sums.yzxw);
        next = gru_unit(units, previous[units_of(place) + quad / 4u][quad % 4u]);
        activations = units.zxyw;
    } else {
        activations = lstm_gates(sums);
        next = lstm_unit(activations, previous_cell[4u * units_of(place) + quad]);
    }
    gates[unit] = activations.x;
    gates[unit + block] = activations.y;
    gates[unit + 2u * block] = activations.z;
    gates[unit + 3u * block] = activations.w;
    store(row, quad, next);
    next_hidden[(row - first_row) * columns() + quad % columns()] = next.hidden;
}

// A quad of the new hidden units of one row becomes what the next step reads.
fn write_previous(row: u32, workgroup: vec3<u32>, quad: u32) {
    let first = workgroup.x * columns() + 4u * quad;
    if first >= params.hidden || params.step + 1u >= lengths[row] {
        return;
    }
    let at = (row - first_row) * columns() + 4u * quad;
    let next = vec4(next_hidden[at], next_hidden[at + 1u], next_hidden[at + 2u], next_hidden[at + 3u]);
    let are_units = four_from(first) < vec4(params.hidden);
    previous[units_of(row_of(row, params.step + 1u)) + first / 4u] = select(vec4(0.0), next, are_units);
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    direction = workgroup.z;
    let rows = rows_of_workgroup();
    first_row = workgroup.y * rows;
    let outputs = select(params.hidden, params.quads, CELL == TANH);
    product(Shape(params.batch, outputs, params.quads, 0u, 0u), workgroup, thread);
    if CELL == TANH {
        return;
    }
    workgroupBarrier();
    let width = columns() / 4u;
    let row = first_row + thread / width;
    if thread / width < rows && row < params.batch {
        write_previous(row, workgroup, thread % width);
    }
}
