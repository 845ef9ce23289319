//! Lines in the queue and on the device, seen by whoever asked.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::sync::mpsc::Receiver;

use super::answer::{Answer, Found};
use super::queue::Ticket;
use super::record::Record;

/// The answers to the lines of a request, in their order. Lines that wait leave the queue when this is dropped.
#[derive(Debug)]
pub struct Submitted {
    answers: Receiver<Answer>,
    ticket: Ticket,
    lines: usize,
    next: usize,
    /// Those to the lines from `next` on that are here.
    early: VecDeque<Option<Answer>>,
}

/// Why there is no further answer.
#[derive(Debug)]
pub enum Ended {
    /// That was the last.
    Whole,
    /// The device failed.
    Broken(Arc<str>),
}

impl Submitted {
    /// Of so many lines.
    pub fn new(lines: usize, answers: Receiver<Answer>, ticket: Ticket) -> Self {
        Self { answers, ticket, lines, next: 0, early: VecDeque::new() }
    }

    /// Whether all lines are answered.
    pub fn is_answered(&self) -> bool {
        self.next == self.lines
    }

    /// The next line's place, and what was found for it.
    pub fn poll_next(
        &mut self,
        record: Option<&mut Record>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(usize, Found), Ended>> {
        if self.is_answered() {
            return Poll::Ready(Err(Ended::Whole));
        }
        let Some(answer) = ready!(self.poll_ordered(context)) else {
            return Poll::Ready(Err(Ended::Broken("the device computes no more".into())));
        };
        if let Some(record) = record {
            record.answered_line(&answer.times);
        }
        Poll::Ready(answer.found.map(|found| (answer.place, found)).map_err(Ended::Broken))
    }

    /// [`poll_next`](Self::poll_next), to be awaited.
    pub async fn next(&mut self, record: &mut Record) -> Result<(usize, Found), Ended> {
        std::future::poll_fn(|context| self.poll_next(Some(record), context)).await
    }

    fn poll_ordered(&mut self, context: &mut Context<'_>) -> Poll<Option<Answer>> {
        loop {
            if let Some(Some(_)) = self.early.front() {
                self.next += 1;
                return Poll::Ready(self.early.pop_front().flatten());
            }
            let Some(answer) = ready!(self.answers.poll_recv(context)) else { return Poll::Ready(None) };
            self.ticket.has_read();
            let ahead = answer.place - self.next;
            self.early.resize_with(self.early.len().max(ahead + 1), || None);
            self.early[ahead] = Some(answer);
        }
    }
}
