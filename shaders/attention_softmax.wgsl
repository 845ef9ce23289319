// Scores become weights: the second of the three parts of attention.

#import attention
#import context_alone
#import scores_far

@compute @workgroup_size(REDUCE_THREADS)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let q = query_of(workgroup, params.alignment_pitch);
    scores_to_weights(q, window_centre(q, workgroup.x, thread), thread);
}
