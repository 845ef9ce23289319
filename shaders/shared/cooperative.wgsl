// A product for many rows by matrices of 16 × 16: x and W pass through workgroup memory in 16 bits, a team of 32 threads
// multiplies matrices of them together, and the sums are kept in 32.
//
// A workgroup's 64 rows × 128 outputs are 4 × 8 matrices of sums, and a team has four of them: in rows `team_row` and
// `team_row` + 2, columns `team_column` and `team_column` + 4. Sixteen inputs at a time it reads two matrices of x and two
// of W for four products. Sums leave their team through workgroup memory, a half of the rows × a half of the outputs at
// a time, so that linear layers keep within 16 KiB.
//
// The importing shader says what is multiplied, as in `block`. `matrices` says what a matrix is: the types Inputs, Weights
// and Sums, and how they are read, multiplied and written.

enable f16;

#import fetched
#import matrices

var<workgroup> staged_x: array<vec4<f16>, ROWS * DEPTH>;            // (rows, quads of inputs)
var<workgroup> staged_w: array<vec4<f16>, 4u * DEPTH * QUADS>;      // (matrices side by side, inputs, quads of a matrix)
var<workgroup> staged_sums: array<vec4<f32>, 2u * LINES * COLUMNS>; // (rows, quads of outputs)

// Threads that multiply together: a subgroup, whose threads are neighbours in a workgroup of one dimension.
const TEAM: u32 = 32u;
// Teams one above the other, and side by side.
const TEAM_ROWS: u32 = 2u;
const TEAM_COLUMNS: u32 = 4u;
// Of the rows and quads of outputs, a matrix has these.
const MATRIX_ROWS: u32 = 16u;
const MATRIX_QUADS: u32 = 4u;

// Where a thread's team stands among the others.
fn team_row(thread: u32) -> u32 {
    return thread / TEAM / TEAM_COLUMNS;
}

fn team_column(thread: u32) -> u32 {
    return thread / TEAM % TEAM_COLUMNS;
}

// Four matrices of a team's sums.
struct Tile {
    upper_left: Sums,
    upper_right: Sums,
    lower_left: Sums,
    lower_right: Sums,
}

// What is more than 16 bits hold becomes the most that they do.
fn put_x(row: u32, k: u32, x: vec4<f32>) {
    staged_x[row * DEPTH + k] = vec4<f16>(clamp(x, vec4(-65504.0), vec4(65504.0)));
}

// A matrix of weights lies in one piece, its rows are inputs.
fn put_w(input: u32, quad: u32, w: vec4<f32>) {
    let matrix = quad / MATRIX_QUADS;
    staged_w[(matrix * 4u * DEPTH + input) * MATRIX_QUADS + quad % MATRIX_QUADS] = vec4<f16>(w);
}

// The sums of this thread's team. All threads of the workgroup call this.
fn tile_of(shape: Shape, workgroup: vec3<u32>, thread: u32) -> Tile {
    var y: Tile;
    let rows = fetched_rows(shape, workgroup, thread);
    var next = fetched(shape, rows, workgroup, thread, 0u);
    for (var k = 0u; k < shape.inputs; k += DEPTH) {
        put(thread, next);
        workgroupBarrier();
        next = fetched(shape, rows, workgroup, thread, k + DEPTH);
        let upper = matrix_of_x(team_row(thread), thread);
        let lower = matrix_of_x(team_row(thread) + TEAM_ROWS, thread);
        let left = matrix_of_w(team_column(thread), thread);
        let right = matrix_of_w(team_column(thread) + TEAM_COLUMNS, thread);
        y = Tile(
            plus_matrices(y.upper_left, upper, left),
            plus_matrices(y.upper_right, upper, right),
            plus_matrices(y.lower_left, lower, left),
            plus_matrices(y.lower_right, lower, right),
        );
        workgroupBarrier();
    }
    return y;
}

// Lays down one matrix of every team: 32 rows × 16 quads, of which a thread then has `staged_sums[thread]`, in row
// `thread` / COLUMNS, and `staged_sums[thread + THREADS]`, LINES below it. All threads of the workgroup call this.
fn lay_down(sums: Sums, thread: u32) {
    put_sums(sums, team_row(thread) * MATRIX_ROWS * COLUMNS + team_column(thread) * MATRIX_QUADS, thread);
    workgroupBarrier();
}
