//! Signals to the processes that a test starts.

use std::process::{Child, Command};
use std::sync::Arc;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// Lets the processes that are started from here on heed signals, even where those who run the tests have them ignored,
/// as a shell does in the background: what a process handles is not ignored by those it starts.
pub fn heed() -> std::io::Result<()> {
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, Arc::default())?;
    }
    Ok(())
}

/// Sends `child` the signal of this name, such as `INT`.
pub fn send(child: &Child, name: &str) {
    let sent = Command::new("kill").args([format!("-{name}"), child.id().to_string()]).status();
    assert!(sent.is_ok_and(|status| status.success()), "{name} is sent");
}
