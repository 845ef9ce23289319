//! Dates as people write them, to ISO 8601: a corpus, a model that learns it, and what the model looks at.
//!
//! ```text
//! cargo run --release --example dates [cpu | gpu | NAME]
//! ```
#![expect(clippy::print_stdout, reason = "an example shows what it found")]

mod calendar;
mod corpus;
mod forms;
mod lesson;

use std::time::Instant;

use seq2seq::device::{Device, DeviceRequest, Precision};
use seq2seq::heatmap::{Figure, terminal};
use seq2seq::train::{Event, Observer};
use seq2seq::{Result, TranslateOptions, Translation};

use lesson::Lesson;

/// A line for each validation, and one that is written over in between.
struct Lines {
    since: Instant,
}

impl Observer for Lines {
    fn event(&mut self, event: &Event) -> Result<()> {
        let seconds = self.since.elapsed().as_secs();
        match event {
            Event::Began(began) => {
                let steps = began.total_steps.unwrap_or_default();
                println!(
                    "{} pairs to learn from, {} parameters, {steps} steps",
                    began.training_pairs, began.parameters
                );
            }
            Event::Step(step) if step.step % 50 == 0 => {
                println!(
                    "{seconds:4} s  step {:5}  loss {:.4}  {:.0} symbols/s",
                    step.step, step.loss, step.tokens_per_second
                );
            }
            Event::Validated { validated, .. } => {
                let right = 100.0 * (1.0 - validated.wer);
                println!("{seconds:4} s  epoch {:2}  {right:.1} % of unseen dates are right", validated.epoch);
            }
            _ => {}
        }
        Ok(())
    }
}

fn main() -> Result<()> {
    let request = std::env::args().nth(1).unwrap_or_else(|| "auto".to_owned());
    let request: DeviceRequest = request.parse().unwrap_or_default();
    println!("{}", Device::open_blocking(&request, Precision::F32)?.describe());

    let lesson = Lesson::LARGE;
    let folder = std::env::temp_dir().join("seq2seq-dates");
    let (translator, exact) = lesson.learn(&request, &folder, &mut Lines { since: Instant::now() })?;
    println!("\n{:.2} % of {} dates that it never saw are right\n", 100.0 * exact, lesson.test);

    let options = TranslateOptions { alignment: true, ..TranslateOptions::default() };
    let dates = ["the 3rd of March 1984", "Friday, 20 July 2001", "31. Dezember 1999"];
    for translation in translator.translate_blocking(&dates, &options)? {
        let Translation { source, best, .. } = translation?;
        println!("{}", best.text);
        if let Some(weights) = &best.alignment {
            println!("{}", terminal(&Figure::new(&source, &best.symbols, weights)?));
        }
    }
    println!("the model is in {}", folder.display());
    Ok(())
}
