//! How translations are shown.

use std::borrow::Cow;

use seq2seq::Translation;
use seq2seq::heatmap::{self, Figure};
use serde::Serialize;

use crate::cli::failure::Result;
use crate::cli::output::Output;

/// The most translations of one picture, which stay in memory until it is drawn.
pub const MOST_FIGURES: usize = 100;

/// The form of a translation in the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A line of text.
    Text,
    /// A line of text, what was attended to, and an empty line.
    Drawing,
    /// A line with a JSON object.
    Json,
}

/// Writes translations in one form, and the picture of them where one is wanted.
pub struct Presenter {
    form: Form,
    output: Output,
    picture: Option<Picture>,
}

struct Picture {
    output: Output,
    translations: Vec<Translation>,
    left_out: usize,
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
    /// Writes to `output`, and a picture to `picture`.
    pub fn new(form: Form, output: Output, picture: Option<Output>) -> Self {
        let picture = picture.map(|output| Picture { output, translations: Vec::new(), left_out: 0 });
        Self { form, output, picture }
    }

    /// Shows a translation.
    pub fn translation(&mut self, line: usize, translation: Translation) -> Result<()> {
        match self.form {
            Form::Text => self.line(&one_line(&translation.text))?,
            Form::Json => self.output.json(&Translated { line, translation: &translation })?,
            Form::Drawing => {
                self.line(&one_line(&translation.text))?;
                if let Some(figure) = figure(&translation)? {
                    self.line(&heatmap::terminal(&figure))?;
                }
            }
        }
        match &mut self.picture {
            Some(picture) if picture.translations.len() < MOST_FIGURES => picture.translations.push(translation),
            Some(picture) => picture.left_out += 1,
            None => {}
        }
        Ok(())
    }

    /// Keeps the place of a line that has no translation.
    pub fn failure(&mut self, line: usize, reason: &str) -> Result<()> {
        match self.form {
            Form::Text | Form::Drawing => self.line(""),
            Form::Json => self.output.json(&Failed { line, error: reason }),
        }
    }

    /// Hands on everything shown so far.
    pub fn flush(&mut self) -> Result<()> {
        self.output.flush()
    }

    /// Ends the output and draws the picture. Returns how many translations it could not hold.
    pub fn finish(mut self) -> Result<usize> {
        self.output.flush()?;
        let Some(Picture { mut output, translations, left_out }) = self.picture else { return Ok(0) };
        let figures: Vec<Figure<'_>> =
            translations.iter().filter_map(|translation| figure(translation).transpose()).collect::<Result<_>>()?;
        output.write(&heatmap::svg(&figures))?;
        output.flush()?;
        Ok(left_out)
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

fn figure(translation: &Translation) -> Result<Option<Figure<'_>>> {
    let Translation { source, target, alignment, .. } = translation;
    Ok(alignment.as_ref().map(|alignment| Figure::new(source, target, alignment)).transpose()?)
}
