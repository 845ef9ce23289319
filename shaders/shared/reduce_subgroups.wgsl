// Sums and maxima over teams of threads and over the whole workgroup, by subgroup operations.
//
// A team is a subgroup, whatever its size; the threads of a subgroup are neighbours, as they are on every driver
// in a workgroup of one dimension. All threads of the workgroup call these together.

const REDUCE_THREADS: u32 = 128u;

var<workgroup> reduction: array<f32, REDUCE_THREADS>;

struct Team {
    index: u32,
    lane: u32, // of this thread in its team
    lanes: u32,
}

fn team(thread: u32) -> Team {
    let lanes = subgroupAdd(1u);
    return Team(thread / lanes, subgroupExclusiveAdd(1u), lanes);
}

var<workgroup> teams: u32;

// How many teams the workgroup has, through memory: that is how a compiler knows it to be the same in all threads.
fn team_count(thread: u32) -> u32 {
    let lanes = subgroupAdd(1u);
    if thread == 0u {
        teams = REDUCE_THREADS / lanes;
    }
    return workgroupUniformLoad(&teams);
}

// The sum over the thread's team, in every thread of it.
fn team_sum(thread: u32, value: f32) -> f32 {
    return subgroupAdd(value);
}

// The sum over the workgroup, in every thread.
fn workgroup_sum(thread: u32, value: f32) -> f32 {
    let mine = team(thread);
    let sum = subgroupAdd(value);
    if mine.lane == 0u {
        reduction[mine.index] = sum;
    }
    workgroupBarrier();
    var total = 0.0;
    for (var other = 0u; other < REDUCE_THREADS / mine.lanes; other += 1u) {
        total += reduction[other];
    }
    workgroupBarrier();
    return total;
}

// The maximum over the thread's team, in every thread of it.
fn team_max(thread: u32, value: f32) -> f32 {
    return subgroupMax(value);
}

// The maximum over the workgroup, in every thread.
fn workgroup_max(thread: u32, value: f32) -> f32 {
    let mine = team(thread);
    let largest = subgroupMax(value);
    if mine.lane == 0u {
        reduction[mine.index] = largest;
    }
    workgroupBarrier();
    var overall = reduction[0];
    for (var other = 1u; other < REDUCE_THREADS / mine.lanes; other += 1u) {
        overall = max(overall, reduction[other]);
    }
    workgroupBarrier();
    return overall;
}
