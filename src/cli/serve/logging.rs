//! What a server says, on standard error.

use tracing::Level;
use tracing_subscriber::fmt;

use crate::cli::choice::Choice;

/// How lines of the log are written.
#[derive(Clone, Copy, Debug)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// How much is said.
#[derive(Clone, Copy, Debug)]
pub enum LogLevel {
    /// What failed.
    Error,
    /// What could be better.
    Warn,
    /// The beginning and the end.
    Info,
    /// Every request.
    Debug,
}

impl Choice for LogFormat {
    const ALL: &'static [(Self, &'static [&'static str], &'static str)] =
        &[(Self::Text, &["text"], "time, level, message and fields"), (Self::Json, &["json"], "an object a line")];
}

impl Choice for LogLevel {
    const ALL: &'static [(Self, &'static [&'static str], &'static str)] = &[
        (Self::Error, &["error"], "what failed"),
        (Self::Warn, &["warn"], "what could be better, too"),
        (Self::Info, &["info"], "where it listens and when it ends, too"),
        (Self::Debug, &["debug"], "a line for each request, too: its id, path, status, lines and times"),
    ];
}

/// Begins to log.
pub fn start(format: LogFormat, level: LogLevel) {
    let level = match level {
        LogLevel::Error => Level::ERROR,
        LogLevel::Warn => Level::WARN,
        LogLevel::Info => Level::INFO,
        LogLevel::Debug => Level::DEBUG,
    };
    let log = fmt().with_writer(std::io::stderr).with_max_level(level).with_target(false).with_ansi(false);
    // That there is a log already is as good.
    let _ = match format {
        LogFormat::Text => log.try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
}
