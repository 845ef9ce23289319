//! When a server ends.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::oneshot;

/// What asks the process to end: signals, each of which counts, and the device, once.
pub struct Stopping {
    signals: Signals,
    device_ended: Option<oneshot::Receiver<()>>,
}

impl Stopping {
    /// From now on signals are heeded. Whoever drops the other end of the channel has ended the device.
    pub fn new(device_ended: oneshot::Receiver<()>) -> io::Result<Self> {
        Ok(Self { signals: Signals::new()?, device_ended: Some(device_ended) })
    }

    /// Ready when somebody asks, each time.
    pub fn poll_asked(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if let Some(device_ended) = &mut self.device_ended
            && Pin::new(device_ended).poll(context).is_ready()
        {
            self.device_ended = None;
            return Poll::Ready(());
        }
        self.signals.poll(context)
    }
}

/// SIGTERM, SIGINT and SIGHUP, but for those that are to be ignored.
#[cfg(unix)]
struct Signals(Vec<tokio::signal::unix::Signal>);

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        use crate::cli::signals::is_ignored;

        let kinds = [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()];
        let heeded = kinds.into_iter().filter(|kind| !is_ignored(kind.as_raw_value()));
        heeded.map(signal).collect::<io::Result<_>>().map(Self)
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let asked = self.0.iter_mut().any(|signal| matches!(signal.poll_recv(context), Poll::Ready(Some(()))));
        if asked { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// Ctrl-C.
#[cfg(not(unix))]
struct Signals(Pin<Box<dyn Future<Output = io::Result<()>>>>);

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self(Box::pin(tokio::signal::ctrl_c())))
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let asked = self.0.as_mut().poll(context);
        if asked.is_ready() {
            self.0 = Box::pin(tokio::signal::ctrl_c());
        }
        asked.map(drop)
    }
}
