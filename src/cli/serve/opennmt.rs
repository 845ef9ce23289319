//! The REST interface of OpenNMT-py's server, for its clients.
//!
//! Paths, JSON and the statuses are those of its `onmt/bin/server.py`, version 3.5.1. Models are called by number, as
//! `--model` has them, or by a name that is a number.

use hyper::Response;
use seq2seq::Translation;
use seq2seq::text::Dictionary;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::body;
use super::queue::Kind;
use super::record::Record;
use super::refusal::Refusal;
use super::reply::{self, Reply};
use super::server::Server;
use super::submitted::{Ended, Submitted};

/// A source. Other fields, such as a reference, are not used, as there.
#[derive(Debug, Deserialize)]
struct Source {
    src: String,
    /// The first source's is that of all.
    #[serde(default)]
    id: Value,
}

/// A translation.
#[derive(Serialize)]
struct Translated<'a> {
    src: &'a str,
    tgt: String,
    n_best: usize,
    /// Nothing where fewer were found than were to be.
    pred_score: Option<f64>,
}

/// What was asked for, waiting for its answers.
#[derive(Debug)]
pub struct Asked {
    sources: Vec<String>,
    n_best: usize,
    submitted: Submitted,
}

/// Reads a request, and lets its lines wait for the device.
pub fn ask(server: &Server, bytes: &[u8]) -> Result<Asked, Refusal> {
    let sources: Vec<Source> = body::parse(bytes)?;
    let id = sources.first().map_or(&Value::Null, |source| &source.id);
    let model = model(server, id).ok_or_else(|| Refusal::wrong(format!("No such model '{id}'")))?;
    let sources: Vec<String> = sources.into_iter().map(|source| source.src).collect();
    let trimmed: Vec<&str> = sources.iter().map(|source| source.trim()).collect();
    let submitted = server.submit(Kind { model, options: server.options.clone() }, &trimmed, Dictionary::default())?;
    Ok(Asked { sources, n_best: server.options.n_best, submitted })
}

fn model(server: &Server, id: &Value) -> Option<usize> {
    let name = match id {
        Value::Null => "0".to_owned(),
        Value::String(name) => name.clone(),
        id => id.to_string(),
    };
    let number = || name.parse().ok().filter(|&number| number < server.models.names().count());
    server.models.place(&name).or_else(number)
}

impl Asked {
    /// A list for each rank of translations, each with one of every source.
    pub async fn answer(mut self, server: &Server, record: &mut Record) -> Result<Response<Reply>, Refusal> {
        let (mut bytes, most) = (0, server.limits.limit_answer);
        let mut ranks: Vec<Vec<Translated<'_>>> = (0..self.n_best).map(|_| Vec::new()).collect();
        for src in &self.sources {
            let found = match self.submitted.next(record).await {
                // What has no symbols has no translation, and no score.
                Ok(_) if src.trim().is_empty() => None,
                Ok((_, Ok(translation))) => Some(translation),
                Ok((place, Err(error))) => return Ok(failure(&format!("Error: source {place}: {error}"))),
                Err(Ended::Broken(error)) => return Err(Refusal::broken(error)),
                Err(Ended::Whole) => break,
            };
            bytes += found.iter().flat_map(Translation::targets).map(|target| target.text.len()).sum::<usize>();
            if bytes as u64 > most {
                return Err(Refusal::too_large("the answer, in bytes", bytes, most, "--limit-answer"));
            }
            for (rank, list) in ranks.iter_mut().enumerate() {
                list.push(translated(src, found.as_ref(), rank, self.n_best));
            }
        }
        Ok(reply::json(&ranks))
    }
}

/// The spaces around a source stand around its translation.
fn translated<'a>(src: &'a str, found: Option<&Translation>, rank: usize, n_best: usize) -> Translated<'a> {
    let core = src.trim();
    let before = &src[..src.len() - src.trim_start().len()];
    let after = if core.is_empty() { "" } else { &src[before.len() + core.len()..] };
    let target = found.and_then(|translation| translation.targets().nth(rank));
    let text = target.map_or("", |target| &target.text);
    let pred_score = if found.is_none() { Some(0.0) } else { target.map(|target| target.score) };
    Translated { src, tgt: format!("{before}{text}{after}"), n_best, pred_score }
}

/// What its server says of what it cannot translate.
pub fn failure(reason: &str) -> Response<Reply> {
    reply::json(&json!({ "status": "error", "error": reason }))
}

/// Its health.
pub fn health() -> Response<Reply> {
    reply::json(&json!({ "status": "ok" }))
}

/// The models.
pub fn models(server: &Server) -> Response<Reply> {
    let opt = json!({ "beam_size": server.options.beam, "n_best": server.options.n_best });
    let model = |(id, name): (usize, &str)| {
        let id = name.parse().unwrap_or(id);
        json!({ "model_id": id, "opt": opt, "models": [name], "loaded": true, "timeout": -1 })
    };
    reply::json(&server.models.names().enumerate().map(model).collect::<Vec<_>>())
}

/// What is asked to be done with a model: all stay where they are.
pub fn unmoved(id: &str) -> Response<Reply> {
    let id: Value = id.parse::<u64>().map_or_else(|_| id.into(), Value::from);
    reply::json(&json!({ "model_id": id, "status": "error", "error": "models stay as they were loaded" }))
}
