//! How translations are shown.

use std::borrow::Cow;

use seq2seq::Translation;
use seq2seq::heatmap;
use serde::Serialize;

use super::pipeline::Line;
use crate::cli::failure::Result;
use crate::cli::output::{FailedLine, Output};
use crate::cli::views::Views;

/// The form of a translation in the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A line of text.
    Text,
    /// A line for each of the best, as Moses has them.
    NBest,
    /// A line of text, what was attended to where that is known, and an empty line; of each of the best.
    Drawing,
    /// The same in 24-bit colours.
    Colours,
    /// A line with a JSON object.
    Json,
}

/// What became of a source.
pub type Answer = std::result::Result<Translation, String>;

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

/// The JSON of a word of a line.
#[derive(Serialize)]
struct WordJson<'a> {
    word: &'a str,
    #[serde(flatten)]
    translation: Option<&'a Translation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

impl Presenter {
    /// Writes to `output` and to `views`.
    pub fn new(form: Form, output: Output, views: Views) -> Self {
        Self { form, output, views }
    }

    /// Shows the translation of a line.
    pub fn translation(&mut self, line: usize, source: &str, translation: &Translation) -> Result<()> {
        match self.form {
            Form::Text => self.line(&self.output.shown(&one_line(&translation.best.text)))?,
            Form::NBest => {
                for target in translation.targets() {
                    // The bars of a text, such as a dictionary may have, are none of the format's.
                    let text = one_line(&target.text).replace("|||", "| | |");
                    let (text, id) = (self.output.shown(&text), line - 1);
                    self.line(&format!("{id} ||| {text} ||| logprob= {} ||| {}", target.log_prob, target.score))?;
                }
            }
            Form::Json => self.output.json(&Translated { line, translation })?,
            Form::Drawing | Form::Colours => self.drawing(translation)?,
        }
        self.views.translation(source, translation)
    }

    /// Shows the translations of words of a line: of all of them, or of some behind those that were shown before.
    pub fn words(&mut self, line: &Line, answers: &[&Answer]) -> Result<()> {
        let (before, after) = match self.form {
            Form::Text | Form::NBest if line.begins => (String::new(), "\n"),
            Form::Text | Form::NBest => (" | ".to_owned(), "\n"),
            Form::Json if line.begins => (format!("{{\"line\":{},\"words\":[", line.number), "]}\n"),
            Form::Json => (",".to_owned(), "]}\n"),
            Form::Drawing | Form::Colours => (String::new(), ""),
        };
        self.output.write(&before)?;
        for (at, (word, &answer)) in line.texts().zip(answers).enumerate() {
            let first = at == 0;
            match self.form {
                Form::Text | Form::NBest => {
                    let text =
                        answer.as_ref().map_or(Cow::Borrowed(""), |translation| one_line(&translation.best.text));
                    let text = self.output.shown(&text);
                    self.output.write(&format!("{}{text}", if first { "" } else { " | " }))?;
                }
                Form::Json => {
                    self.output.write(if first { "" } else { "," })?;
                    let (translation, error) = (answer.as_ref().ok(), answer.as_ref().err().map(String::as_str));
                    self.output.json_value(&WordJson { word, translation, error })?;
                }
                Form::Drawing | Form::Colours => match answer {
                    Ok(translation) => self.drawing(translation)?,
                    Err(_) => self.line("")?,
                },
            }
            match answer {
                Ok(translation) => self.views.translation(word, translation)?,
                Err(reason) => self.views.failure(word, reason)?,
            }
        }
        self.output.write(if line.ends { after } else { "" })
    }

    /// Keeps the place of a line that has no translation.
    pub fn failure(&mut self, line: usize, source: &str, reason: &str) -> Result<()> {
        match self.form {
            Form::Text | Form::Drawing | Form::Colours => self.line("")?,
            Form::NBest => {}
            Form::Json => self.output.json(&FailedLine { line, error: reason })?,
        }
        // Where there are several lines for each, one that failed has none.
        if self.form == Form::NBest { self.views.problem(source, reason) } else { self.views.failure(source, reason) }
    }

    /// Hands on everything shown so far.
    pub fn flush(&mut self) -> Result<()> {
        self.output.flush()?;
        self.views.flush()
    }

    /// Ends what was shown and flushed, with this outcome.
    pub fn finish<T>(self, outcome: Result<T>) -> Result<T> {
        self.views.finish(outcome)
    }

    /// The texts of a translation, what each attended to below it, and its score beside it where there are several.
    fn drawing(&mut self, translation: &Translation) -> Result<()> {
        let draw = if self.form == Form::Colours { heatmap::terminal_colour } else { heatmap::terminal };
        for target in translation.targets() {
            let text = self.output.shown(&one_line(&target.text)).into_owned();
            match translation.others[..] {
                [] => self.line(&text)?,
                _ => self.line(&format!("{text}  ({:.3})", target.score))?,
            }
            let drawn = target.figure(&translation.source)?.map(|figure| draw(&figure));
            self.line(&drawn.unwrap_or_default())?;
        }
        Ok(())
    }

    /// A text and the end of its line.
    fn line(&mut self, text: &str) -> Result<()> {
        self.output.write(text)?;
        self.output.write("\n")
    }
}

/// The text without line ends of its own, for models with such symbols: lines in and out are to correspond.
pub fn one_line(text: &str) -> Cow<'_, str> {
    if text.contains(['\n', '\r']) { text.replace(['\n', '\r'], " ").into() } else { text.into() }
}
