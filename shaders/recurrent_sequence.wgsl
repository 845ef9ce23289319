// Many positions of a recurrent layer over sequences in one dispatch. Sentences need nothing of each other, so a workgroup
// keeps the states of one or four of them in one direction, and reads the recurrent weights at every position, from a cache:
// for weights that one processor reads in less time than a dispatch takes.
//
// SLICES threads share a quad of gates, each with every SLICES-th quad of the state's units, and add up in workgroup
// memory, always in one order. The first of them applies the gates, and keeps the cells.

#import block
#import cell
#import positions
#import quad
#import threads
#import weights

@group(0) @binding(1) var<storage, read> gates: array<vec4<f32>>;       // (batch · len, directions · quads): W_ih x + b
@group(0) @binding(2) var<storage, read> lengths: array<u32>;           // (batch)
@group(0) @binding(3) var<storage, read> previous_hidden: array<f32>;   // (batch, directions · hidden)
@group(0) @binding(4) var<storage, read> previous_cell: array<f32>;     // the same
@group(0) @binding(5) var<storage, read_write> next_hidden: array<f32>; // the same
@group(0) @binding(6) var<storage, read_write> next_cell: array<f32>;   // the same
@group(0) @binding(7) var<storage, read_write> output: array<f32>;      // (batch · len, directions · hidden)

struct Params {
    batch: u32,
    len: u32,
    step: u32,       // the first
    steps: u32,      // how many
    hidden: u32,     // units of a direction, at most 256
    quads: u32,      // quads of gates of a direction, at most 256 / SLICES
    first: u32,      // where the recurrent weights begin
    directions: u32,
    pitch: u32,      // quads from one row of a state or of the output to the next
}
@group(1) @binding(0) var<uniform> params: Params;

// Sentences of a workgroup: 1 or 4.
override ROWS: u32 = 4u;
// Threads that share a quad of gates: a power of two.
override SLICES: u32 = 1u;

// A unit of the state in every row, four and four.
var<workgroup> hidden: array<array<vec4<f32>, 4>, 64>;
var<workgroup> partial: array<vec4<f32>, THREADS>;

var<private> direction: u32;
var<private> first_row: u32;

// What one thread has of the sums of a quad of gates, a column for each row.
fn plus_unit(y: mat4x4<f32>, w: vec4<f32>, h: vec4<f32>) -> mat4x4<f32> {
    if ROWS == 1u {
        return mat4x4(y[0] + h.x * w, y[1], y[2], y[3]);
    }
    return mat4x4(y[0] + h.x * w, y[1] + h.y * w, y[2] + h.z * w, y[3] + h.w * w);
}

fn summed(quad: u32, slice: u32) -> mat4x4<f32> {
    let stride = params.directions * params.quads;
    let first = params.first + direction * params.quads + quad;
    var place = first + 4u * slice * stride;
    var y: mat4x4<f32>;
    // Four units at a time, so that as many loads are under way.
    for (var k = slice; k < params.hidden / 4u; k += SLICES) {
        let w_0 = weight(place);
        let w_1 = weight(place + stride);
        let w_2 = weight(place + 2u * stride);
        let w_3 = weight(place + 3u * stride);
        y = plus_unit(plus_unit(y, w_0, hidden[k][0]), w_1, hidden[k][1]);
        y = plus_unit(plus_unit(y, w_2, hidden[k][2]), w_3, hidden[k][3]);
        place += 4u * SLICES * stride;
    }
    for (var unit = params.hidden / 4u * 4u + slice; unit < params.hidden; unit += SLICES) {
        y = plus_unit(y, weight(first + unit * stride), hidden[unit / 4u][unit % 4u]);
    }
    return y;
}

// A row's sums of all slices, in the first one. All threads call this; when it ends nobody reads the state any more.
fn shared_sums(thread: u32, y: vec4<f32>) -> vec4<f32> {
    if SLICES == 1u {
        return y;
    }
    partial[thread] = y;
    workgroupBarrier();
    var sum = vec4(0.0);
    if thread < THREADS / SLICES {
        for (var other = thread; other < THREADS; other += THREADS / SLICES) {
            sum += partial[other];
        }
    }
    workgroupBarrier();
    return sum;
}

// Where a row's units of this direction begin, in a state or at a position of the output.
fn place_of(row: u32) -> u32 {
    return row * params.pitch * 4u + direction * params.hidden;
}

// The sums of a row's quad of gates at a step.
fn sums_at(row: u32, position: u32, quad: u32, y: vec4<f32>) -> vec4<f32> {
    return gates[((row * params.len + position) * params.directions + direction) * params.quads + quad] + y;
}

// A unit of a row after a step.
fn next_unit(row: u32, unit: u32, step: u32, y: vec4<f32>, before: Unit) -> Unit {
    if row >= params.batch {
        return before;
    }
    let length = lengths[row];
    let position = position_at(step, length, direction);
    let place = place_of(row * params.len + position) + unit;
    if step >= length {
        output[place] = 0.0;
        return before;
    }
    let sums = sums_at(row, position, unit, y);
    var next: Unit;
    if CELL == GRU {
        next = gru(sums, before.hidden);
    } else {
        next = lstm(sums, before.cell);
    }
    output[place] = next.hidden;
    return next;
}

