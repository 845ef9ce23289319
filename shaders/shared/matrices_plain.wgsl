// The same by threads alone, to check everything around the matrices where no hardware has them.
//
// A matrix of x or W is the place where a thread's part of it lies. A thread has half a row of the sums: two quads.

alias Inputs = u32;
alias Weights = u32;
alias Sums = mat2x4<f32>;

fn row_in_team(thread: u32) -> u32 {
    return thread % TEAM / 2u;
}

fn quad_in_team(thread: u32) -> u32 {
    return thread % 2u * 2u;
}

// This thread's of sixteen rows of x from row 16 `index` on.
fn matrix_of_x(index: u32, thread: u32) -> Inputs {
    return (index * MATRIX_ROWS + row_in_team(thread)) * DEPTH;
}

// This thread's of what the inputs weigh in four quads of outputs, from quad 4 `index` on.
fn matrix_of_w(index: u32, thread: u32) -> Weights {
    return index * 4u * DEPTH * MATRIX_QUADS + quad_in_team(thread);
}

// y + X W
fn plus_matrices(y: Sums, x: Inputs, w: Weights) -> Sums {
    var sums = y;
    for (var input = 0u; input < 4u * DEPTH; input += 1u) {
        let place = w + input * MATRIX_QUADS;
        let row = mat2x4(vec4<f32>(staged_w[place]), vec4<f32>(staged_w[place + 1u]));
        sums += row * f32(staged_x[x + input / 4u][input % 4u]);
    }
    return sums;
}

// Writes sixteen rows of four quads, the first at `place`.
fn put_sums(y: Sums, place: u32, thread: u32) {
    let mine = place + row_in_team(thread) * COLUMNS + quad_in_team(thread);
    staged_sums[mine] = y[0];
    staged_sums[mine + 1u] = y[1];
}
