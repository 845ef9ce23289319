// Σ_s a_t(s) h̄_s: the last of the three parts of attention.

#import attention
#import context_alone
#import scores_far

@compute @workgroup_size(REDUCE_THREADS)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let q = query_of(workgroup, params.alignment_pitch);
    write_context(q, q.index * params.memory_quads, thread);
}
