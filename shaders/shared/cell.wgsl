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

// h' = (1 − z) ⊙ n + z ⊙ h with n = tanh(n_x + r ⊙ n_h)
fn gru(gates: vec4<f32>, hidden: f32) -> Unit {
    let reset = sigmoid(gates.x);
    let update = sigmoid(gates.y);
    let candidate = bounded_tanh(gates.z + reset * gates.w);
    return Unit((1.0 - update) * candidate + update * hidden, 0.0);
}

// c' = f ⊙ c + i ⊙ g, h' = o ⊙ tanh(c')
fn lstm(gates: vec4<f32>, cell: f32) -> Unit {
    let next = sigmoid(gates.y) * cell + sigmoid(gates.x) * bounded_tanh(gates.z);
    return Unit(sigmoid(gates.w) * bounded_tanh(next), next);
}
