//! How far a long translation is, on a terminal.

use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use indicatif::{HumanCount, ProgressBar, ProgressStyle};

use super::output::{harmless, note};

/// A bar with lines, lines a second and the time that is left, where somebody watches.
pub struct Progress {
    bar: Option<ProgressBar>,
    lines: usize,
    began: Instant,
    silent: bool,
}

impl Progress {
    /// A bar on standard error, if that is a terminal and a bar is `wanted`; with an end where the bytes of the input
    /// are known.
    pub fn new(wanted: bool, bytes: Option<u64>) -> Self {
        let bar = (wanted && stderr().is_terminal()).then(|| {
            let bar = bytes.map_or_else(ProgressBar::no_length, ProgressBar::new);
            let template = match bytes {
                Some(_) => "[{bar:24}] {msg}, {eta} left",
                None => "{spinner} {msg}",
            };
            let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
            bar.set_style(style.progress_chars("=> "));
            bar.set_message("0 lines");
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Self { bar, lines: 0, began: Instant::now(), silent: false }
    }

    /// Nobody is told anything.
    pub fn silent() -> Self {
        Self { silent: true, ..Self::new(false, None) }
    }

    /// So many lines, and bytes, more are done.
    pub fn advance(&mut self, lines: usize, bytes: u64) {
        self.lines += lines;
        if let Some(bar) = &self.bar {
            let rate = self.lines as f64 / self.began.elapsed().as_secs_f64().max(1e-9);
            bar.set_message(format!("{} lines, {rate:.0} lines/s", HumanCount(self.lines as u64)));
            bar.inc(bytes);
        }
    }

    /// A line for the person, above the bar if there is one.
    pub fn note(&self, line: &str) {
        match &self.bar {
            _ if self.silent => {}
            Some(bar) => bar.println(harmless(line)),
            None => note(format_args!("{line}")),
        }
    }

    /// Removes the bar from the terminal.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
