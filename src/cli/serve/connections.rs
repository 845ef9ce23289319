//! Connections: so many at once, each for as long as it is used.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use hyper::StatusCode;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};

use super::patient::Patient;
use super::refusal::Refusal;
use super::routes;
use super::server::Server;

/// About the most bytes of a header: more are answered with 431.
const MOST_HEADER: usize = 1 << 14;

/// How many connections are told at once that there is no room for them; others are closed without a word.
const MOST_REFUSALS: usize = 64;

/// How long, and for how many bytes, a client that has its last answer may go on sending: what is not read would make the
/// system throw away the answer.
const LINGER: Duration = Duration::from_secs(1);
const MOST_LINGERING: usize = 1 << 24;

/// Answers what comes to the listener until `stop`; then what was accepted.
pub async fn serve(server: &Arc<Server>, listener: TcpListener, stop: impl Future<Output = ()>) {
    let most = server.limits.limit_connections;
    let room = Arc::new(Semaphore::new(most as usize));
    let refusals = Arc::new(Semaphore::new(MOST_REFUSALS));
    let (stopping, stopped) = watch::channel(false);
    let mut stop = pin!(stop);
    let mut stops = false;
    loop {
        let accepted = poll_fn(|context| {
            stops = stops || stop.as_mut().poll(context).is_ready();
            match listener.poll_accept(context) {
                Poll::Pending if stops => Poll::Ready(None),
                accepted => accepted.map(Some),
            }
        });
        let stream = match accepted.await {
            Some(Ok((stream, _))) => stream,
            Some(Err(error)) => {
                tracing::warn!(%error, "no connection could be accepted");
                sleep(Duration::from_millis(100)).await; // files of the process, perhaps, of which some will be closed
                continue;
            }
            None => break,
        };
        if let Ok(permit) = Arc::clone(&room).try_acquire_owned() {
            tokio::spawn(connection(Arc::clone(server), stream, stopped.clone(), permit));
        } else {
            server.metrics.refused();
            if let Ok(permit) = Arc::clone(&refusals).try_acquire_owned() {
                tokio::spawn(refuse(stream, most, permit));
            }
        }
    }
    drop(listener);
    // That nobody listens is as good.
    let _ = stopping.send(true);
    let _ = room.acquire_many(most).await;
}

async fn refuse(stream: TcpStream, most: u32, _permit: OwnedSemaphorePermit) {
    let reason = format!("expected at most {most} connections (--limit-connections), found another");
    end(stream, Some(Refusal::busy(reason))).await;
}

/// Answers the requests of a connection, one after the other.
async fn connection(
    server: Arc<Server>,
    stream: TcpStream,
    mut stopped: watch::Receiver<bool>,
    _permit: OwnedSemaphorePermit,
) {
    let _counted = server.metrics.connection();
    let _ = stream.set_nodelay(true); // an answer is written at once, so that little is lost without
    let service = service_fn(|request| {
        let server = Arc::clone(&server);
        Box::pin(async { Ok::<_, Infallible>(routes::answer(server, request).await) })
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(server.limits.idle())
        .max_buf_size(MOST_HEADER)
        .serve_connection(TokioIo::new(Patient::new(stream, server.limits.time())), service);
    let mut stop = pin!(stopped.wait_for(|stopped| *stopped));
    let mut stops = false;
    let ended = poll_fn(|context| {
        if !stops && stop.as_mut().poll(context).is_ready() {
            stops = true;
            Pin::new(&mut connection).graceful_shutdown();
        }
        connection.poll_without_shutdown(context)
    });
    let ended = ended.await;
    let parts = connection.into_parts();
    let unfinished = ended.is_err_and(|error| error.is_timeout()) && !parts.read_buf.is_empty();
    let late = unfinished.then(|| {
        let reason = format!("header: expected all of it within {} seconds (--limit-idle)", server.limits.limit_idle);
        Refusal::new(StatusCode::REQUEST_TIMEOUT, reason)
    });
    end(parts.io.into_inner().into_inner(), late).await;
}

/// Ends a connection so that whoever reads it gets all of its last answer.
async fn end(mut stream: TcpStream, last: Option<Refusal>) {
    let ending = async {
        if let Some(refusal) = last {
            stream.write_all(&refusal.bytes()).await?;
        }
        stream.shutdown().await?;
        let mut rest = (&mut stream).take(MOST_LINGERING as u64);
        tokio::io::copy(&mut rest, &mut tokio::io::sink()).await?;
        io::Result::Ok(())
    };
    // Whoever does not read on has gone.
    let _ = timeout(LINGER, ending).await;
}
