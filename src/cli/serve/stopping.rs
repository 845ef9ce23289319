//! When a server ends.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::Poll;

use tokio::sync::oneshot;

/// Ready when somebody asks the process to end, or when the device does.
#[cfg(unix)]
pub fn asked(mut device_ended: oneshot::Receiver<()>) -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut signals = [signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?];
    Ok(poll_fn(move |context| {
        let asked = signals.iter_mut().any(|signal| signal.poll_recv(context).is_ready());
        ended(asked, &mut device_ended, context)
    }))
}

/// Ready when somebody asks the process to end, or when the device does.
#[cfg(not(unix))]
pub fn asked(mut device_ended: oneshot::Receiver<()>) -> io::Result<impl Future<Output = ()>> {
    let mut asked = Box::pin(tokio::signal::ctrl_c());
    Ok(poll_fn(move |context| {
        let asked = asked.as_mut().poll(context).is_ready();
        ended(asked, &mut device_ended, context)
    }))
}

fn ended(asked: bool, device_ended: &mut oneshot::Receiver<()>, context: &mut std::task::Context<'_>) -> Poll<()> {
    match Pin::new(device_ended).poll(context) {
        Poll::Pending if !asked => Poll::Pending,
        _ => Poll::Ready(()),
    }
}
