// Where the steps of a recurrent layer's directions stand, and how the sums of its gates lie side by side: `blocks`
// of whole quads a direction, those of an LSTM i, f, g, o; of a GRU n_x, r, z, n_h; of the tanh cell its sums alone.
//
// The importing shader has `lengths` and `params` with `len`, `directions` and `quads`, those of a direction's units.

#import cell

// A workgroup, or a thread, works on one direction.
var<private> direction: u32;

// Step s is position s of the forward direction and length − 1 − s of the reverse one. A sentence that has ended
// stays where it was.
fn row_of(sentence: u32, step: u32) -> u32 {
    let last = lengths[sentence] - 1u;
    let passed = min(step, last);
    return sentence * params.len + select(passed, last - passed, direction == 1u);
}

fn blocks() -> u32 {
    return select(4u, 1u, CELL == TANH);
}

// The direction's first quad in a row of units.
fn units_of(row: u32) -> u32 {
    return (row * params.directions + direction) * params.quads;
}

// The direction's first quad in a row of gates.
fn gates_of(row: u32) -> u32 {
    return units_of(row) * blocks();
}
