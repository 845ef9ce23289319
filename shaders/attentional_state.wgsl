// Attention and attentional state of each query in one dispatch: what a decoder step runs where W is so small that a
// workgroup has read it before another dispatch would begin.

#import attention
#import context_and_hidden
#import scores_near

@compute @workgroup_size(REDUCE_THREADS)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let q = query_of(workgroup, params.alignment_pitch);
    weigh(q, window_centre(q, workgroup.x, thread), thread);
    write_context(q, q.index * params.memory_quads, thread);
}
