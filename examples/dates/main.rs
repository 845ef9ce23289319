//! Dates as people write them, to ISO 8601: `cargo run --example dates`.
#![expect(clippy::print_stdout, reason = "an example shows what it found")]

mod calendar;
mod corpus;
mod forms;

use corpus::corpus;

fn main() {
    for pair in corpus(10, 1984) {
        println!("{:<36} {}", pair.source, pair.target);
    }
}
