// The place of a workgroup's largest value; ties go to the lower place.

#import reduce

// Places are exact in 32-bit floats up to 2^24, far beyond any vocabulary.
const NOWHERE: f32 = 16777216.0;

// The place of `largest` among the threads' (value, place), in every thread.
fn place_of(thread: u32, largest: f32, value: f32, place: u32) -> u32 {
    let candidate = select(NOWHERE, f32(place), value == largest);
    return u32(-workgroup_max(thread, -candidate));
}
