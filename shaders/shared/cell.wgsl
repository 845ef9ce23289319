// One step of a recurrent cell, from the sums of its gates: PyTorch's equations.
//
// A quad of outputs is one unit's gates, except for the tanh cell, where it is four units:
//   tanh  h'_0, h'_1, h'_2, h'_3
//   GRU   r, z, n_x = W_in x + b_in, n_h = W_hn h + b_hn
//   LSTM  i, f, g, o

#import activation

const TANH: u32 = 0u;
const GRU: u32 = 1u;
const LSTM: u32 = 2u;
override CELL: u32 = 2u;

struct Unit {
    hidden: f32,
    cell: f32,
}

// r, z, n = tanh(n_x + r ⊙ n_h), n_h
fn gru_gates(sums: vec4<f32>) -> vec4<f32> {
    let reset = sigmoid(sums.x);
    return vec4(reset, sigmoid(sums.y), bounded_tanh(sums.z + reset * sums.w), sums.w);
}

// h' = (1 − z) ⊙ n + z ⊙ h
fn gru_unit(gates: vec4<f32>, hidden: f32) -> Unit {
    return Unit((1.0 - gates.y) * gates.z + gates.y * hidden, 0.0);
}

fn gru(sums: vec4<f32>, hidden: f32) -> Unit {
    return gru_unit(gru_gates(sums), hidden);
}

fn lstm_gates(sums: vec4<f32>) -> vec4<f32> {
    return vec4(sigmoid(sums.x), sigmoid(sums.y), bounded_tanh(sums.z), sigmoid(sums.w));
}

// c' = f ⊙ c + i ⊙ g, h' = o ⊙ tanh(c')
fn lstm_unit(gates: vec4<f32>, cell: f32) -> Unit {
    let next = gates.y * cell + gates.x * gates.z;
    return Unit(gates.w * bounded_tanh(next), next);
}

fn lstm(sums: vec4<f32>, cell: f32) -> Unit {
    return lstm_unit(lstm_gates(sums), cell);
}
