//! Requests to end, which let the step be finished and a checkpoint be written.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// The exit code of a process that was asked to end: 128 and the number of SIGINT.
const INTERRUPTED: i32 = 130;

/// Set by Ctrl-C and other requests to end; a second one ends at once.
///
/// Until this is called a request ends the process, as is usual.
#[cfg(unix)]
pub fn when_asked() -> io::Result<Arc<AtomicBool>> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::flag;

    use crate::cli::signals::is_ignored;

    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|&signal| !is_ignored(signal)) {
        flag::register_conditional_shutdown(signal, INTERRUPTED, Arc::clone(&stop))?;
        flag::register(signal, Arc::clone(&stop))?;
    }
    Ok(stop)
}

/// Set by Ctrl-C; a second one ends at once.
#[cfg(not(unix))]
pub fn when_asked() -> io::Result<Arc<AtomicBool>> {
    use std::sync::atomic::Ordering;

    let stop = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&stop);
    let handler = move || {
        if asked.swap(true, Ordering::Relaxed) {
            std::process::exit(INTERRUPTED);
        }
    };
    ctrlc::set_handler(handler).map_err(io::Error::other)?;
    Ok(stop)
}
