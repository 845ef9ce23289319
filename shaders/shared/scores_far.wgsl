// Scores and weights of a query in its row of `alignment`, where the next dispatch finds them.

// No thread shares a quad of columns with others: on software adapters, for which this is, adding up takes longer.
const SHARED_COLUMNS: bool = false;

fn kept(q: Query, s: u32) -> f32 {
    return alignment[q.row + s];
}

// None is near.
fn near_end(q: Query) -> u32 {
    return q.first;
}

fn weight_of(q: Query, s: u32, is_near: bool) -> f32 {
    return kept(q, s);
}

fn keep_score(q: Query, s: u32, score: f32) {
    alignment[q.row + s] = score;
}

fn keep_weight(q: Query, s: u32, weight: f32) {
    alignment[q.row + s] = weight;
}
