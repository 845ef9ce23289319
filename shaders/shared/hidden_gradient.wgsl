// The gradient of a hidden state through the gates of the step behind it: d_gates W_hh, of one direction.
//
// The importing shader has `weight_hh`, `lengths`, `gates`, `carry` (batch, directions · hidden), `params` with what
// `sequence` wants and `batch`, `hidden` and `pitch`, the floats from one row of the carry to the next, and
//   fn next_step() -> u32                               the step behind the state
//   fn finish(row: u32, quad: u32, y: vec4<f32>)        four units of a sentence

#import finish_registers
#import product
#import quad
#import sequence

// Where the gates of four sentences' steps begin, and in which of them the step is.
struct Rows {
    begins: vec4<u32>,
    are_within: vec4<bool>,
}

// The last row stands in for those behind it, which are dropped when they are finished.
fn rows_from(shape: Shape, row: u32) -> Rows {
    let rows = min(four_from(row), vec4(shape.rows - 1u));
    let step = next_step();
    return Rows(
        vec4(
            gates_of(row_of(rows.x, step)),
            gates_of(row_of(rows.y, step)),
            gates_of(row_of(rows.z, step)),
            gates_of(row_of(rows.w, step)),
        ),
        vec4(step) < vec4(lengths[rows.x], lengths[rows.y], lengths[rows.z], lengths[rows.w]),
    );
}

// Nothing stands behind the last step of a sentence: what its place holds, which others may be writing, is dropped.
fn input_block(rows: Rows, k: u32) -> mat4x4<f32> {
    let places = rows.begins + vec4(k);
    return mat4x4(
        select(vec4(0.0), gates[places.x], rows.are_within.x),
        select(vec4(0.0), gates[places.y], rows.are_within.y),
        select(vec4(0.0), gates[places.z], rows.are_within.z),
        select(vec4(0.0), gates[places.w], rows.are_within.w),
    );
}

// What the step behind hands on beside its gates: d_c of an LSTM, z ⊙ d_h of a GRU.
fn carried(row: u32, quad: u32) -> vec4<f32> {
    let at = vec4(row * params.pitch + direction * params.hidden) + min(four_from(4u * quad), vec4(params.hidden - 1u));
    return select(vec4(0.0), vec4(carry[at.x], carry[at.y], carry[at.z], carry[at.w]), within(quad, params.hidden));
}

fn weight(index: u32) -> vec4<f32> {
    return weight_hh[index];
}

fn hidden_gradient(workgroup: vec3<u32>, thread: u32) {
    direction = workgroup.z;
    let inputs = blocks() * params.quads;
    let first = 4u * workgroup.z * inputs * params.quads;
    product(Shape(params.batch, params.quads, inputs, first, params.quads), workgroup, thread);
}
