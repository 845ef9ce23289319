//! The JSON of lines, as `seq2seq translate --json` prints it.

use std::collections::VecDeque;
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

/// A word of a line whose words are translated each by itself.
#[derive(Serialize)]
struct Word<'a> {
    word: &'a str,
    #[serde(flatten)]
    translation: Option<&'a Translation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    html: Option<String>,
}

/// What stands between lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// They are elements of an array.
    Array,
    /// Each ends as a line of text does.
    Lines,
}

/// Writes what became of lines, in their order.
#[derive(Debug)]
pub struct Writer {
    form: Form,
    /// Whether hypotheses and alignments are written as HTML, too.
    html: bool,
    /// The words of the lines that are to come, where each word is translated by itself.
    words: Option<VecDeque<Vec<String>>>,
    /// Lines, and words of the first of those that are to come, that are written.
    lines: usize,
    written: usize,
}

impl Writer {
    /// Of lines that are translated whole, or else of lines with these words.
    pub fn new(form: Form, html: bool, words: Option<Vec<Vec<String>>>) -> Self {
        Self { form, html, words: words.map(Into::into), lines: 0, written: 0 }
    }

    /// Appends what became of the next line, or word.
    pub fn write(&mut self, json: &mut Vec<u8>, found: &Found) -> io::Result<()> {
        if self.words.is_some() {
            return self.word(json, found);
        }
        self.begin(json);
        let line = self.lines;
        match found {
            Ok(translation) => {
                let html = self.html(translation)?;
                serde_json::to_writer(&mut *json, &Translated { line, translation, html })?;
            }
            Err(error) => serde_json::to_writer(&mut *json, &FailedLine { line, error })?,
        }
        self.end(json);
        Ok(())
    }

    /// Appends the lines behind the last word.
    pub fn finish(&mut self, json: &mut Vec<u8>) {
        while self.words.as_ref().is_some_and(|words| words.front().is_some_and(Vec::is_empty)) {
            self.words.as_mut().and_then(VecDeque::pop_front);
            self.begin(json);
            json.extend_from_slice(format!("{{\"line\":{},\"words\":[]}}", self.lines).as_bytes());
            self.end(json);
        }
    }

    /// Whether a line has begun and not ended.
    pub fn is_within_line(&self) -> bool {
        self.written > 0
    }

    fn word(&mut self, json: &mut Vec<u8>, found: &Found) -> io::Result<()> {
        // Lines without words come before it.
        self.finish(json);
        let html = found.as_ref().ok().map(|translation| self.html(translation)).transpose()?.flatten();
        match self.written {
            0 => {
                self.begin(json);
                json.extend_from_slice(format!("{{\"line\":{},\"words\":[", self.lines).as_bytes());
            }
            _ => json.push(b','),
        }
        let words = self.words.as_ref().and_then(VecDeque::front).map(Vec::as_slice).unwrap_or_default();
        let word = words.get(self.written).map_or("", String::as_str);
        let (translation, error) = (found.as_ref().ok(), found.as_ref().err().map(String::as_str));
        serde_json::to_writer(&mut *json, &Word { word, translation, error, html })?;
        self.written += 1;
        if self.written >= words.len() {
            self.words.as_mut().and_then(VecDeque::pop_front);
            self.written = 0;
            json.extend_from_slice(b"]}");
            self.end(json);
        }
        Ok(())
    }

    fn begin(&mut self, json: &mut Vec<u8>) {
        json.extend((self.form == Form::Array && self.lines > 0).then_some(b','));
        self.lines += 1;
    }

    fn end(&self, json: &mut Vec<u8>) {
        json.extend((self.form == Form::Lines).then_some(b'\n'));
    }

    fn html(&self, translation: &Translation) -> io::Result<Option<String>> {
        if !self.html {
            return Ok(None);
        }
        let hypothesis = |target| -> io::Result<_> {
            let Target { text, log_prob, score, .. }: &Target = target;
            let figure = target.figure(&translation.source).map_err(io::Error::other)?;
            Ok(ReportHypothesis { text, log_prob: *log_prob, score: *score, figure })
        };
        let hypotheses = translation.targets().map(hypothesis).collect::<io::Result<Vec<_>>>()?;
        hypotheses_html(self.lines, &hypotheses).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is written of these answers, all of which failed.
    fn written(form: Form, words: Option<&[&[&str]]>, answers: usize) -> String {
        let words =
            words.map(|lines| lines.iter().map(|line| line.iter().map(|&word| word.to_owned()).collect()).collect());
        let mut writer = Writer::new(form, false, words);
        let mut json = Vec::new();
        for answer in 0..answers {
            writer.write(&mut json, &Err(answer.to_string())).expect("memory");
        }
        writer.finish(&mut json);
        String::from_utf8(json).expect("UTF-8")
    }

    #[test]
    fn lines_and_words_have_their_places() {
        assert_eq!(written(Form::Array, None, 2), r#"{"line":1,"error":"0"},{"line":2,"error":"1"}"#);
        assert_eq!(written(Form::Lines, None, 1), "{\"line\":1,\"error\":\"0\"}\n");
        let words: &[&[&str]] = &[&[], &["a", "b"], &[], &["c"], &[], &[]];
        let expected = [
            r#"{"line":1,"words":[]}"#,
            r#"{"line":2,"words":[{"word":"a","error":"0"},{"word":"b","error":"1"}]}"#,
            r#"{"line":3,"words":[]}"#,
            r#"{"line":4,"words":[{"word":"c","error":"2"}]}"#,
            r#"{"line":5,"words":[]}"#,
            r#"{"line":6,"words":[]}"#,
        ];
        assert_eq!(written(Form::Array, Some(words), 3), expected.join(","));
        assert_eq!(written(Form::Lines, Some(words), 3), expected.map(|line| format!("{line}\n")).concat());
    }
}
