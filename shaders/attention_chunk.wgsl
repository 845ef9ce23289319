// Attention of each query over the chunks of its source, each as if there were no other: for few queries and long sources.
// `attention_join` makes one of them.
//
// `context` has a row for each chunk: its context, and a quad behind it for its softmax.

#import attention
#import context_alone
#import scores_near

@compute @workgroup_size(REDUCE_THREADS)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    var q = query_of(workgroup, params.alignment_pitch);
    q.first = workgroup.z * params.chunk;
    q.end = min(q.first + params.chunk, params.src_len);
    let softmax = weigh(q, window_centre(q, workgroup.x, thread), thread);
    let place = (q.index * params.chunks + workgroup.z) * (params.memory_quads + 1u);
    write_context(q, place, thread);
    if thread == 0u {
        context[place + params.memory_quads] = vec4(softmax.largest, softmax.sum, 0.0, 0.0);
    }
}
