//! `POST /pronounce`: the words of `seq2seq pronounce --json`, as JSON.

use std::io;
use std::sync::Arc;

use hyper::Response;
use seq2seq::english::Pronouncer;
use seq2seq::english::phones::Phones;
use serde::Deserialize;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::spawn_blocking;

use super::body;
use super::guard;
use super::refusal::Refusal;
use super::reply::{self, Reply};
use super::server::Server;
use crate::cli::choice::{Choice, named};
use crate::cli::pronounce::LineJson;

/// A request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    lines: Vec<String>,
    phones: Option<String>,
}

/// What was asked for.
#[derive(Debug)]
pub struct Asked {
    lines: Vec<String>,
    phones: Phones,
}

/// Characters of the longest line, and about as many as are pronounced before anybody asks whether they are still wanted.
const ENOUGH: usize = 10_000;

/// Reads a request.
pub fn ask(server: &Server, bytes: &[u8]) -> Result<Asked, Refusal> {
    let Request { lines, phones } = body::parse(bytes)?;
    let phones = phones.as_deref().map_or(Ok(Phones::Arpabet), alphabet)?;
    server.check_lines(lines.len())?;
    let lengths = || lines.iter().map(|line| line.chars().count());
    if let Some(found) = lengths().max().filter(|&longest| longest > ENOUGH) {
        return Err(Refusal::too_large("the longest line, in characters", found, ENOUGH, "for pronunciations"));
    }
    let (found, most) = (lengths().sum::<usize>(), server.limits.limit_symbols);
    if found > most as usize {
        return Err(Refusal::too_large("characters", found, most, "--limit-symbols"));
    }
    Ok(Asked { lines, phones })
}

fn alphabet(name: &str) -> Result<Phones, Refusal> {
    named(name).ok_or_else(|| {
        let names: Vec<&str> = Phones::ALL.iter().filter_map(|(_, names, _)| names.first().copied()).collect();
        Refusal::wrong(format!("phones: expected one of {names:?}, found {name:?}"))
    })
}

impl Asked {
    /// The answer. What is computed for it ends soon after this is dropped; one request is computed at a time.
    pub async fn answer(self, server: &Arc<Server>) -> Result<Response<Reply>, Refusal> {
        let turn = Arc::clone(&server.pronounces).acquire_owned().await.map_err(Refusal::broken)?;
        let (parts, written) = channel(1);
        let shared = Arc::clone(server);
        let work = spawn_blocking(move || {
            let _turn = turn;
            guard::run(|| self.write(&shared.pronouncer, &parts).map_err(Refusal::broken))
        });
        let json = collect(written, server.limits.limit_answer).await?;
        work.await.map_err(Refusal::broken)??;
        Ok(reply::json_bytes(json))
    }

    /// Sends the JSON of lines, some at a time, as long as somebody takes it.
    fn write(&self, pronouncer: &Pronouncer, parts: &Sender<Vec<u8>>) -> seq2seq::Result<()> {
        let mut done = 0;
        while done < self.lines.len() {
            let mut characters = 0;
            let some = self.lines[done..].iter().take_while(|line| {
                let fits = characters < ENOUGH;
                characters += line.len();
                fits
            });
            let some = &self.lines[done..][..some.count()];
            let spoken = pronouncer.pronounce_all(some)?;
            let mut json = Vec::new();
            for ((text, spoken), number) in some.iter().zip(spoken).zip(done..) {
                json.extend((number > 0).then_some(b','));
                let line = LineJson { line: number + 1, record: spoken.record(text, self.phones) };
                // What is written to memory is written.
                let _: Result<(), io::Error> = serde_json::to_writer(&mut json, &line).map_err(Into::into);
            }
            if parts.blocking_send(json).is_err() {
                return Ok(());
            }
            done += some.len();
        }
        Ok(())
    }
}

async fn collect(mut parts: Receiver<Vec<u8>>, most: u64) -> Result<Vec<u8>, Refusal> {
    let mut json = b"{\"lines\":[".to_vec();
    while let Some(part) = parts.recv().await {
        json.extend(part);
        if json.len() as u64 > most {
            return Err(Refusal::too_large("the answer, in bytes", json.len(), most, "--limit-answer"));
        }
    }
    json.extend(b"]}");
    Ok(json)
}
