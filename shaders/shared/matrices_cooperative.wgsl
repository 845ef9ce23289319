// Matrices that a subgroup keeps among its threads, in whatever order the hardware likes, and multiplies in one instruction.
//
// Who of the team a `thread` is matters only where a thread has numbers of its own, as in `matrices_plain`.

enable wgpu_cooperative_matrix;

alias Inputs = coop_mat16x16<f16, A>;
alias Weights = coop_mat16x16<f16, B>;
alias Sums = coop_mat16x16<f32, C>;

// Sixteen rows of x from row 16 `index` on.
fn matrix_of_x(index: u32, thread: u32) -> Inputs {
    return coopLoadT<Inputs>(&staged_x[index * MATRIX_ROWS * DEPTH], DEPTH);
}

// What the inputs weigh in four quads of outputs, from quad 4 `index` on.
fn matrix_of_w(index: u32, thread: u32) -> Weights {
    return coopLoadT<Weights>(&staged_w[index * 4u * DEPTH * MATRIX_QUADS], MATRIX_QUADS);
}

// y + X W
fn plus_matrices(y: Sums, x: Inputs, w: Weights) -> Sums {
    return coopMultiplyAdd(x, w, y);
}

// Writes sixteen rows of four quads, the first at `place`.
fn put_sums(y: Sums, place: u32, thread: u32) {
    coopStoreT(y, &staged_sums[place], COLUMNS);
}
