// Scores and weights of a query in workgroup memory, for a dispatch that uses them up; the weights are written to
// `alignment` too. What does not fit, of a long source, is kept there.

// Threads that share a quad of columns add up in workgroup memory too.
const SHARED_COLUMNS: bool = true;
const NEAR: u32 = 1024u;
var<workgroup> near: array<f32, NEAR>;

fn kept(q: Query, s: u32) -> f32 {
    let place = s - q.first;
    if place < NEAR {
        return near[place];
    }
    return alignment[q.row + s];
}

// Behind the last position whose weight is near.
fn near_end(q: Query) -> u32 {
    return q.first + NEAR;
}

fn weight_of(q: Query, s: u32, is_near: bool) -> f32 {
    if is_near {
        return near[s - q.first];
    }
    return alignment[q.row + s];
}

fn keep_score(q: Query, s: u32, score: f32) {
    let place = s - q.first;
    if place < NEAR {
        near[place] = score;
    } else {
        alignment[q.row + s] = score;
    }
}

fn keep_weight(q: Query, s: u32, weight: f32) {
    let place = s - q.first;
    if place < NEAR {
        near[place] = weight;
    }
    alignment[q.row + s] = weight;
}
