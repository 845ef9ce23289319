//! What a server counts, as Prometheus reads it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::clock::{Spent, Times};

/// Upper ends of the ranges that times are counted in, in seconds.
const SECONDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

/// How long a device that has failed is said to.
pub const SUSPICION: Duration = Duration::from_secs(10);

/// All counters.
#[derive(Debug)]
pub struct Metrics {
    /// By path and status.
    requests: Mutex<BTreeMap<(&'static str, u16), u64>>,
    request: Histogram,
    waiting: Histogram,
    batching: Histogram,
    computing: Histogram,
    batch: Histogram,
    batch_lines: AtomicU64,
    symbols: AtomicU64,
    failures: AtomicU64,
    /// When the last batch failed, if none was computed since.
    failing: Mutex<Option<Instant>>,
    /// Connections that were there, that are there, and for which there was no room.
    accepted: AtomicU64,
    connections: AtomicU64,
    refused: AtomicU64,
    /// Of each model, lines that were translated, and others.
    lines: Vec<[AtomicU64; 2]>,
}

#[derive(Debug, Default)]
struct Histogram {
    ranges: [AtomicU64; SECONDS.len()],
    count: AtomicU64,
    micros: AtomicU64,
}

/// A connection that is counted as long as this lives.
#[derive(Debug)]
pub struct Counted<'a>(&'a AtomicU64);

impl Metrics {
    /// Of a server with so many models.
    pub fn new(models: usize) -> Self {
        Self {
            requests: Mutex::default(),
            request: Histogram::default(),
            waiting: Histogram::default(),
            batching: Histogram::default(),
            computing: Histogram::default(),
            batch: Histogram::default(),
            batch_lines: AtomicU64::new(0),
            symbols: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            failing: Mutex::default(),
            accepted: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            lines: (0..models).map(|_| Default::default()).collect(),
        }
    }

    /// A connection was accepted.
    pub fn connection(&self) -> Counted<'_> {
        self.accepted.fetch_add(1, Relaxed);
        self.connections.fetch_add(1, Relaxed);
        Counted(&self.connections)
    }

    /// How many connections are open.
    pub fn connections(&self) -> u64 {
        self.connections.load(Relaxed)
    }

    /// There was no room for a connection.
    pub fn refused(&self) {
        self.refused.fetch_add(1, Relaxed);
    }

    /// A request was answered.
    pub fn request(&self, path: &'static str, status: u16, elapsed: Duration, spent: Option<Spent>) {
        *lock(&self.requests).entry((path, status)).or_default() += 1;
        self.request.add(elapsed);
        if let Some(Spent { waiting, batching, computing }) = spent {
            self.waiting.add(waiting);
            self.batching.add(batching);
            self.computing.add(computing);
        }
    }

    /// The device computed a batch.
    pub fn batch(&self, lines: usize, symbols: usize, times: &Times) {
        self.batch.add(times.done.duration_since(times.began));
        self.batch_lines.fetch_add(lines as u64, Relaxed);
        self.symbols.fetch_add(symbols as u64, Relaxed);
    }

    /// A line of a model was translated, or could not be.
    pub fn line(&self, model: usize, translated: bool) {
        self.lines[model][usize::from(!translated)].fetch_add(1, Relaxed);
    }

    /// The device could compute a batch.
    pub fn device_works(&self) {
        *lock(&self.failing) = None;
    }

    /// The device could not compute a batch.
    pub fn device_failed(&self) {
        self.failures.fetch_add(1, Relaxed);
        *lock(&self.failing) = Some(Instant::now());
    }

    /// Whether the device could not compute the last batch, for a while: a server that is asked no more because of it
    /// could not show that it works again.
    pub fn is_failing(&self) -> bool {
        lock(&self.failing).is_some_and(|since| since.elapsed() < SUSPICION)
    }

    /// All of it, in Prometheus' text format.
    pub fn text<'a>(&self, models: impl Iterator<Item = &'a str>, queue_lines: usize) -> String {
        let mut text = Text::default();
        let requests = lock(&self.requests).clone();
        let labelled =
            requests.iter().map(|((path, status), count)| (format!("{{path=\"{path}\",status=\"{status}\"}}"), *count));
        text.family("requests_total", "counter", "Requests that were answered.", labelled);
        let lines = models.zip(&self.lines).flat_map(|(model, counts)| {
            let model = model.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            ["translated", "failed"].into_iter().zip(counts).map(move |(outcome, count)| {
                (format!("{{model=\"{model}\",outcome=\"{outcome}\"}}"), count.load(Relaxed))
            })
        });
        text.family("lines_total", "counter", "Lines that were answered.", lines);
        for (name, kind, help, value) in [
            ("symbols_total", "counter", "Source symbols that the device has read.", self.symbols.load(Relaxed)),
            ("batch_lines_total", "counter", "Lines of all batches.", self.batch_lines.load(Relaxed)),
            ("device_failures_total", "counter", "Batches that the device failed at.", self.failures.load(Relaxed)),
            ("connections_total", "counter", "Connections that were accepted.", self.accepted.load(Relaxed)),
            ("connections_refused_total", "counter", "Connections without room.", self.refused.load(Relaxed)),
            ("connections", "gauge", "Connections that are open.", self.connections()),
            ("queue_lines", "gauge", "Lines that wait.", queue_lines as u64),
        ] {
            text.family(name, kind, help, [(String::new(), value)]);
        }
        for (name, help, histogram) in [
            ("request_seconds", "From a request's header to its answer.", &self.request),
            ("waiting_seconds", "Until the first line of a request left the queue.", &self.waiting),
            ("batching_seconds", "Of a request, behind that, while others were computed.", &self.batching),
            ("computing_seconds", "Of a request, while the device computed its batches.", &self.computing),
            ("batch_seconds", "The device's time for a batch.", &self.batch),
        ] {
            text.histogram(name, help, histogram);
        }
        text.0
    }
}

