//! `POST /translate`: the words of `seq2seq translate --json`, as JSON.

use std::fmt::Display;
use std::str::FromStr;

use hyper::{Response, StatusCode};
use seq2seq::TranslateOptions;
use seq2seq::backend::LengthPenalty;
use seq2seq::decode::MaxLength;
use serde::{Deserialize, Deserializer, de};
use tokio::time::{Instant, sleep_until};

use super::body;
use super::line;
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
    #[serde(default, deserialize_with = "parsed")]
    length_penalty: Option<LengthPenalty>,
    coverage_penalty: Option<f64>,
    #[serde(default, deserialize_with = "parsed")]
    max_length: Option<MaxLength>,
    #[serde(default)]
    alignment: bool,
    #[serde(default)]
    replace_unknown: bool,
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

fn parsed<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(from: D) -> Result<Option<T>, D::Error> {
    let text = match Option::<Word>::deserialize(from)? {
        None => return Ok(None),
        Some(Word::Number(number)) => number.to_string(),
        Some(Word::Text(text)) => text,
    };
    text.parse().map(Some).map_err(|error| de::Error::custom(format_args!("{text:?}: {error}")))
}

/// What was asked for, waiting for its answers.
#[derive(Debug)]
pub struct Asked {
    submitted: Submitted,
    model: usize,
    stream: bool,
    html: bool,
}

/// Reads a request, and lets its lines wait for the device.
pub fn ask(server: &Server, bytes: &[u8]) -> Result<Asked, Refusal> {
    let request: Request = body::parse(bytes)?;
    let model = match &request.model {
        None => 0,
        Some(name) => server.models.place(name).ok_or_else(|| unknown_model(server, name))?,
    };
    let options = request.options(&server.options);
    let submitted = server.submit(Kind { model, options }, &request.lines)?;
    Ok(Asked { submitted, model, stream: request.stream, html: request.html })
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
        let Self { mut submitted, model, html, .. } = self;
        if self.stream || stream {
            return Ok(reply::lines(Lines::new(submitted, html, Box::pin(sleep_until(deadline)))));
        }
        let most = server.limits.limit_answer;
        let name = serde_json::to_string(server.models.name(model)).map_err(Refusal::broken)?;
        let mut json = format!("{{\"model\":{name},\"translations\":[").into_bytes();
        loop {
            match submitted.next(record).await {
                Ok((place, found)) => {
                    json.extend((place > 0).then_some(b','));
                    line::write(&mut json, place, &found, html).map_err(Refusal::broken)?;
                }
                Err(Ended::Whole) => break,
                Err(Ended::Broken(reason)) => return Err(Refusal::broken(reason)),
            }
            if json.len() as u64 > most {
                let reason = "the answer, in bytes, but for \"stream\": true";
                return Err(Refusal::too_large(reason, json.len(), most, "--limit-answer"));
            }
        }
        json.extend(b"]}");
        Ok(reply::json_bytes(json))
    }
}
