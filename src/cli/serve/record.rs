//! What is told of a request when it is over.

use std::sync::Arc;

use hyper::StatusCode;

use super::clock::{Clock, Times};
use super::metrics::Metrics;

/// A request, counted and logged when this is dropped.
#[derive(Debug)]
pub struct Record {
    metrics: Arc<Metrics>,
    id: String,
    path: &'static str,
    status: Option<StatusCode>,
    lines: usize,
    clock: Clock,
}

/// What nginx calls a request whose client did not wait for all of the answer.
const CLIENT_CLOSED_REQUEST: u16 = 499;

impl Record {
    /// Of a request that arrives now.
    pub fn new(metrics: Arc<Metrics>, id: String, path: &'static str) -> Self {
        Self { metrics, id, path, status: None, lines: 0, clock: Clock::start() }
    }

    /// A line of it was answered.
    pub fn answered_line(&mut self, times: &Times) {
        self.lines += 1;
        self.clock.answered(times);
    }

    /// It was answered so.
    pub fn answered(&mut self, status: StatusCode) {
        self.status = Some(status);
    }

    /// Nobody took all of its answer, whatever was said at first.
    pub fn cut_off(&mut self) {
        self.status = None;
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let status = self.status.map_or(CLIENT_CLOSED_REQUEST, |status| status.as_u16());
        let (elapsed, spent) = (self.clock.elapsed(), self.clock.spent());
        self.metrics.request(self.path, status, elapsed, (self.lines > 0).then_some(spent));
        let [elapsed, waiting, batching, computing] =
            [elapsed, spent.waiting, spent.batching, spent.computing].map(|time| time.as_micros() as f64 / 1e3);
        tracing::debug!(
            id = self.id,
            path = self.path,
            status,
            lines = self.lines,
            ms = elapsed,
            waiting_ms = waiting,
            batching_ms = batching,
            computing_ms = computing,
            "request"
        );
    }
}
