// The queries of attention, a workgroup or several for each (target position, sentence).
//
// The importing shader has `lengths`, and in `params` what stands in those of `attention`.

struct Query {
    sentence: u32,
    index: u32,  // among all queries
    row: u32,    // the first element of its row of what has a number for each source position
    length: u32, // of the source
    first: u32,  // source position that this workgroup has: all but where a source is divided
    end: u32,    // behind the last one
}

// `pitch` is the number of floats from one such row to the next.
fn query_of(workgroup: vec3<u32>, pitch: u32) -> Query {
    let sentence = workgroup.y;
    let index = sentence * params.tgt_len + workgroup.x;
    let row = (sentence * params.rows + params.first_row + workgroup.x) * pitch;
    return Query(sentence, index, row, lengths[sentence], 0u, params.src_len);
}
