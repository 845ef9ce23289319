//! The JSON of a line, as `seq2seq translate --json` prints it.

use std::io;

use seq2seq::heatmap::{ReportHypothesis, hypotheses_html};
use seq2seq::{Target, Translation};
use serde::Serialize;

use super::answer::Found;
use crate::cli::output::FailedLine;

#[derive(Serialize)]
struct Translated<'a> {
    line: usize,
    #[serde(flatten)]
    translation: &'a Translation,
    #[serde(skip_serializing_if = "Option::is_none")]
    html: Option<String>,
}

/// Appends the JSON of what became of the line at `place`, with its hypotheses and alignments as HTML where that is
/// wanted.
pub fn write(json: &mut Vec<u8>, place: usize, found: &Found, html: bool) -> io::Result<()> {
    let line = place + 1;
    match found {
        Ok(translation) => {
            let html = html.then(|| self::html(line, translation)).transpose()?;
            serde_json::to_writer(json, &Translated { line, translation, html })?;
        }
        Err(error) => serde_json::to_writer(json, &FailedLine { line, error })?,
    }
    Ok(())
}

fn html(line: usize, translation: &Translation) -> io::Result<String> {
    let hypothesis = |target| -> io::Result<_> {
        let Target { text, log_prob, score, .. }: &Target = target;
        let figure = target.figure(&translation.source).map_err(io::Error::other)?;
        Ok(ReportHypothesis { text, log_prob: *log_prob, score: *score, figure })
    };
    hypotheses_html(line, &translation.targets().map(hypothesis).collect::<io::Result<Vec<_>>>()?)
}
