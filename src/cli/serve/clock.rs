//! How long requests take, and where.

use std::time::{Duration, Instant};

/// When the lines of a batch were drawn and computed.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// They left the queue.
    pub drawn: Instant,
    /// The device began.
    pub began: Instant,
    /// The device was done.
    pub done: Instant,
}

/// The time of a request, as its answers come.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    arrived: Instant,
    drawn: Option<Instant>,
    /// The batch of the last answer.
    began: Option<Instant>,
    done: Instant,
    computing: Duration,
}

/// The parts of the time of a request.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spent {
    /// Until its first line was drawn.
    pub waiting: Duration,
    /// While the device computed none of its lines, though some were drawn: others' turns, and other batches.
    pub batching: Duration,
    /// While the device computed batches with its lines.
    pub computing: Duration,
}

impl Clock {
    /// Of a request that arrives now.
    pub fn start() -> Self {
        let now = Instant::now();
        Self { arrived: now, drawn: None, began: None, done: now, computing: Duration::ZERO }
    }

    /// An answer came, of a batch that is the last one or comes after it.
    pub fn answered(&mut self, times: &Times) {
        self.drawn.get_or_insert(times.drawn);
        if self.began.replace(times.began) != Some(times.began) {
            self.computing += times.done.duration_since(times.began);
            self.done = times.done;
        }
    }

    /// Since it arrived.
    pub fn elapsed(&self) -> Duration {
        self.arrived.elapsed()
    }

    /// Until its last answer.
    pub fn spent(&self) -> Spent {
        let drawn = self.drawn.unwrap_or(self.done);
        let after = self.done.saturating_duration_since(drawn);
        Spent {
            waiting: drawn.saturating_duration_since(self.arrived),
            batching: after.saturating_sub(self.computing),
            computing: self.computing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_counted_once() {
        let mut clock = Clock::start();
        let at = |millis| clock.arrived + Duration::from_millis(millis);
        let (first, second) =
            (Times { drawn: at(3), began: at(4), done: at(10) }, Times { drawn: at(12), began: at(13), done: at(20) });
        for times in [first, first, second] {
            clock.answered(&times);
        }
        let Spent { waiting, batching, computing } = clock.spent();
        assert_eq!([waiting, batching, computing].map(|spent| spent.as_millis()), [3, 4, 13]);
    }
}
