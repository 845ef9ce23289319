//! Signals as whoever started the process has left them.

/// Whether whoever started the process wants this signal to be ignored, as `nohup` does with SIGHUP.
#[cfg(target_os = "linux")]
pub fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    mask & 1 << (signal - 1) != 0
}

/// The same where the system does not say: a hang-up is left as it is, so that what ignores it goes on.
#[cfg(all(unix, not(target_os = "linux")))]
pub fn is_ignored(signal: i32) -> bool {
    signal == signal_hook::consts::SIGHUP
}
