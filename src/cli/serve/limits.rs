//! What a server does not do.

use std::time::Duration;

use seq2seq::TranslateOptions;

use crate::cli::options::{bytes, size};

/// What a request may ask for, and how much at once is served. What is more is refused.
#[derive(Clone, Copy, Debug, clap::Args)]
#[command(next_help_heading = "Limits")]
pub struct Limits {
    /// The largest body of a request; more is answered with 413
    #[arg(long, value_name = "SIZE", default_value = "1M", value_parser = bytes)]
    pub limit_body: u64,

    /// The most lines of a request; more are answered with 413
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = size(10_000_000))]
    pub limit_lines: u32,

    /// The most source symbols of a request; more are answered with 413
    #[arg(long, value_name = "N", default_value_t = 500_000, value_parser = size(1_000_000_000))]
    pub limit_symbols: u32,

    /// The most memory that the answers of a request may take while it waits for the last or for a slow reader; more is
    /// answered with 413
    #[arg(long, value_name = "SIZE", default_value = "64M", value_parser = bytes)]
    pub limit_answer: u64,

    /// The widest beam that a request may ask for; a wider one is answered with 400
    #[arg(long, value_name = "K", default_value_t = 16, value_parser = size(512))]
    pub limit_beam: u32,

    /// The greatest maximum length that a request may ask for, in symbols; a greater one is answered with 400
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = size(10_000))]
    pub limit_length: u32,

    /// The most seconds of a request: one that has not come by then is answered with 408, one that has no answer with
    /// 503, and one whose answer is not read is cut off
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = size(86_400))]
    pub limit_time: u32,

    /// The most seconds that a connection may stand idle, or take for the header of a request: an unfinished one is
    /// answered with 408
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = size(86_400))]
    pub limit_idle: u32,

    /// The most connections; others are answered with 503
    #[arg(long, value_name = "N", default_value_t = 512, value_parser = size(100_000))]
    pub limit_connections: u32,

    /// The most lines that wait; a request for which there is no room is answered with 503
    #[arg(long, value_name = "N", default_value_t = 50_000, value_parser = size(100_000_000))]
    pub limit_queue: u32,

    /// The most source symbols of lines that wait; a request for which there is no room is answered with 503
    #[arg(long, value_name = "N", default_value_t = 5_000_000, value_parser = size(1_000_000_000))]
    pub limit_queue_symbols: u32,
}

impl Limits {
    /// Whether sources whose longest has so many symbols may be translated so.
    pub fn check(&self, options: &TranslateOptions, longest: usize) -> Result<(), String> {
        let Self { limit_beam, limit_length, .. } = self;
        let TranslateOptions { beam, max_length, .. } = options;
        if *beam > *limit_beam as usize {
            return Err(format!("beam: expected at most {limit_beam} (--limit-beam), found {beam}"));
        }
        let length = max_length.of(longest);
        if length > *limit_length as usize {
            let found = format!("found {max_length} of {longest}, {length}");
            return Err(format!("max_length: expected at most {limit_length} symbols (--limit-length), {found}"));
        }
        Ok(())
    }

    /// Whether all that one request may have may wait.
    pub fn check_queue(&self) -> Result<(), String> {
        let Self { limit_lines, limit_symbols, limit_queue, limit_queue_symbols, .. } = self;
        let pairs = [
            ("--limit-queue", limit_queue, "--limit-lines", limit_lines),
            ("--limit-queue-symbols", limit_queue_symbols, "--limit-symbols", limit_symbols),
        ];
        match pairs.into_iter().find(|(_, room, _, most)| room < most) {
            Some((option, room, limit, most)) => {
                Err(format!("{option} {room}: expected room for a request of {limit} {most}"))
            }
            None => Ok(()),
        }
    }

    /// Of a request.
    pub fn time(&self) -> Duration {
        Duration::from_secs(self.limit_time.into())
    }

    /// Of a connection without a request.
    pub fn idle(&self) -> Duration {
        Duration::from_secs(self.limit_idle.into())
    }
}
