// The place of a workgroup's largest value; ties go to the lower place.

#import reduce

// The place of no value.
const NOWHERE: u32 = 0xffffffffu;

var<workgroup> places: array<u32, REDUCE_THREADS>;

// The place of `largest` among the threads' (value, place), in every thread.
fn place_of(thread: u32, largest: f32, value: f32, place: u32) -> u32 {
    places[thread] = select(NOWHERE, place, value == largest);
    for (var half = REDUCE_THREADS / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if thread < half {
            places[thread] = min(places[thread], places[thread + half]);
        }
    }
    workgroupBarrier();
    let lowest = places[0];
    workgroupBarrier();
    return lowest;
}
