//! How many threads compute on the CPU.

use std::num::NonZero;
use std::sync::{Mutex, Once};
use std::thread::{self, available_parallelism};

use rayon::ThreadPoolBuilder;

use super::output::note;

/// More threads than this for each processor only wait for each other.
const PER_PROCESSOR: usize = 4;

/// Holds all that is computed on the CPU from now on to as many threads as are asked for, here or by RAYON_NUM_THREADS:
/// without either, as many as the process may use. Only the first call counts.
pub fn limit(asked: Option<u32>) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let named = || std::env::var("RAYON_NUM_THREADS").ok()?.parse().ok().filter(|&threads| threads > 0);
        let asked = asked.map(|threads| threads as usize).or_else(named);
        let processors = available_parallelism().map_or(1, NonZero::get);
        let threads = within(asked, processors);
        if let Some(asked) = asked.filter(|&asked| asked > threads) {
            note(format_args!("{threads} threads, not {asked}: there is nothing for more to do"));
        }
        // A pool that cannot be made cannot be made smaller either: what there is room for is tried before.
        let can_be_had = can_be_had(threads + OTHERS).saturating_sub(OTHERS);
        let pool = match can_be_had {
            0 => {
                note(format_args!("no further thread can be had: one computes"));
                ThreadPoolBuilder::new().num_threads(1).use_current_thread()
            }
            some => ThreadPoolBuilder::new().num_threads(some),
        };
        // That there is a pool already is as good.
        let _ = pool.build_global();
    });
}

/// Threads that read, and divide lines into symbols, while others compute.
const OTHERS: usize = 3;

/// How many threads there can be at once, of so many.
fn can_be_had(threads: usize) -> usize {
    let barrier = Mutex::new(());
    let waiting = barrier.lock();
    thread::scope(|scope| {
        let spawn = || thread::Builder::new().spawn_scoped(scope, || drop(barrier.lock())).ok();
        let running: Vec<_> = (0..threads).map_while(|_| spawn()).collect();
        drop(waiting);
        running.len()
    })
}

fn within(asked: Option<usize>, processors: usize) -> usize {
    asked.unwrap_or(processors).clamp(1, PER_PROCESSOR * processors)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_bounded_by_processors() {
        assert_eq!([None, Some(1), Some(7), Some(10_000)].map(|asked| within(asked, 2)), [2, 1, 7, 8]);
    }
}
