// Scores, softmax and context of each query in one dispatch: what a decoder step runs.

#import attention
#import context_alone
#import scores

@compute @workgroup_size(REDUCE_THREADS)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let q = query_of(workgroup, params.alignment_pitch);
    weigh(q, window_centre(q, workgroup.x, thread), thread);
    write_context(q, q.index * params.memory_quads, thread);
}
