// The gradient of a hidden state through the gates of the step behind it: d_gates W_hh, of one direction.
//
// The importing shader has `weight_hh`, `lengths`, `gates`, `carry` (batch, directions · hidden), `params` with what
// `sequence` wants and `batch`, `hidden` and `pitch`, the floats from one row of the carry to the next, and
//   fn next_step() -> u32                               the step behind the state
//   fn finish(row: u32, quad: u32, y: vec4<f32>)        four units of a sentence

#import finish_registers
#import product
#import sequence

// Nothing stands behind the last step of a sentence.
fn input(row: u32, k: u32) -> vec4<f32> {
    if next_step() >= lengths[row] {
        return vec4(0.0);
    }
    return gates[gates_of(row_of(row, next_step())) + k];
}

// What the step behind hands on beside its gates: d_c of an LSTM, z ⊙ d_h of a GRU.
fn carried(row: u32, quad: u32) -> vec4<f32> {
    var handed = vec4(0.0);
    for (var i = 0u; i < 4u; i += 1u) {
        if 4u * quad + i < params.hidden {
            handed[i] = carry[row * params.pitch + direction * params.hidden + 4u * quad + i];
        }
    }
    return handed;
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
