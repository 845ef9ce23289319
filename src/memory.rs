//! How much memory the process may take: what is large asks here before it is wanted.
//!
//! An allocation that fails ends a Rust program at once, and one that is granted and then not to be had may take the
//! machine with it. So matrices, models and files whose size is the user's choice ask first, and get an error that says
//! what wanted how much: work that can be divided is then done in parts.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Error, Result};

/// What somebody has set.
static LIMIT: AtomicU64 = AtomicU64::new(u64::MAX);

/// Bytes of all matrices and weights of the CPU.
static HELD: AtomicU64 = AtomicU64::new(0);

/// What is smaller is always granted.
const SMALL: u64 = 1 << 20;

/// From this size on the system is asked too, which takes a fraction of the time that it takes to fill as much.
const LARGE: u64 = 16 << 20;

/// Limits what matrices and weights take together, on the CPU and on a GPU each; they were limited only by what the
/// system has.
pub fn set_limit(bytes: u64) {
    LIMIT.store(bytes, Ordering::Relaxed);
}

/// The limit that was set; `u64::MAX` without one.
pub fn limit() -> u64 {
    LIMIT.load(Ordering::Relaxed)
}

/// Refuses so many numbers if they would take more than half of the memory that is left: operations need some for a
/// moment.
///
/// # Errors
///
/// [`Error::OutOfMemory`] with the name of what wanted how much.
pub(crate) fn require<T>(numbers: usize, what: impl FnOnce() -> String) -> Result<()> {
    let bytes = (numbers as u64).saturating_mul(size_of::<T>() as u64);
    if bytes < SMALL {
        return Ok(());
    }
    let within_limit = limit().saturating_sub(HELD.load(Ordering::Relaxed));
    let left = || within_limit.min(available().unwrap_or(u64::MAX));
    let fits = bytes <= if bytes >= LARGE { left() } else { within_limit } / 2;
    if fits && can_be_had(bytes) {
        return Ok(());
    }
    Err(Error::OutOfMemory { device: "CPU".to_owned(), what: what(), bytes, most: Some(left() / 2) })
}

/// Whether the allocator has a piece of this size, which is given back at once.
fn can_be_had(bytes: u64) -> bool {
    usize::try_from(bytes).is_ok_and(|bytes| Vec::<u8>::new().try_reserve_exact(bytes).is_ok())
}

/// Memory that counts against the limit as long as this lives.
#[derive(Debug, Default)]
pub(crate) struct Held(u64);

impl Held {
    pub(crate) fn new(bytes: usize) -> Self {
        HELD.fetch_add(bytes as u64, Ordering::Relaxed);
        Self(bytes as u64)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        HELD.fetch_sub(self.0, Ordering::Relaxed);
    }
}

/// A batch for which a device has too little memory is computed in halves.
pub(crate) async fn in_parts<S, T>(batch: &[S], compute: impl AsyncFn(&[S]) -> Result<Vec<T>>) -> Result<Vec<T>> {
    let mut found = Vec::with_capacity(batch.len());
    let mut waiting = vec![batch];
    while let Some(part) = waiting.pop() {
        match compute(part).await {
            Err(Error::OutOfMemory { .. }) if part.len() > 1 => {
                let (first, second) = part.split_at(part.len() / 2);
                waiting.extend([second, first]);
            }
            results => found.extend(results?),
        }
    }
    Ok(found)
}

/// What the system would still give to this process, where it says so: Linux does, of the machine, the container and the
/// process itself.
fn available() -> Option<u64> {
    [of_machine(), of_container(), of_process()].into_iter().flatten().min()
}

fn of_machine() -> Option<u64> {
    entry(&fs::read_to_string("/proc/meminfo").ok()?, "MemAvailable:")
}

/// Control groups of version 2: the limit, less what is used and not only kept for files.
fn of_container() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let left = |group: &Path| -> Option<u64> {
        let bytes = |name: &str| fs::read_to_string(group.join(name)).ok()?.trim().parse::<u64>().ok();
        let kept = number(&fs::read_to_string(group.join("memory.stat")).ok()?, "inactive_file")?;
        Some(bytes("memory.max")?.saturating_sub(bytes("memory.current")?.saturating_sub(kept)))
    };
    let root = Path::new("/sys/fs/cgroup");
    root.join(path).ancestors().take_while(|group| group.starts_with(root)).filter_map(left).min()
}

/// The limit of the address space (`ulimit -v`), less what is taken of it.
fn of_process() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let limit = limits.lines().find_map(|line| line.strip_prefix("Max address space"))?;
    let limit: u64 = limit.split_whitespace().next()?.parse().ok()?;
    Some(limit.saturating_sub(entry(&fs::read_to_string("/proc/self/status").ok()?, "VmSize:")?))
}

/// The kilobytes that stand behind a name, in bytes.
fn entry(file: &str, name: &str) -> Option<u64> {
    number(file, name)?.checked_mul(1024)
}

/// The number that stands behind a name.
fn number(file: &str, name: &str) -> Option<u64> {
    let line = file.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_has_is_refused_by_name() {
        let error = require::<f32>(1 << 50, || "a matrix".to_owned()).expect_err("more than there is").to_string();
        assert!(error.starts_with("CPU: out of memory: a matrix needs 4503599627370496 bytes, at most "), "{error}");
        assert!(require::<f64>(usize::MAX, String::new).is_err());
        require::<u8>(SMALL as usize - 1, || "little".to_owned()).expect("always");
        require::<u8>(LARGE as usize, || "16 MB".to_owned()).expect("this machine has more");
    }

    #[test]
    fn what_is_held_counts_until_it_is_let_go_of() {
        let before = HELD.load(Ordering::Relaxed);
        let held = Held::new(1 << 40);
        assert!(HELD.load(Ordering::Relaxed) >= before + (1 << 40) - (1 << 30));
        drop(held);
        assert!(HELD.load(Ordering::Relaxed) < before + (1 << 40));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_system_says_what_it_has() {
        let all = entry(&fs::read_to_string("/proc/meminfo").expect("Linux"), "MemTotal:").expect("it says so");
        assert!(available().is_some_and(|bytes| bytes > 0 && bytes <= all));
        assert_eq!(entry("MemFree: 7 kB\nMemAvailable:   12 kB\n", "MemAvailable:"), Some(12 << 10));
    }

    #[test]
    fn a_batch_is_halved_until_it_fits() {
        let sizes = std::cell::RefCell::new(Vec::new());
        let compute = async |part: &[u32]| {
            sizes.borrow_mut().push(part.len());
            if part.len() > 2 {
                let (device, what) = (String::new(), String::new());
                return Err(Error::OutOfMemory { device, what, bytes: 0, most: None });
            }
            Ok(part.iter().map(|number| 2 * number).collect())
        };
        let found = pollster::block_on(in_parts(&[1, 2, 3, 4, 5], compute)).expect("parts of two fit");
        assert_eq!(found, [2, 4, 6, 8, 10]);
        assert_eq!(sizes.take(), [5, 2, 3, 1, 2]);
    }
}