fn lock<T>(counted: &Mutex<T>) -> MutexGuard<'_, T> {
    counted.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl Histogram {
    fn add(&self, time: Duration) {
        if let Some(range) = SECONDS.iter().position(|&end| time.as_secs_f64() <= end) {
            self.ranges[range].fetch_add(1, Relaxed);
        }
        self.count.fetch_add(1, Relaxed);
        self.micros.fetch_add(time.as_micros() as u64, Relaxed);
    }
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        // What is written to memory is written.
        let _ = writeln!(self.0, "# HELP seq2seq_{name} {help}\n# TYPE seq2seq_{name} {kind}");
    }

    fn family(&mut self, name: &str, kind: &str, help: &str, samples: impl IntoIterator<Item = (String, u64)>) {
        self.head(name, kind, help);
        for (labels, value) in samples {
            let _ = writeln!(self.0, "seq2seq_{name}{labels} {value}");
        }
    }

    fn histogram(&mut self, name: &str, help: &str, histogram: &Histogram) {
        self.head(name, "histogram", help);
        let mut below = 0;
        for (end, range) in SECONDS.iter().zip(&histogram.ranges) {
            below += range.load(Relaxed);
            let _ = writeln!(self.0, "seq2seq_{name}_bucket{{le=\"{end}\"}} {below}");
        }
        let (count, seconds) = (histogram.count.load(Relaxed), histogram.micros.load(Relaxed) as f64 / 1e6);
        let _ = writeln!(self.0, "seq2seq_{name}_bucket{{le=\"+Inf\"}} {count}");
        let _ = writeln!(self.0, "seq2seq_{name}_sum {seconds}\nseq2seq_{name}_count {count}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prometheus_reads_it() {
        let metrics = Metrics::new(1);
        metrics.line(0, true);
        metrics.request("/translate", 200, Duration::from_millis(2), None);
        let counted = metrics.connection();
        let text = metrics.text(["a\"b"].into_iter(), 3);
        for line in [
            "seq2seq_requests_total{path=\"/translate\",status=\"200\"} 1",
            "seq2seq_lines_total{model=\"a\\\"b\",outcome=\"translated\"} 1",
            "seq2seq_lines_total{model=\"a\\\"b\",outcome=\"failed\"} 0",
            "seq2seq_request_seconds_bucket{le=\"0.001\"} 0",
            "seq2seq_request_seconds_bucket{le=\"0.0025\"} 1",
            "seq2seq_request_seconds_bucket{le=\"+Inf\"} 1",
            "seq2seq_request_seconds_sum 0.002",
            "seq2seq_connections 1",
            "seq2seq_queue_lines 3",
        ] {
            assert!(text.lines().any(|other| other == line), "{line} is not in\n{text}");
        }
        drop(counted);
        assert!(metrics.text([].into_iter(), 0).contains("seq2seq_connections 0\n"));
    }
}
