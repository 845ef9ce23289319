// One step of a recurrent layer of one direction: input product, recurrent product, gates and new state in one
// dispatch, from the embedding of a symbol where the layer is the first.

#import cell
#import finish_weights
#import product
#import quad
#import weights

@group(0) @binding(1) var<storage, read> rows: array<vec4<f32>>;            // (vocab or batch, inputs_0)
@group(0) @binding(2) var<storage, read> frontier: array<u32>;              // (2, batch): symbols, rows continued
@group(0) @binding(3) var<storage, read> feed: array<vec4<f32>>;            // (earlier rows, inputs_1)
@group(0) @binding(4) var<storage, read> previous_hidden: array<vec4<f32>>; // (earlier rows, hidden)
@group(0) @binding(5) var<storage, read> previous_cell: array<f32>;         // (earlier rows, hidden)
@group(0) @binding(6) var<storage, read_write> next_hidden: array<f32>;     // (batch, hidden)
@group(0) @binding(7) var<storage, read_write> next_cell: array<f32>;       // (batch, hidden)

struct Params {
    batch: u32,
    quads: u32,    // quads of gates
    inputs_0: u32, // quads of an embedding or of the layer below
    inputs_1: u32, // quads of the attentional state that is fed; 0 without
    inputs_2: u32, // quads of the hidden state
    bias: u32,     // where the biases begin
}
@group(1) @binding(0) var<uniform> params: Params;

// Whether the input is looked up by symbol.
override LOOK_UP: bool = true;

// The row of the last step that a row continues.
fn continued(row: u32) -> u32 {
    return frontier[params.batch + row];
}

// Of four rows those that are looked up or lie below, and those that are continued.
struct Rows {
    below: vec4<u32>,
    earlier: vec4<u32>,
}

// The last row stands in for those behind it, which are dropped when they are finished.
fn rows_from(shape: Shape, row: u32) -> Rows {
    let own = min(four_from(row), vec4(shape.rows - 1u));
    let earlier = vec4(continued(own.x), continued(own.y), continued(own.z), continued(own.w));
    if LOOK_UP {
        return Rows(vec4(frontier[own.x], frontier[own.y], frontier[own.z], frontier[own.w]), earlier);
    }
    return Rows(own, earlier);
}

// [embedding or layer below; fed attentional state; hidden state]
fn input_block(mine: Rows, k: u32) -> mat4x4<f32> {
    if k < params.inputs_0 {
        let at = mine.below * params.inputs_0 + vec4(k);
        return mat4x4(rows[at.x], rows[at.y], rows[at.z], rows[at.w]);
    }
    let behind = k - params.inputs_0;
    if behind < params.inputs_1 {
        let at = mine.earlier * params.inputs_1 + vec4(behind);
        return mat4x4(feed[at.x], feed[at.y], feed[at.z], feed[at.w]);
    }
    let at = mine.earlier * params.inputs_2 + vec4(behind - params.inputs_1);
    return mat4x4(previous_hidden[at.x], previous_hidden[at.y], previous_hidden[at.z], previous_hidden[at.w]);
}

fn finish(row: u32, quad: u32, y: vec4<f32>) {
    let sums = y + bias(params.bias, quad);
    let first = row * params.inputs_2 * 4u;
    if CELL == TANH {
        for (var i = 0u; i < 4u; i += 1u) {
            next_hidden[first + 4u * quad + i] = bounded_tanh(sums[i]);
        }
    } else if CELL == GRU {
        let hidden = previous_hidden[continued(row) * params.inputs_2 + quad / 4u][quad % 4u];
        next_hidden[first + quad] = gru(sums, hidden).hidden;
    } else {
        let next = lstm(sums, previous_cell[continued(row) * params.inputs_2 * 4u + quad]);
        next_hidden[first + quad] = next.hidden;
        next_cell[first + quad] = next.cell;
    }
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let inputs = params.inputs_0 + params.inputs_1 + params.inputs_2;
    product(Shape(params.batch, params.quads, inputs, 0u, params.quads), workgroup, thread);
}
