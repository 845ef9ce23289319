//! How translations are shown.

use std::borrow::Cow;

use seq2seq::Translation;
use seq2seq::heatmap;
use serde::Serialize;

use crate::cli::failure::Result;
use crate::cli::output::Output;

use super::views::{Views, figure};

/// The form of a translation in the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A line of text.
    Text,
    /// A line of text, what was attended to, and an empty line.
    Drawing,
    /// The same in 24-bit colours.
    Colours,
    /// A line with a JSON object.
    Json,
}

/// Writes translations in one form, and their alignments wherever else they go.
pub struct Presenter {
    form: Form,
    output: Output,
    views: Views,
}

/// The JSON of a line that was translated.
#[derive(Serialize)]
struct Translated<'a> {
    line: usize,
    #[serde(flatten)]
    translation: &'a Translation,
}

/// The JSON of a line that was not.
#[derive(Serialize)]
struct Failed<'a> {
    line: usize,
    error: &'a str,
}

impl Presenter {
    /// Writes to `output` and to `views`.
    pub fn new(form: Form, output: Output, views: Views) -> Self {
        Self { form, output, views }
    }

    /// Shows the translation of a line.
    pub fn translation(&mut self, line: usize, source: &str, translation: Translation) -> Result<()> {
        match self.form {
            Form::Text => self.line(&one_line(&translation.text))?,
            Form::Json => self.output.json(&Translated { line, translation: &translation })?,
            Form::Drawing | Form::Colours => {
                self.line(&one_line(&translation.text))?;
                if let Some(figure) = figure(&translation)? {
                    let draw = if self.form == Form::Colours { heatmap::terminal_colour } else { heatmap::terminal };
                    self.line(&draw(&figure))?;
                }
            }
        }
        self.views.translation(source, &translation)
    }

    /// Keeps the place of a line that has no translation.
    pub fn failure(&mut self, line: usize, source: &str, reason: &str) -> Result<()> {
        match self.form {
            Form::Text | Form::Drawing | Form::Colours => self.line("")?,
            Form::Json => self.output.json(&Failed { line, error: reason })?,
        }
        self.views.failure(source, reason)
    }

    /// Hands on everything shown so far.
    pub fn flush(&mut self) -> Result<()> {
        self.output.flush()?;
        self.views.flush()
    }

    /// Ends the output and the views.
    pub fn finish(mut self) -> Result<()> {
        self.output.flush()?;
        self.views.finish()
    }

    /// A text and the end of its line.
    fn line(&mut self, text: &str) -> Result<()> {
        self.output.write(text)?;
        self.output.write("\n")
    }
}

/// The text without line ends of its own, for models with such symbols: lines in and out are to correspond.
fn one_line(text: &str) -> Cow<'_, str> {
    if text.contains(['\n', '\r']) { text.replace(['\n', '\r'], " ").into() } else { text.into() }
}
