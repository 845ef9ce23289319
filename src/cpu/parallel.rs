//! Work on several threads.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Multiplications that are worth waking a thread for.
const WORTH: usize = 600_000;

/// Rows that a thread needs at least to read weights for them alone that stay in its cache.
const ROWS: usize = 16;

/// Rows that it needs where the weights come from far away each time.
const MANY_ROWS: usize = 128;

/// Bytes of weights that stay in a thread's own cache.
const NEAR: usize = 1 << 20;

/// How often to look whether the other threads are done before sleeping until they are: some 30 µs.
const PATIENCE: usize = 1000;

/// Runs `work` on every part: the first on this thread, the others on rayon's.
pub fn for_each<P: Send>(parts: impl IntoIterator<Item = P>, work: impl Fn(P) + Sync) {
    let mut parts = parts.into_iter();
    let Some(first) = parts.next() else { return };
    let others: Vec<P> = parts.collect();
    if others.is_empty() {
        return work(first);
    }
    let (pending, work) = (AtomicUsize::new(others.len()), &work);
    rayon::in_place_scope(|scope| {
        for part in others {
            let pending = &pending;
            scope.spawn(move |_| {
                work(part);
                pending.fetch_sub(1, Ordering::Release);
            });
        }
        work(first);
        // A thread of rayon's own finds other work while it waits, this one would sleep: too long for a decoder step.
        if rayon::current_thread_index().is_none() {
            for _ in 0..PATIENCE {
                if pending.load(Ordering::Acquire) == 0 {
                    break;
                }
                std::hint::spin_loop();
            }
        }
    });
}

/// How a product of rows and weights is divided among threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    /// Groups of rows; each reads all the weights.
    pub rows: usize,
    /// Groups of panels; each reads all the rows.
    pub panels: usize,
}

impl Split {
    /// For `rows` rows, with `work` multiplications for each, among at most `threads`.
    ///
    /// Many rows are divided; few share the weights, because reading those is what takes the time.
    pub fn choose<T>(rows: usize, panels: usize, work: usize, threads: usize) -> Self {
        let threads = threads.min(rows.saturating_mul(work) / WORTH + 1);
        let rows_each = if work * size_of::<T>() > NEAR { MANY_ROWS } else { ROWS };
        let row_groups = threads.min(rows / rows_each).max(1);
        Self { rows: row_groups, panels: (threads / row_groups).clamp(1, panels.max(1)) }
    }
}

/// Threads to divide among.
pub fn threads() -> usize {
    rayon::current_num_threads()
}

/// `len` things in `parts` runs as even as possible, empty ones left out.
pub fn runs(len: usize, parts: usize) -> impl Iterator<Item = Range<usize>> + Clone {
    (0..parts).map(move |part| part * len / parts..(part + 1) * len / parts).filter(|run| !run.is_empty())
}

/// Cuts `data` into the runs of `stride` numbers each.
pub fn cut<'a, T>(
    mut data: &'a mut [T],
    runs: impl IntoIterator<Item = Range<usize>> + 'a,
    stride: usize,
) -> impl Iterator<Item = &'a mut [T]> + 'a {
    runs.into_iter().map(move |run| {
        let (head, tail) = std::mem::take(&mut data).split_at_mut(run.len() * stride);
        data = tail;
        head
    })
}
