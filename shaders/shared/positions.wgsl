// Where a recurrent layer over sequences is.

// The position of a sentence at a step: the reverse direction begins at the last one. Behind the sentence's end, the step's.
fn position_at(step: u32, length: u32, direction: u32) -> u32 {
    return select(step, length - 1u - step, direction == 1u && step < length);
}
