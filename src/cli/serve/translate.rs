//! `POST /translate`: the words of `seq2seq translate --json`, as JSON.

use std::fmt::Display;
use std::str::FromStr;

use hyper::{Response, StatusCode};
use seq2seq::backend::LengthPenalty;
use seq2seq::decode::MaxLength;
use seq2seq::{TranslateOptions, words};
use serde::{Deserialize, Deserializer, de};
use tokio::time::{Instant, sleep_until};

use super::body;
use super::known::Known;
use super::line::{Form, Writer};
use super::queue::Kind;
use super::record::Record;
use super::refusal::Refusal;
use super::reply::{self, Reply};
use super::server::Server;
use super::stream::Lines;
use super::submitted::{Ended, Submitted};

/// A request. What it does not say is as the server's options say.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    lines: Vec<String>,
    model: Option<String>,
    beam: Option<usize>,
    n_best: Option<usize>,
    #[serde(default, deserialize_with = "length_penalty")]
    length_penalty: Option<LengthPenalty>,
    coverage_penalty: Option<f64>,
    #[serde(default, deserialize_with = "max_length")]
    max_length: Option<MaxLength>,
    #[serde(default)]
    alignment: bool,
    #[serde(default)]
    replace_unknown: bool,
    /// Whether each word of a line is translated by itself.
    #[serde(default)]
    each_word: bool,
    /// What is looked up first.
    #[serde(default)]
    dictionary: Known,
    /// Whether each line is sent when it is translated.
    #[serde(default)]
    stream: bool,
    /// Whether answers come with their hypotheses and alignments as HTML.
    #[serde(default)]
    html: bool,
}

/// What is written as a number or a text.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a number or a text")]
enum Word {
    Number(u64),
    Text(String),
}

fn length_penalty<'de, D: Deserializer<'de>>(from: D) -> Result<Option<LengthPenalty>, D::Error> {
    parsed(from, "length_penalty")
}

fn max_length<'de, D: Deserializer<'de>>(from: D) -> Result<Option<MaxLength>, D::Error> {
    parsed(from, "max_length")
}

fn parsed<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(from: D, name: &str) -> Result<Option<T>, D::Error> {
    let text = match Option::<Word>::deserialize(from)? {
        None => return Ok(None),
        Some(Word::Number(number)) => number.to_string(),
        Some(Word::Text(text)) => text,
    };
    text.parse().map(Some).map_err(|error| de::Error::custom(format_args!("{name}: {text:?}: {error}")))
}

/// What was asked for, waiting for its answers.
#[derive(Debug)]
pub struct Asked {
    submitted: Submitted,
    model: usize,
    stream: bool,
    html: bool,
    words: Option<Vec<Vec<String>>>,
}

/// Reads a request, and lets its lines wait for the device.
pub fn ask(server: &Server, bytes: &[u8]) -> Result<Asked, Refusal> {
    let request: Request = body::parse(bytes)?;
    let model = match &request.model {
        None => 0,
        Some(name) => server.models.place(name).ok_or_else(|| unknown_model(server, name))?,
    };
    let kind = Kind { model, options: request.options(&server.options) };
    let Request { lines, each_word, dictionary: Known(known), stream, html, .. } = request;
    let words: Option<Vec<Vec<String>>> = each_word.then(|| lines.iter().map(|line| words_of(line)).collect());
    server.check_lines(lines.len())?;
    let submitted = match &words {
        None => server.submit(kind, &lines, known)?,
        Some(words) => server.submit(kind, &words.iter().flatten().collect::<Vec<_>>(), known)?,
    };
    Ok(Asked { submitted, model, stream, html, words })
}

fn words_of(line: &str) -> Vec<String> {
    words(line).map(str::to_owned).collect()
}

fn unknown_model(server: &Server, name: &str) -> Refusal {
    let names: Vec<&str> = server.models.names().collect();
    Refusal::new(StatusCode::NOT_FOUND, format!("model: expected one of {names:?}, found {name:?}"))
}

impl Request {
    fn options(&self, without: &TranslateOptions) -> TranslateOptions {
        // As on the command line: several translations need as wide a beam.
        let beam = self.beam.unwrap_or_else(|| without.beam.max(self.n_best.unwrap_or(1)));
        TranslateOptions {
            beam,
            n_best: self.n_best.unwrap_or_else(|| without.n_best.min(beam)),
            length_penalty: self.length_penalty.unwrap_or(without.length_penalty),
            coverage_penalty: self.coverage_penalty.unwrap_or(without.coverage_penalty),
            max_length: self.max_length.unwrap_or(without.max_length),
            alignment: self.alignment || self.html,
            replace_unknown: self.replace_unknown,
            ..without.clone()
        }
    }
}

impl Asked {
    /// The answer by the deadline: line by line where that was asked for here or in a header, or else all at once.
    pub async fn answer(
        self,
        server: &Server,
        stream: bool,
        deadline: Instant,
        record: &mut Record,
    ) -> Result<Response<Reply>, Refusal> {
        let Self { mut submitted, model, html, words, .. } = self;
        if self.stream || stream {
            let writer = Writer::new(Form::Lines, html, words);
            return Ok(reply::lines(Lines::new(submitted, writer, Box::pin(sleep_until(deadline)))));
        }
        let mut writer = Writer::new(Form::Array, html, words);
        let most = server.limits.limit_answer;
        let name = serde_json::to_string(server.models.name(model)).map_err(Refusal::broken)?;
        let mut json = format!("{{\"model\":{name},\"translations\":[").into_bytes();
        loop {
            match submitted.next(record).await {
                Ok((_, found)) => writer.write(&mut json, &found).map_err(Refusal::broken)?,
                Err(Ended::Whole) => break,
                Err(Ended::Broken(reason)) => return Err(Refusal::broken(reason)),
            }
            if json.len() as u64 > most {
                let reason = "the answer, in bytes, but for \"stream\": true";
                return Err(Refusal::too_large(reason, json.len(), most, "--limit-answer"));
            }
        }
        writer.finish(&mut json);
        json.extend(b"]}");
        Ok(reply::json_bytes(json))
    }
}