// Four units of a row after a step, of the tanh cell.
fn next_units(row: u32, quad: u32, step: u32, y: vec4<f32>, before: vec4<f32>) -> vec4<f32> {
    if row >= params.batch {
        return before;
    }
    let length = lengths[row];
    let position = position_at(step, length, direction);
    var next = before;
    var shown = vec4(0.0);
    if step < length {
        next = bounded_tanh4(sums_at(row, position, quad, y));
        shown = next;
    }
    for (var i = 0u; i < 4u && 4u * quad + i < params.hidden; i += 1u) {
        output[place_of(row * params.len + position) + 4u * quad + i] = shown[i];
    }
    return next;
}

// Where the rows' states have a unit; the last row stands in for those that there are not.
fn places_of(unit: u32) -> vec4<u32> {
    let row = min(four_from(first_row), vec4(params.batch - 1u));
    return vec4(place_of(row.x), place_of(row.y), place_of(row.z), place_of(row.w)) + unit;
}

fn are_rows() -> vec4<bool> {
    return four_from(0u) < vec4(min(ROWS, params.batch - first_row));
}

fn previous_units(unit: u32) -> vec4<f32> {
    let at = places_of(unit);
    let units = vec4(previous_hidden[at.x], previous_hidden[at.y], previous_hidden[at.z], previous_hidden[at.w]);
    return select(vec4(0.0), units, are_rows());
}

fn previous_cells(unit: u32) -> vec4<f32> {
    let at = places_of(unit);
    let cells = vec4(previous_cell[at.x], previous_cell[at.y], previous_cell[at.z], previous_cell[at.w]);
    return select(vec4(0.0), cells, are_rows());
}

// The state of a quad of gates in all rows after a step; its cells become the new ones.
fn advance(quad: u32, step: u32, y: mat4x4<f32>, cells: ptr<function, vec4<f32>>) {
    if CELL == TANH {
        let before = transpose(mat4x4(hidden[quad][0], hidden[quad][1], hidden[quad][2], hidden[quad][3]));
        var next: mat4x4<f32>;
        next[0] = next_units(first_row, quad, step, y[0], before[0]);
        if ROWS == 4u {
            next[1] = next_units(first_row + 1u, quad, step, y[1], before[1]);
            next[2] = next_units(first_row + 2u, quad, step, y[2], before[2]);
            next[3] = next_units(first_row + 3u, quad, step, y[3], before[3]);
        }
        let units = transpose(next);
        hidden[quad] = array(units[0], units[1], units[2], units[3]);
        return;
    }
    let before = hidden[quad / 4u][quad % 4u];
    let c = *cells;
    let unit_0 = next_unit(first_row, quad, step, y[0], Unit(before.x, c.x));
    if ROWS == 1u {
        hidden[quad / 4u][quad % 4u] = vec4(unit_0.hidden, 0.0, 0.0, 0.0);
        *cells = vec4(unit_0.cell, 0.0, 0.0, 0.0);
        return;
    }
    let unit_1 = next_unit(first_row + 1u, quad, step, y[1], Unit(before.y, c.y));
    let unit_2 = next_unit(first_row + 2u, quad, step, y[2], Unit(before.z, c.z));
    let unit_3 = next_unit(first_row + 3u, quad, step, y[3], Unit(before.w, c.w));
    hidden[quad / 4u][quad % 4u] = vec4(unit_0.hidden, unit_1.hidden, unit_2.hidden, unit_3.hidden);
    *cells = vec4(unit_0.cell, unit_1.cell, unit_2.cell, unit_3.cell);
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    direction = workgroup.y;
    first_row = workgroup.x * ROWS;
    let quad = thread % (THREADS / SLICES);
    let is_first = thread < params.quads && thread < THREADS / SLICES;
    var cells = vec4(0.0);
    if CELL == LSTM && is_first {
        cells = previous_cells(quad);
    }
    if thread < params.hidden {
        hidden[thread / 4u][thread % 4u] = previous_units(thread);
    }
    workgroupBarrier();

    for (var step = params.step; step < params.step + params.steps; step += 1u) {
        var y: mat4x4<f32>;
        if quad < params.quads {
            y = summed(quad, thread / (THREADS / SLICES));
        }
        y[0] = shared_sums(thread, y[0]);
        if ROWS == 4u {
            y[1] = shared_sums(thread, y[1]);
            y[2] = shared_sums(thread, y[2]);
            y[3] = shared_sums(thread, y[3]);
        }
        if SLICES == 1u {
            workgroupBarrier();
        }
        if is_first {
            advance(quad, step, y, &cells);
        }
        workgroupBarrier();
    }

    for (var i = 0u; i < ROWS && first_row + i < params.batch; i += 1u) {
        if thread < params.hidden {
            next_hidden[place_of(first_row + i) + thread] = hidden[thread / 4u][thread % 4u][i];
        }
        if CELL == LSTM && is_first {
            next_cell[place_of(first_row + i) + quad] = cells[i];
        }
    }
}
