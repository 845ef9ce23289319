// Scores, softmax and context of each query in one dispatch: what a decoder step runs.

#import attention
#import scores

@compute @workgroup_size(REDUCE_THREADS)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let q = query_of(workgroup, params.alignment_pitch);
    let centre = window_centre(q, workgroup.x, thread);
    write_scores(q, centre, thread);
    storageBarrier();
    workgroupBarrier();
    scores_to_weights(q, centre, thread);
    storageBarrier();
    workgroupBarrier();
    write_context(q, thread);
}
