// Sums and maxima over teams of threads and over the whole workgroup, through workgroup memory.
//
// A team is 16 threads that work on one row together. All threads of the workgroup call these together.

const REDUCE_THREADS: u32 = 128u;
const TEAM: u32 = 16u;

var<workgroup> reduction: array<f32, REDUCE_THREADS>;

struct Team {
    index: u32,
    lane: u32, // of this thread in its team
    lanes: u32,
}

fn team(thread: u32) -> Team {
    return Team(thread / TEAM, thread % TEAM, TEAM);
}

// How many teams the workgroup has.
fn team_count(thread: u32) -> u32 {
    return REDUCE_THREADS / TEAM;
}

fn reduce_sum(thread: u32, value: f32, width: u32) -> f32 {
    reduction[thread] = value;
    for (var half = width / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if thread % width < half {
            reduction[thread] += reduction[thread + half];
        }
    }
    workgroupBarrier();
    let sum = reduction[thread - thread % width];
    workgroupBarrier();
    return sum;
}

// The sum over the thread's team, in every thread of it.
fn team_sum(thread: u32, value: f32) -> f32 {
    return reduce_sum(thread, value, TEAM);
}

// The sum over the workgroup, in every thread.
fn workgroup_sum(thread: u32, value: f32) -> f32 {
    return reduce_sum(thread, value, REDUCE_THREADS);
}

fn reduce_max(thread: u32, value: f32, width: u32) -> f32 {
    reduction[thread] = value;
    for (var half = width / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if thread % width < half {
            reduction[thread] = max(reduction[thread], reduction[thread + half]);
        }
    }
    workgroupBarrier();
    let largest = reduction[thread - thread % width];
    workgroupBarrier();
    return largest;
}

// The maximum over the thread's team, in every thread of it.
fn team_max(thread: u32, value: f32) -> f32 {
    return reduce_max(thread, value, TEAM);
}

// The maximum over the workgroup, in every thread.
fn workgroup_max(thread: u32, value: f32) -> f32 {
    return reduce_max(thread, value, REDUCE_THREADS);
}
