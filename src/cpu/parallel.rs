//! Work on several threads.

use std::cell::Cell;
use std::ops::Range;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rayon::{ThreadPool, ThreadPoolBuilder, Yield};

/// Multiplications that are worth waking a thread for.
const WORTH: usize = 600_000;

/// Multiplications that are worth waiting until a thread wakes, or another process leaves it a processor: some
/// milliseconds.
const WORTH_WAITING: usize = 100_000_000;

/// Rows that a thread needs at least to read weights for them alone that stay in its cache.
const ROWS: usize = 16;

/// Rows that it needs where the weights come from far away each time.
const MANY_ROWS: usize = 128;

/// Rows that stay in a thread's cache while all the weights pass by.
const MOST_ROWS: usize = 384;

/// Bytes of weights that stay in a thread's own cache.
const NEAR: usize = 1 << 20;

/// How often to look whether the helpers are done before sleeping until they are: some 100 µs.
const PATIENCE: usize = 2000;

/// How often to look away between the end of the last part and the end of the scope.
const LAST_MOMENT: usize = 10;

/// How long a helper looks for more work before it sleeps: longer than what lies between two parts of a decoder step.
/// To wake it takes as long as a small product.
const AWAKE: Duration = Duration::from_micros(200);

/// The threads beside the caller's: one less than there is room for, so that each keeps to a core and to the weights in
/// its cache. None where they cannot be had.
static HELPERS: LazyLock<Option<ThreadPool>> = LazyLock::new(|| {
    let count = threads().checked_sub(1).filter(|&count| count > 0)?;
    let name = |index| format!("seq2seq-cpu-{index}");
    ThreadPoolBuilder::new().num_threads(count).thread_name(name).build().ok()
});

/// Runs `work` on every part, on as many threads as there are.
pub fn for_each<P: Send>(parts: impl IntoIterator<Item = P>, work: impl Fn(P) + Sync) {
    for_each_on(threads(), parts, work);
}

/// Runs `work` on every part, on so many threads.
pub fn for_each_on<P: Send>(threads: usize, parts: impl IntoIterator<Item = P>, work: impl Fn(P) + Sync) {
    let parts: Vec<P> = parts.into_iter().collect();
    if parts.len() > threads { deal(parts, threads, work) } else { at_once(parts, work) }
}

/// Runs `work` on every part: the first on this thread, the others on helpers.
fn at_once<P: Send>(parts: Vec<P>, work: impl Fn(P) + Sync) {
    let mut parts = parts.into_iter();
    let Some(first) = parts.next() else { return };
    let others: Vec<P> = parts.collect();
    if others.is_empty() {
        return work(first);
    }
    let Some(helpers) = &*HELPERS else {
        work(first);
        return others.into_iter().for_each(work);
    };
    stay_awake(helpers, others.len());
    let (pending, work) = (AtomicUsize::new(others.len()), &work);
    helpers.in_place_scope(|scope| {
        for part in others {
            let pending = &pending;
            scope.spawn(move |_| {
                work(part);
                pending.fetch_sub(1, Ordering::Release);
            });
        }
        work(first);
        // A helper finds other work while it waits; this thread would sleep, too long for a decoder step.
        if helpers.current_thread_index().is_none() {
            let done = |_: &usize| pending.load(Ordering::Acquire) == 0;
            if (0..PATIENCE).inspect(|_| std::hint::spin_loop()).find(done).is_some() {
                // The scope learns it a moment later, and would sleep for that moment.
                (0..LAST_MOMENT).for_each(|_| std::hint::spin_loop());
            }
        }
    });
}

/// Runs `work` on every part, the parts dealt out to `threads`.
pub fn deal<P: Send>(parts: Vec<P>, threads: usize, work: impl Fn(P) + Sync) {
    at_once(dealt(parts, threads), |parts| parts.into_iter().for_each(&work));
}

