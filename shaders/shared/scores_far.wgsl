// Scores and weights of a query in its row of `alignment`, where the next dispatch finds them.

// Nor does anything else pass through workgroup memory that need not: software has none.
const SHARED_COLUMNS: bool = false;

fn kept(q: Query, s: u32) -> f32 {
    return alignment[q.row + s];
}

fn keep_score(q: Query, s: u32, score: f32) {
    alignment[q.row + s] = score;
}

fn keep_weight(q: Query, s: u32, weight: f32) {
    alignment[q.row + s] = weight;
}
