//! Connections: so many at once, each for as long as it is used.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use hyper::StatusCode;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};

use super::patient::{Heard, Patient};
use super::refusal::Refusal;
use super::routes;
use super::server::Server;
use super::stopping::Stopping;

/// About the most bytes of a header: more are answered with 431.
const MOST_HEADER: usize = 1 << 14;

/// How many connections are told at once that there is no room for them, whatever they have sent; others are told too, but
/// may not get to read it.
const MOST_REFUSALS: usize = 64;

/// How long, and for how many bytes, a client that has its last answer may go on sending: what is not read would make the
/// system throw away the answer.
const LINGER: Duration = Duration::from_secs(1);
const MOST_LINGERING: usize = 1 << 24;

/// How a server ended.
#[derive(Clone, Copy, Debug)]
pub enum End {
    /// All that was accepted is answered.
    Answered,
    /// Somebody asked twice, when so many connections were still open.
    Hurried {
        /// So many.
        connections: u64,
    },
}

/// Answers what comes to the listener until somebody asks it to stop; then what was accepted, until somebody asks again.
pub async fn serve(server: &Arc<Server>, listener: TcpListener, mut stopping: Stopping) -> End {
    let most = server.limits.limit_connections;
    let room = Arc::new(Semaphore::new(most as usize));
    let refusals = Arc::new(Semaphore::new(MOST_REFUSALS));
    let (stop, stopped) = watch::channel(false);
    // When no more is taken of what the system has accepted for the listener: others could come as fast.
    let mut until = None;
    loop {
        let accepted = poll_fn(|context| {
            if until.is_none() && stopping.poll_asked(context).is_ready() {
                until = Some(Instant::now() + LINGER);
            }
            match listener.poll_accept(context) {
                Poll::Pending if until.is_some() => Poll::Ready(None),
                Poll::Ready(_) if until.is_some_and(|until| until < Instant::now()) => Poll::Ready(None),
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
            let reason = format!("expected at most {most} connections (--limit-connections), found another");
            let refusal = Refusal::busy(reason);
            match Arc::clone(&refusals).try_acquire_owned() {
                Ok(permit) => drop(tokio::spawn(refuse(stream, refusal, permit))),
                Err(_) => drop(stream.try_write(&refusal.bytes())),
            }
        }
    }
    drop(listener);
    // That nobody listens is as good.
    let _ = stop.send(true);
    let mut answered = pin!(room.acquire_many(most));
    let all = poll_fn(|context| match answered.as_mut().poll(context) {
        Poll::Ready(_) => Poll::Ready(true),
        Poll::Pending => stopping.poll_asked(context).map(|()| false),
    });
    match all.await {
        true => End::Answered,
        false => End::Hurried { connections: server.metrics.connections() },
    }
}

async fn refuse(stream: TcpStream, refusal: Refusal, _permit: OwnedSemaphorePermit) {
    end(stream, Some(refusal)).await;
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
    let heard = Heard::default();
    let patient = Patient::new(stream, server.limits.time(), heard.clone());
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(server.limits.idle())
        .max_buf_size(MOST_HEADER)
        .serve_connection(TokioIo::new(patient), service);
    let mut stop = pin!(stopped.wait_for(|stopped| *stopped));
    // Runs from when the server is to stop.
    let mut grace = None;
    let ended = poll_fn(|context| {
        if grace.is_none() && stop.as_mut().poll(context).is_ready() {
            grace = Some(Box::pin(sleep(LINGER)));
            Pin::new(&mut connection).graceful_shutdown();
        }
        match &mut grace {
            // What was accepted asks nothing: nothing is left to be answered.
            Some(grace) if !heard.something() => match grace.as_mut().poll(context) {
                Poll::Ready(()) => Poll::Ready(Ok(())),
                Poll::Pending => connection.poll_without_shutdown(context),
            },
            _ => connection.poll_without_shutdown(context),
        }
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
