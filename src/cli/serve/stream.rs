//! An answer that is sent line by line, as the lines are translated and read.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::Bytes;
use serde::Serialize;
use tokio::time::Sleep;

use super::line::Writer;
use super::record::Record;
use super::submitted::{Ended, Submitted};

/// Lines of JSON.
#[derive(Debug)]
pub struct Lines {
    submitted: Submitted,
    writer: Writer,
    deadline: Pin<Box<Sleep>>,
    /// What ended it before its end.
    failed: Option<io::Error>,
    /// Whether what was sent last has had time to be written: an error would throw it away.
    rested: bool,
    /// Lines that were not sent yet.
    json: Vec<u8>,
}

/// As many bytes as are sent at once, where so many are there.
const ENOUGH: usize = 1 << 14;

/// The last line of an answer that is not whole.
#[derive(Serialize)]
struct Failed<'a> {
    error: &'a str,
}

impl Lines {
    /// Of these lines, until the deadline.
    pub fn new(submitted: Submitted, writer: Writer, deadline: Pin<Box<Sleep>>) -> Self {
        Self { submitted, writer, deadline, failed: None, rested: false, json: Vec::new() }
    }

    /// The next lines; nothing behind the last. An error ends an answer that is not whole.
    pub fn poll(&mut self, record: Option<&mut Record>, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        let more = match self.collect(record, context) {
            Ok(more) => more,
            Err(error) => return Poll::Ready(Some(Err(error))),
        };
        if !self.json.is_empty() {
            return Poll::Ready(Some(Ok(std::mem::take(&mut self.json).into())));
        }
        if self.failed.is_some() && !std::mem::replace(&mut self.rested, true) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        match self.failed.take() {
            Some(error) => Poll::Ready(Some(Err(error))),
            None if more => Poll::Pending,
            None => Poll::Ready(None),
        }
    }

    /// Whether all lines were collected.
    pub fn is_whole(&self) -> bool {
        self.submitted.is_answered()
    }

    /// Collects lines until there are enough, or no more for now; whether others may come.
    fn collect(&mut self, mut record: Option<&mut Record>, context: &mut Context<'_>) -> io::Result<bool> {
        while self.json.len() < ENOUGH && self.failed.is_none() {
            if self.deadline.as_mut().poll(context).is_ready() {
                self.fail("the request has taken too long (--limit-time)")?;
                break;
            }
            match self.submitted.poll_next(record.as_deref_mut(), context) {
                Poll::Ready(Ok((_, found))) => self.writer.write(&mut self.json, &found)?,
                Poll::Ready(Err(Ended::Whole)) => {
                    self.writer.finish(&mut self.json);
                    return Ok(false);
                }
                Poll::Ready(Err(Ended::Broken(reason))) => self.fail(&reason)?,
                Poll::Pending => break,
            }
        }
        Ok(true)
    }

    /// Says in a last line why there are no others. A line that has begun is cut off before it.
    fn fail(&mut self, reason: &str) -> io::Result<()> {
        self.json.extend(self.writer.is_within_line().then_some(b'\n'));
        self.failed = Some(io::Error::other(reason.to_owned()));
        serde_json::to_writer(&mut self.json, &Failed { error: reason })?;
        self.json.push(b'\n');
        Ok(())
    }
}