/// Parts in `threads` heaps, one after the other to each.
pub fn dealt<P>(parts: Vec<P>, threads: usize) -> Vec<Vec<P>> {
    let mut heaps: Vec<Vec<P>> = (0..threads.max(1)).map(|_| Vec::new()).collect();
    for (index, part) in parts.into_iter().enumerate() {
        heaps[index % threads.max(1)].push(part);
    }
    heaps
}

/// Helpers that are looking for work or at work.
static LOOKING: AtomicUsize = AtomicUsize::new(0);

/// How often those that look for work were asked whether they are there, and how often one of them said so.
static CALLS: AtomicUsize = AtomicUsize::new(0);
static ANSWERS: AtomicUsize = AtomicUsize::new(0);

/// How often to look for answers: a microsecond. Who is at work, or waits for a processor, does not answer in time.
const MOMENT: usize = 50;

/// How many helpers are there to begin at once, at most `wanted`.
fn present(wanted: usize) -> usize {
    let before = ANSWERS.load(Ordering::Acquire);
    CALLS.fetch_add(1, Ordering::AcqRel);
    let answers = || ANSWERS.load(Ordering::Acquire).wrapping_sub(before).min(wanted);
    for _ in 0..MOMENT {
        if answers() == wanted {
            break;
        }
        std::hint::spin_loop();
    }
    answers()
}

/// Lets as many helpers look for work as will be needed.
fn stay_awake(helpers: &ThreadPool, wanted: usize) {
    let wanted = wanted.min(helpers.current_num_threads());
    let more = |looking| (looking < wanted).then_some(looking + 1);
    while LOOKING.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).is_ok() {
        helpers.spawn(|| {
            let (mut since, mut heard) = (Instant::now(), CALLS.load(Ordering::Acquire));
            while since.elapsed() < AWAKE {
                let calls = CALLS.load(Ordering::Acquire);
                if calls != heard {
                    heard = calls;
                    ANSWERS.fetch_add(1, Ordering::AcqRel);
                }
                match rayon::yield_now() {
                    Some(Yield::Executed) => since = Instant::now(),
                    _ => std::hint::spin_loop(),
                }
            }
            LOOKING.fetch_sub(1, Ordering::AcqRel);
        });
    }
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
        let threads = threads_for(threads, rows.saturating_mul(work));
        let rows_each = if work * size_of::<T>() > NEAR { MANY_ROWS } else { ROWS };
        let row_groups = threads.min(rows / rows_each).max(1);
        let panel_groups = (threads / row_groups).clamp(1, panels.max(1));
        Self { rows: row_groups * rows.div_ceil(row_groups * MOST_ROWS).max(1), panels: panel_groups }
    }
}

thread_local! {
    /// Whether what this thread computes is divided among no others.
    static ALONE: Cell<bool> = const { Cell::new(false) };
}

/// Threads to divide among.
pub fn threads() -> usize {
    if ALONE.get() { 1 } else { rayon::current_num_threads() }
}

/// Threads, at most `most`, to divide so many multiplications among: as many as are worth it, but of few only the helpers that are looking for
/// work at this moment. One that sleeps is woken for the next product; who waited for it, or for the processor that
/// another process has, would wait longer than the product takes.
pub fn threads_for(most: usize, work: usize) -> usize {
    let threads = most.min(work / WORTH + 1);
    match &*HELPERS {
        Some(helpers) if threads > 1 && work < WORTH_WAITING => {
            stay_awake(helpers, threads - 1);
            1 + present(threads - 1)
        }
        _ => threads,
    }
}

/// Runs `work`, all of whose products the CPU computes on this thread: where other threads have work of their own, or
/// where it is so little that to wake another takes longer.
pub fn alone<R>(work: impl FnOnce() -> R) -> R {
    /// A panic ends it too.
    struct Again(bool);
    impl Drop for Again {
        fn drop(&mut self) {
            ALONE.set(self.0);
        }
    }
    let _again = Again(ALONE.replace(true));
    work()
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
